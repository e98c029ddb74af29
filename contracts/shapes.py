"""What the structs say of themselves: how the lake keeps each field, and the docstring under it."""

import ast
import inspect
import textwrap
from functools import cache
from itertools import pairwise
from typing import Literal, NamedTuple

import msgspec

Shape = Literal["str", "int", "bool", "decimal", "list", "when", "mother", "scan", "record", "listed"]

_PLAIN: dict[type, Shape] = {
    msgspec.inspect.StrType: "str",
    msgspec.inspect.LiteralType: "str",
    msgspec.inspect.IntType: "int",
    msgspec.inspect.BoolType: "bool",
    msgspec.inspect.DecimalType: "decimal",
    msgspec.inspect.VarTupleType: "list",
}


@cache
def shapes(struct: type[msgspec.Struct]) -> dict[str, Shape]:
    """How the lake keeps each field of a struct, in the struct's order.

    `when` is a date text, `mother`, `scan` and `record` are identifiers that are hashed in that role,
    `listed` is kept only when the site registered it; the others are kept as they are.
    """
    info = msgspec.inspect.type_info(struct)
    assert isinstance(info, msgspec.inspect.StructType)  # noqa: S101  # narrows the type for the checker
    return {field.name: _shape(field.type) for field in info.fields}


class Limits(NamedTuple):
    """What a field's type asks of a value."""

    pattern: str | None
    """Of a text."""
    least: int | None
    """Of a whole number, as the next."""
    most: int | None


@cache
def limits(struct: type[msgspec.Struct]) -> dict[str, Limits]:
    """What the type of each field of a struct asks of a value, as far as texts and whole numbers go."""
    info = msgspec.inspect.type_info(struct)
    assert isinstance(info, msgspec.inspect.StructType)  # noqa: S101  # narrows the type for the checker
    return {field.name: _limits(field.type) for field in info.fields}


@cache
def choices(struct: type[msgspec.Struct]) -> dict[str, tuple[str, ...]]:
    """The codes of each field of a struct whose type names them all; fields of other types are left out."""
    info = msgspec.inspect.type_info(struct)
    assert isinstance(info, msgspec.inspect.StructType)  # noqa: S101  # narrows the type for the checker
    bare = {field.name: _bare(field.type) for field in info.fields}
    return {
        name: tuple(map(str, its.values)) for name, its in bare.items() if isinstance(its, msgspec.inspect.LiteralType)
    }


@cache
def field_docs(struct: type[msgspec.Struct]) -> dict[str, str]:
    """The docstring under each of a struct's fields, inherited ones among them."""
    docs: dict[str, str] = {}
    for each in reversed(struct.__mro__):
        if issubclass(each, msgspec.Struct) and each is not msgspec.Struct:
            docs |= _own_docs(each)
    return docs


def _own_docs(struct: type[msgspec.Struct]) -> dict[str, str]:
    (node,) = ast.parse(textwrap.dedent(inspect.getsource(struct))).body
    body = node.body if isinstance(node, ast.ClassDef) else []
    return {
        field.target.id: inspect.cleandoc(doc.value.value)
        for field, doc in pairwise(body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(doc, ast.Expr)
        and isinstance(doc.value, ast.Constant)
        and isinstance(doc.value.value, str)
    }


def _limits(info: msgspec.inspect.Type) -> Limits:
    info = _bare(info)
    if isinstance(info, msgspec.inspect.IntType):
        return Limits(None, info.ge, info.le)
    return Limits(info.pattern if isinstance(info, msgspec.inspect.StrType) else None, None, None)


def _bare(info: msgspec.inspect.Type) -> msgspec.inspect.Type:
    """The type without what says that it may be absent and how the lake keeps it."""
    if isinstance(info, msgspec.inspect.Metadata):
        return _bare(info.type)
    if isinstance(info, msgspec.inspect.UnionType):
        return next(_bare(member) for member in info.types if not isinstance(member, msgspec.inspect.NoneType))
    return info


def _shape(info: msgspec.inspect.Type) -> Shape:
    if isinstance(info, msgspec.inspect.Metadata):
        lake: Shape | None = (info.extra or {}).get("lake")
        return lake or _shape(info.type)
    if isinstance(info, msgspec.inspect.UnionType):
        return next(_shape(member) for member in info.types if not isinstance(member, msgspec.inspect.NoneType))
    return _PLAIN[type(info)]
