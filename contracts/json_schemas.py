"""JSON Schema (draft 2020-12) of each kind, made from the structs, their docstrings and the closed lists.

What a schema cannot say (a calendar's days, the broker's clock, the topic's site, repeated keys, the digits that the
lake can hold) only the judge can tell; whatever the judge accepts, the schema accepts too.
"""

from typing import Any, Literal, get_args, get_origin, get_type_hints

from msgspec import inspect

from contracts import codes
from contracts.events import DATA, ENVELOPES, Envelope
from contracts.platform_event import PlatformEvent
from contracts.shapes import field_docs
from contracts.site import SITE_ID

Schema = dict[str, Any]

NUMBER: Schema = {
    "description": (
        "A JSON number, or one spelled the same as a string, which no reader's floating point can change. "
        "At most 16 digits before and 12 after the point."
    ),
    "anyOf": [
        {"type": "number"},
        {"type": "string", "pattern": r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$"},
    ],
}
_NULL: Schema = {"type": "null"}
_GIVEN: Schema = {"not": _NULL}


def schema(kind: str) -> Schema:
    """The schema of one kind's event, envelope and data."""
    envelope = ENVELOPES[f"b12.{kind}.v1"]
    properties = _properties(Envelope)
    properties["source"]["pattern"] = f"^/sites/{SITE_ID}$"
    properties["time"] = {"description": properties["time"]["description"], "type": "string", "format": "date-time"}
    properties["type"] = {"description": "Kind and version of the event.", "const": f"b12.{kind}.v1"}
    properties["data"] = _data(kind)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:b12:{kind}:v1",
        "title": str(envelope.__struct_config__.tag),
        "description": f"{DATA[kind].__doc__} A CloudEvents 1.0 object; other attributes are accepted and not stored.",
        "type": "object",
        "required": ["specversion", "id", "source", "type", "time", "subject", "data"],
        "properties": properties,
        "$defs": {"number": NUMBER},
    }


def message(struct: type[PlatformEvent[Any]]) -> Schema:
    """The schema of what the platform sends to a site; a reader passes over what it does not know."""
    info = type_info(struct)
    properties = _properties(struct)
    properties["type"] = {"description": "Kind and version of the message.", "const": info.tag}
    return {"type": "object", "required": [*properties], "properties": properties}


def type_info(struct: type) -> inspect.StructType:
    """What msgspec knows of a struct."""
    info = inspect.type_info(struct)
    assert isinstance(info, inspect.StructType)  # noqa: S101  # narrows the type for the checker
    return info


def unwrapped(info: inspect.Type) -> tuple[inspect.Type, bool]:
    """A field's type without null and metadata around it, and whether null may stand there."""
    nullable = False
    if isinstance(info, inspect.UnionType):
        nullable = any(isinstance(member, inspect.NoneType) for member in info.types)
        info = next(m for m in info.types if not isinstance(m, inspect.NoneType))
    return (info.type if isinstance(info, inspect.Metadata) else info), nullable


def alternatives(struct: type, field: str) -> tuple[str, ...]:
    """The texts that a field lists in its type, in the order in which it lists them; empty for any other field."""
    pending = [get_type_hints(struct)[field]]
    for hint in pending:
        if get_origin(hint) is Literal:
            return get_args(hint)
        pending += get_args(hint)
    return ()


def closed(kind: str, field: str) -> list[str] | None:
    """The codes that a field may hold beside those that its type lists; None for any other field."""
    match kind, field:
        case "lab_result", "loinc":
            return sorted(codes.loinc_codes())
        case "lab_result", "unit":
            return sorted({unit for code in codes.loinc_codes().values() for unit in code.factors})
        case "milestone", "code":
            return sorted(codes.closed_list("milestones"))
        case "symptom", "code":
            return sorted(codes.closed_list("signs"))
        case "imaging", "region":
            return sorted(codes.closed_list("regions"))
        case "assessment", "instrument":
            return sorted(codes.instruments())
        case "assessment", "edition":
            return sorted({edition for instrument in codes.instruments().values() for edition in instrument.editions})
        case "assessment", "domain":
            scales = (domains for its in codes.instruments().values() for domains in its.editions.values())
            return sorted({domain for domains in scales for domain in domains})
    return None


def _data(kind: str) -> Schema:
    properties = _properties(DATA[kind])
    for name, its in properties.items():
        listed = closed(kind, name)
        if listed is not None:
            its.pop("pattern")
            its["enum"] = [*listed, None] if isinstance(its["type"], list) else listed
    if kind == "consent":
        properties["scopes"]["minItems"] = 1
    return {
        "description": str(DATA[kind].__doc__),
        "type": "object",
        "additionalProperties": False,
        "required": [field.name for field in type_info(DATA[kind]).fields if field.required],
        "properties": properties,
        **_beyond_fields(kind),
    }


def _properties(struct: type) -> dict[str, Schema]:
    docs = field_docs(struct)
    properties = {f.name: {"description": docs[f.name], **_type(f.type)} for f in type_info(struct).fields}
    for name, its in properties.items():
        place = its.get("items", its)
        if "enum" in place:  # msgspec sorts them
            place["enum"] = [*alternatives(struct, name), *([None] if None in place["enum"] else [])]
    return properties


def _type(info: inspect.Type) -> Schema:
    inner, nullable = unwrapped(info)
    its = _plain(inner)
    if not nullable:
        return its
    if "enum" in its:
        return {"enum": [*its["enum"], None]}
    return {**its, "type": [its["type"], "null"]} if "type" in its else {"anyOf": [its, _NULL]}


def _plain(info: inspect.Type) -> Schema:
    match info:
        case inspect.LiteralType(values=values):
            return {"enum": list(values)}
        case inspect.StrType(pattern=pattern, max_length=longest):
            # \Z is Python's; ECMA 262 knows only $, which there means the same.
            limits = {"pattern": pattern and pattern.replace(r"\Z", "$"), "maxLength": longest}
            return {"type": "string", **{name: limit for name, limit in limits.items() if limit is not None}}
        case inspect.IntType(ge=low, le=high):
            bounds = {"minimum": low, "maximum": high}
            return {"type": "integer", **{name: bound for name, bound in bounds.items() if bound is not None}}
        case inspect.BoolType():
            return {"type": "boolean"}
        case inspect.DecimalType():
            return {"$ref": "#/$defs/number"}
        case inspect.VarTupleType(item_type=item):
            return {"type": "array", "items": _plain(unwrapped(item)[0])}
        case inspect.DateTimeType():
            return {"type": "string", "format": "date-time"}
        case inspect.StructType(cls=struct, fields=own):
            required = [field.name for field in own if field.required]
            return {"type": "object", "required": required, "properties": _properties(struct)}
    raise TypeError(f"no JSON Schema for {type(info).__name__}")


def _when(field: str, values: list[str], then: Schema | None, otherwise: Schema | None = None) -> Schema:
    condition = {"properties": {field: {"enum": values}}, "required": [field]}
    branches = {"if": condition, "then": then, "else": otherwise}
    return {name: branch for name, branch in branches.items() if branch is not None}


def _with(*fields: str) -> Schema:
    return {"required": list(fields), "properties": dict.fromkeys(fields, _GIVEN)}


def _beyond_fields(kind: str) -> Schema:
    """What the judge asks of several fields together."""
    match kind:
        case "lab_result":
            fitting = [
                _when(
                    "loinc",
                    [loinc],
                    {
                        "properties": {
                            "unit": {"enum": [*sorted(code.factors), None]},
                            "specimen": {"enum": sorted(code.specimens)},
                        }
                    },
                )
                for loinc, code in sorted(codes.loinc_codes().items())
            ]
            return {"allOf": [_when("status", ["cancelled"], None, _with("value", "unit")), *fitting]}
        case "dose":
            return {"allOf": [_when("status", ["given"], _with("given", "ug"), {"properties": {"given": _NULL}})]}
        case "assessment":
            scored: Schema = {"anyOf": [_with("score"), _with("category")]}
            instruments = sorted(codes.instruments().items())
            fitting = [_when("instrument", [name], _editions(its)) for name, its in instruments]
            return {"allOf": [_when("status", ["untestable", "refused"], None, scored), *fitting]}
        case "imaging":
            bare: Schema = {"const": "1"}
            units = ({"properties": {"unit": bare}}, {"properties": {"unit": {"not": bare}}})
            return {"allOf": [_when("metric", ["fa"], *units)]}
        case "growth":
            return {"anyOf": [_with("weight_g"), _with("length_cm"), _with("head_circumference_cm")]}
    return {}


def _editions(instrument: codes.Instrument) -> Schema:
    return {
        "anyOf": [
            {"properties": {"edition": {"const": edition}, "domain": {"enum": sorted(domains)}}}
            for edition, domains in sorted(instrument.editions.items())
        ]
    }
