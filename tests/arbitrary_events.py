"""Arbitrary events that the door accepts, for property tests: every field there or not, numbers near every bound.

Not a cohort: nothing here is plausible, only well-formed. Made from a seed rather than by hypothesis' own strategies,
which take 50 times as long for so many fields.
"""

from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from random import Random
from typing import Any

from msgspec import inspect, json

from contracts import codes
from contracts.events import DATA, Event
from contracts.judge import is_refusal, judge
from contracts.rulebook import Range, rules
from contracts.shapes import shapes
from contracts.site import Site

SITE = Site(id="BLR01", name="A laboratory", country="IN", time_zone="Asia/Kolkata")

_ZONES = ("Z", "+05:30", "-11:00", "+14:00")
_CLOCKS = ("00:00", "00:30", "12:00:00", "23:59:59.999999")
_SCALES = tuple(map(Decimal, ("1", "10", "0.001", "1000", "0.737806", "2.2655", "16.114")))


def arbitrary_events(kind: str, random: Random, count: int) -> list[Event]:
    """So many accepted events of one kind."""
    events: list[Event] = []
    while len(events) < count:
        judged = judge(json.encode(arbitrary_json(kind, random)), SITE)
        if not is_refusal(judged):
            events.append(judged)
    return events


def arbitrary_json(kind: str, random: Random) -> dict[str, Any]:
    """One event that fits its struct; what the judge asks of fields together it may not meet."""
    return {
        "specversion": "1.0",
        "id": _word(random),
        "source": SITE.source,
        "type": f"b12.{kind}.v1",
        "time": f"{_day(random)}T09:00:00{random.choice(_ZONES)}",
        "subject": _word(random),
        "data": _data(kind, random),
    }


def _data(kind: str, random: Random) -> dict[str, Any]:
    data = {}
    for field in inspect.type_info(DATA[kind]).fields:
        if field.required or random.random() < 0.6:
            value = _value(kind, field.name, field.type, random)
            if value is not None:
                data[field.name] = value
    if kind in _CODED:
        data |= random.choice(_coded(kind))
    if kind == "dose" and data["status"] != "given":
        data.pop("given", None)
    return data


def _value(kind: str, name: str, info: inspect.Type, random: Random) -> Any:
    """A value of one field; None for one that is left out or filled as a group."""
    if isinstance(info, inspect.UnionType):
        info = next(member for member in info.types if not isinstance(member, inspect.NoneType))
    if isinstance(info, inspect.Metadata):
        info = info.type
    shape = shapes(DATA[kind])[name]
    if (kind, name) in _TEXTS:
        return random.choice(_TEXTS[kind, name])
    if shape == "when":
        return _when(random, with_time="T" in info.pattern)
    if shape == "decimal":
        return _number(kind, random)
    if isinstance(info, inspect.LiteralType):
        return random.choice(info.values)
    if isinstance(info, inspect.IntType):
        low, high = info.ge or 0, min(info.le or 200, 200)
        return random.choice((low, high, random.randint(low, high)))
    if isinstance(info, inspect.BoolType):
        return random.random() < 0.5
    return _word(random) if shape in ("mother", "scan", "record") else None


def _when(random: Random, with_time: bool) -> str:
    day = _day(random)
    form = random.choice(("month", "day", "time") if with_time else ("month", "day"))
    if form == "time":
        return f"{day}T{random.choice(_CLOCKS)}{random.choice(_ZONES)}"
    return f"{day:%Y-%m}" if form == "month" else str(day)


def _day(random: Random) -> date:
    return date(2025, 1, 1) + timedelta(days=random.randrange(90))


def _word(random: Random) -> str:
    return "".join(random.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=8))


def _number(kind: str, random: Random) -> Decimal:
    """A number on, beside or far from a bound that a rule of the kind names, in whatever unit."""
    if random.random() < 0.03:
        return random.choice((-1, 1)) * Decimal("9999999999999999.999999999999")  # the largest that the door lets in
    if random.random() < 0.2:
        return Decimal(random.randrange(-1000, 10**9)) / 1000
    near = random.choice(_bounds(kind)) / random.choice(_SCALES) + random.choice((-1, 0, 1)) * Decimal("1e-9")
    return near.quantize(Decimal("1e-12"))


@cache
def _bounds(kind: str) -> list[Decimal]:
    bounds = {Decimal(0), Decimal(1)}
    for rule in rules(kind):
        for comparison in (rule.expects, *rule.when):
            operand = comparison.operand
            if isinstance(operand, Range):
                ends = (operand.at_least, operand.above, operand.at_most, operand.below)
                bounds |= {end for end in ends if end is not None}
            elif isinstance(operand, Decimal):
                bounds.add(operand)
    return sorted(bounds)


@cache
def _coded(kind: str) -> list[dict[str, Any]]:
    """Fields whose codes must fit each other."""
    if kind == "lab_result":
        return [
            {"loinc": loinc, "unit": unit, "specimen": specimen}
            for loinc, code in codes.loinc_codes().items()
            for unit in code.factors
            for specimen in sorted(code.specimens)
        ]
    if kind == "assessment":
        return [
            {"instrument": instrument, "edition": edition, "domain": domain}
            for instrument, its in codes.instruments().items()
            for edition, domains in its.editions.items()
            for domain in sorted(domains)
        ]
    units = codes.diffusivity_factors()
    return [{"metric": "fa", "unit": "1"}, *({"metric": m, "unit": u} for m in ("md", "ad", "rd") for u in units)]


_CODED = ("lab_result", "assessment", "imaging")
_TEXTS: dict[tuple[str, str], list[Any]] = {
    ("milestone", "code"): sorted(codes.closed_list("milestones")),
    ("symptom", "code"): sorted(codes.closed_list("signs")),
    ("imaging", "region"): sorted(codes.closed_list("regions")),
    ("imaging", "atlas"): ["jhu", "manual"],
    ("imaging", "atlas_version"): ["1.0"],
    ("condition", "code"): ["ICD10:E53.8", "SNOMED:190634004", "HP:0100502"],
    ("consent", "scopes"): [["blood"], ["imaging", "mother"]],
    ("confirmation", "rule"): ["b12_unusual"],
    ("acknowledgement", "alert"): ["0123456789abcdef" * 2],
}
