"""Reading a mapping file, and everything that can be wrong with it before it meets a table.

What the keys are stands in `sites.mapping`; columns that a table does not have are told by `sites.drafts`.
"""

import datetime as dt
import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, get_args, get_origin
from zoneinfo import available_timezones

import msgspec

from contracts.errors import UsageError
from contracts.events import DATA, KINDS
from contracts.shapes import shapes
from sites.mapping import (
    AGES,
    SOURCES,
    SPANS,
    Condition,
    Conditions,
    FileLayout,
    Join,
    Mapping,
    Output,
    Take,
    alternatives,
    conditions,
    field_types,
    names,
    near,
)

UNDECIDED = "?"
"""What `b12 map init` writes where only the lab can know."""


def load(path: Path) -> Mapping:
    """Read and check a mapping file; UsageError with everything that is to be mended in it."""
    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8-sig"), parse_float=Decimal)
    except FileNotFoundError:
        raise UsageError(f"{path}: there is no such mapping; `b12 map init FILE` drafts one") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path} cannot be read as TOML: {error}") from None
    return parse(tree, path.name)


def parse(tree: dict[str, Any], name: str) -> Mapping:
    """A mapping from its TOML tree; UsageError under `name` with everything that is to be mended."""
    undecided = list(_undecided(tree))
    if undecided:
        raise UsageError(_to_mend(name, [f"{place} still says {UNDECIDED!r}: decide it" for place in undecided]))
    try:
        mapping = msgspec.convert(_plain(tree), Mapping)
    except msgspec.ValidationError as error:
        raise UsageError(_to_mend(name, [_explain(str(error))])) from None
    mends = list(_mends(mapping))
    if mends:
        raise UsageError(_to_mend(name, mends))
    return mapping


def _to_mend(name: str, mends: list[str]) -> str:
    if len(mends) == 1:
        return f"mapping {name}: {mends[0]}"
    return f"mapping {name}: {len(mends)} things to mend" + "".join(f"\n  - {mend}" for mend in mends)


def _plain(node: Any) -> Any:
    """The tree with TOML's dates as texts."""
    if isinstance(node, dict):
        return {key: _plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_plain(value) for value in node]
    return node.isoformat() if isinstance(node, (dt.date, dt.time)) else node


def _undecided(node: Any, place: str = "") -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _undecided(value, f"{place}.{key}" if place else key)
    elif isinstance(node, list):
        for number, value in enumerate(node, 1):
            yield from _undecided(value, f"{place} {number}")
    elif node == UNDECIDED:
        yield place


_KEYS: dict[str, type[msgspec.Struct]] = {
    "file": FileLayout,
    "join": Join,
    "when": Condition,
    "columns": Take,
    "computed": Take,
    "event": Output,
}


def _explain(message: str) -> str:
    """msgspec's message in the words of the file."""
    text, _, path = message.partition(" - at `$")
    place = re.sub(r"\[(\d+)\]", lambda at: f" {int(at[1]) + 1}", path.rstrip("`").lstrip(".")) or "the top level"
    unknown = re.search(r"unknown field `([^`]*)`", text)
    if not unknown:
        for theirs, ours in {"array": "list in [ ]", "object": "table", "str": "text", "int": "whole number"}.items():
            text = text.replace(f"`{theirs}`", ours)
        return f"{place}: {text[0].lower()}{text[1:]}"
    tables = [name for name in re.findall(r"[a-z_]+", place) if name in _KEYS]
    struct: type[msgspec.Struct] = _KEYS[tables[-1]] if tables else Mapping
    keys = struct.__struct_encode_fields__
    return f"{place} has no key {unknown.group(1)!r}{near(unknown.group(1), keys)}; it takes {', '.join(keys)}"


def _mends(mapping: Mapping) -> Iterator[str]:
    if not mapping.event:
        yield "no [[event]]: say at least one event that a row gives"
    if mapping.file.time_zone and mapping.file.time_zone not in available_timezones():
        yield "file.time_zone is no IANA name, like Asia/Kolkata"
    yield from (f"two [[event]] are called {name!r}" for name in _repeated(output.name for output in mapping.event))
    yield from (f"two [[join]] are called {name!r}" for name in _repeated(join.name for join in mapping.join))
    for name, source in mapping.computed.items():
        for take in alternatives(source):
            yield from (f"computed.{name}: {mend}" for mend in _take_mends(take))
    for output in mapping.event:
        where = f"event {output.name}"
        if not re.fullmatch(r"[a-z0-9_]{1,40}", output.name):
            yield f"{where}: a name holds small letters, digits and _ (it becomes part of every record's key)"
        if output.kind not in KINDS:
            known = ", ".join(KINDS)
            yield f"{where}: there is no kind {output.kind!r}{near(output.kind, KINDS)}; the kinds are {known}"
            continue
        if not (output.subject or mapping.subject):
            yield f"{where}: name the column of the infant's study code, as subject"
        if not names(mapping.identify if output.identify is None else output.identify):
            yield f"{where}: name the columns that identify a record for good, as identify"
        yield from (f"{where}: {mend}" for mend in (*_condition_mends(output.when), *_field_mends(output)))


def _field_mends(output: Output) -> Iterator[str]:
    struct = DATA[output.kind]
    types = field_types(output.kind)
    for field in {**output.constants, **output.columns}:
        if field not in types:
            known = ", ".join(types)
            yield f"a {output.kind} has no field {field!r}{near(field, types)}; it has {known}"
    for field in output.constants.keys() & output.columns.keys():
        yield f"{field} stands under constants and under columns: keep one"
    for field in output.needs or ():
        if field not in output.columns:
            yield f"needs names {field!r}, which is not under columns"
    for field, required in types.items():
        is_required = required[1]
        if is_required and field not in output.constants and field not in output.columns:
            yield f"a {output.kind} needs {field}: give it under columns or constants"
    for field, value in output.constants.items():
        if field in types and not _fits(value, types[field][0]):
            yield f"constants.{field} is not what the data dictionary allows{_choices(output.kind, field)}"
    for field, source in output.columns.items():
        if field not in types:
            continue
        shape = shapes(struct)[field]
        for take in alternatives(source):
            yield from (f"columns.{field}: {mend}" for mend in _take_mends(take))
            if shape in ("str", "listed"):
                given = [*(take.values or {}).values(), take.otherwise, take.value]
                if any(value is not None and not _fits(value, types[field][0]) for value in given):
                    choices = _choices(output.kind, field)
                    yield f"columns.{field} gives a code that is not in the data dictionary{choices}"


def _take_mends(take: Take) -> Iterator[str]:
    sources = [name for name in SOURCES if getattr(take, name) is not None]
    if len(sources) != 1:
        said = " and ".join(sources) or "none"
        yield f"say exactly one of {', '.join(SOURCES)} (it says {said})"
        return
    (source,) = sources
    if source in AGES and (take.on is None) == (take.on_column is None):
        yield f"{source} needs the day the age was true, as on (a date) or on_column"
    if source in SPANS and take.since is None:
        yield f"{source} needs since, the column of the date to count from"
    if take.on is not None and not re.fullmatch(r"[12]\d{3}-\d{2}(-\d{2})?", take.on):
        yield "on is a date like 2026-03-14"
    if take.otherwise is not None and take.values is None:
        yield "otherwise goes with values"
    if take.extract is not None:
        try:
            groups = re.compile(take.extract).groups
        except re.error:
            groups = 0
        if groups != 1:
            yield "extract is a regular expression with one pair of brackets, around what to keep"
    yield from _condition_mends(take.when)


def _condition_mends(when: Conditions) -> Iterator[str]:
    for condition in conditions(when):
        told = msgspec.structs.asdict(condition)
        if all(value is None for name, value in told.items() if name != "column"):
            yield f"when {condition.column}: say what must hold (is, one_of, below, given and so on)"
        for name in ("below", "above", "at_least", "at_most"):
            if isinstance(told[name], bool) or not isinstance(told[name], (int, Decimal, type(None))):
                yield f"when {condition.column}: {name} is a number"


def _fits(value: Any, type_: Any) -> bool:
    try:
        msgspec.convert(value, type_)
    except msgspec.ValidationError:
        return False
    return True


def _choices(kind: str, field: str) -> str:
    """The codes that a field takes, when it takes a closed list of them."""
    type_ = field_types(kind)[field][0]
    for part in (type_, *get_args(type_)):
        if get_origin(part) is Literal:
            return f": it takes {', '.join(get_args(part))}"
    return ""


def _repeated(names: Iterable[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]
