"""Every reason why one event would be refused, not only the first that the judge meets.

The judge stays the only one who knows the rules: it is asked again about each field by itself, inside an event that
is otherwise good, and then about the whole.
"""

from collections.abc import Callable, Iterator
from decimal import Decimal
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

import msgspec

from contracts import codes
from contracts.events import DATA, ENVELOPES, KIND_OF
from contracts.judge import is_refusal, judge, rules
from contracts.shapes import choices
from contracts.site import Site

_decode = msgspec.json.Decoder(float_hook=Decimal).decode
_encode = msgspec.json.Encoder(decimal_format="number").encode

_ATTRIBUTES = ("specversion", "id", "source", "time", "subject", "record")
_BETWEEN_FIELDS = frozenset({"unit_not_for_code", "specimen_not_for_code", "value_missing", "contradiction"})
"""Rules about several fields at once, which one field in another event cannot break."""


_CLOSER_FIXES = {
    (
        "format",
        "$.subject",
    ): "A study code holds letters, digits, dots, hyphens and underscores, at most 64, no spaces.",
    ("format", "$.record"): "What identifies the record is too long: at most 256 characters, with the event's name.",
    ("format", "$.id"): "An id has at most 256 characters and no line breaks.",
    ("format", "$.time"): "Write time with its zone, like 2026-03-14T09:30:00+05:30.",
}


class Reason(NamedTuple):
    """One rule of the door that an event does not keep."""

    rule: str
    path: str
    """JSON path; with an unknown field's own name, which is shown to its own lab alone."""
    choice: tuple[str, ...] = ()
    """Where it is known: the few codes that the field may hold, or the fields that an unknown one may stand for."""

    @property
    def fix(self) -> str:
        """What the lab should do."""
        if self.rule == "unknown_code" and self.choice:
            return f"Use one of {', '.join(self.choice)}, exactly as written here."
        if self.rule == "unknown_field":
            meant = f" Is it {' or '.join(self.choice)}?" if self.choice else ""
            return f"Remove or rename the field: the data dictionary lists what the kind may hold.{meant}"
        return _CLOSER_FIXES.get((self.rule, self.path)) or rules()[self.rule].fix


def reasons(raw: bytes, site: Site) -> list[Reason]:
    """Why `site`'s event would be refused; empty when it would be accepted."""
    first = judge(raw, site)
    if not is_refusal(first):
        return []
    whole = Reason(first.rule, first.path)
    if first.rule in ("too_large", "duplicate_key", "unknown_type", "judge_failed"):
        return [whole]
    try:
        event = _decode(raw)
    except (msgspec.DecodeError, RecursionError, ValueError, ArithmeticError):
        return [whole]
    if not isinstance(event, dict) or not isinstance(event.get("data"), dict) or event.get("type") not in ENVELOPES:
        return [whole]
    found = list(dict.fromkeys((*_of_attributes(event, site), *_of_fields(event, site))))
    return (found + [reason for reason in _of_the_whole(event, site, found) if reason not in found]) or [whole]


def _of_attributes(event: dict[str, Any], site: Site) -> Iterator[Reason]:
    good = _example(KIND_OF[ENVELOPES[event["type"]]])
    for name in _ATTRIBUTES:
        if name in event:
            yield from _asked({**good, "source": site.source, name: event[name]}, site, f"$.{name}")
        elif name != "record":
            yield Reason("field_missing", f"$.{name}")


def _of_fields(event: dict[str, Any], site: Site) -> Iterator[Reason]:
    kind = KIND_OF[ENVELOPES[event["type"]]]
    good = {**_example(kind), "source": site.source}
    data = event["data"]
    types = {field.name: field for field in msgspec.structs.fields(DATA[kind])}
    # An edition and a domain mean something for their instrument only.
    together = {
        name: data[name] for name in ("instrument", "edition", "domain") if kind == "assessment" and name in data
    }
    for name, value in data.items():
        if name not in types:
            yield Reason("unknown_field", f"$.data.{name}", tuple(get_close_matches(name, types)))
        else:
            asked = _asked({**good, "data": {**good["data"], **together, name: value}}, site, f"$.data.{name}")
            few = choices(DATA[kind]).get(name, ())
            yield from (reason._replace(choice=few) if reason.rule == "unknown_code" else reason for reason in asked)
    for name, field in types.items():
        if field.default is msgspec.NODEFAULT and name not in data:
            yield Reason("field_missing", f"$.data.{name}")


def _asked(event: dict[str, Any], site: Site, path: str) -> Iterator[Reason]:
    """What the judge says about one place of an otherwise good event."""
    judged = judge(_encode(event), site)
    if is_refusal(judged) and judged.path.startswith(path) and judged.rule not in _BETWEEN_FIELDS:
        yield Reason(judged.rule, path)


def _of_the_whole(event: dict[str, Any], site: Site, found: list[Reason]) -> Iterator[Reason]:
    """What is wrong between the fields, once each of them is good by itself."""
    kind = KIND_OF[ENVELOPES[event["type"]]]
    example = _example(kind)
    good = {name: event.get(name, example.get(name)) for name in example} | {"source": site.source}
    data = dict(event["data"])
    for reason in found:
        name = reason.path.removeprefix("$.data.")
        if reason.path.startswith("$.data."):
            if name in _TOGETHER.get(kind, ()):
                return  # what stands beside it cannot be judged
            data.pop(name, None)
            if name in example["data"]:
                data[name] = example["data"][name]
        else:
            good[reason.path.removeprefix("$.")] = example.get(reason.path.removeprefix("$."))
    good = {name: value for name, value in good.items() if value is not None}
    for _ in range(4):
        judged = judge(_encode({**good, "data": data}), site)
        if not is_refusal(judged):
            return
        yield Reason(judged.rule, judged.path)
        mend = _MENDS.get((kind, judged.path))
        if mend is None:
            return
        data[judged.path.removeprefix("$.data.")] = mend(data)


_TOGETHER = {
    "lab_result": ("loinc", "specimen", "value", "unit", "status"),
    "dose": ("status", "given", "ug"),
    "assessment": ("instrument", "edition", "domain", "score", "category", "status"),
    "imaging": ("metric", "unit", "region"),
    "growth": ("weight_g", "length_cm", "head_circumference_cm"),
}

_MENDS: dict[tuple[str, str], Callable[[dict[str, Any]], Any]] = {
    ("lab_result", "$.data.specimen"): lambda data: min(codes.loinc_codes()[data["loinc"]].specimens),
    ("lab_result", "$.data.value"): lambda data: 1,  # noqa: ARG005
    ("dose", "$.data.given"): lambda data: "2020-01-01",  # noqa: ARG005
    ("imaging", "$.data.region"): lambda data: min(codes.closed_list("regions")),  # noqa: ARG005
}
"""What to put in place of what was told already, to see what else is wrong."""


@cache
def _example(kind: str) -> Any:
    """A good event of a kind."""
    return _decode(files("contracts").joinpath("examples", f"{kind}.json").read_bytes())
