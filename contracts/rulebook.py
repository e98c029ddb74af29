"""The row rules as typed data: `contracts/rules/rows.toml` read, checked against the structs and spread over kinds.

How a rule is asked of an event stands in contracts/rows.py, how it is asked of a table in registry/row_rules.py.
"""

import tomllib
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import msgspec
from msgspec import Struct

from contracts import codes
from contracts.events import DATA
from contracts.readable import readable
from contracts.shapes import shapes

Effect = Literal["quarantine", "unusable", "finding"]
Severity = Literal["critical", "warning", "info"]
Category = Literal["conformance", "completeness", "plausibility"]
Operator = Literal[
    "=", "!=", "<", "<=", ">", ">=", "in", "not_in", "within", "outside", "present", "absent", "not_before", "not_after"
]
Type = Literal["number", "text", "date", "other"]
"""How a field is compared; `other` can only be present or absent."""

DERIVED: dict[str, Type] = {
    "analyte": "text",  # of the LOINC code
    "canonical_value": "number",  # `value` in the analyte's canonical unit
    "value_mm2_per_s": "number",  # `value` of a diffusivity
    "gestation_total_days": "number",
    "date": "date",  # the day that the event is about
    "statement_day": "date",  # the day after `time` in UTC: a day of grace for time zones
    "birth": "date",  # in the subject's enrolment
    "age_days": "number",  # the event's day minus birth; a month stands as its 15th
}
"""Fields that no event holds but a rule may name."""
_OWN = {"canonical_value": "value", "value_mm2_per_s": "value", "gestation_total_days": "gestation_weeks"}
"""The field of the event that a derived one is made of."""

_TYPES: dict[str, Type] = {
    "decimal": "number",
    "int": "number",
    "str": "text",
    "listed": "text",
    "when": "date",
}


@readable
class Range(Struct, frozen=True, forbid_unknown_fields=True):
    """The operand of within and outside: every bound that is given must hold."""

    at_least: Decimal | None = None
    above: Decimal | None = None
    at_most: Decimal | None = None
    below: Decimal | None = None


@readable
class Reference(Struct, frozen=True, forbid_unknown_fields=True):
    """An operand that is another field of the same event."""

    field: str


Operand = Decimal | str | tuple[str, ...] | Range | Reference | None


class Comparison(Struct, frozen=True):
    """`field operator operand`; without a value in either field it is neither true nor false."""

    field: str
    operator: Operator
    operand: Operand = None


class Rule(Struct, frozen=True, kw_only=True):
    """One rule of one kind. Its key is (kind, name): a name means the same in every kind that has it."""

    name: str
    kind: str
    asks: str
    """What must be, in plain words."""
    fix: str
    """What the sender does when it is not."""
    expects: Comparison
    when: tuple[Comparison, ...]
    """Where it is asked: all of them true, the person's among them."""
    unless: tuple[str, ...]
    """Rules of the same kind whose finding makes this one superfluous."""
    category: Category
    severity: Severity
    effect: Effect
    reason: str | None
    """Why a value is unusable."""
    needs_enrolment: bool
    source: str
    status: Literal["cited", "unverified", "proposed"]

    @property
    def asks_the_site(self) -> bool:
        """Whether the site is asked to confirm or correct what it finds: grave, and yet it may be true."""
        return self.severity == "critical" and self.effect != "quarantine"

    @property
    def field(self) -> str:
        """The event's own field that is asked about."""
        name = self.expects.field
        return date_field(self.kind) if name in ("date", "age_days") else _OWN.get(name, name)


class _Written(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A rule as the file holds it."""

    name: str
    kinds: tuple[str, ...]
    person: tuple[str, ...] = ()
    when: tuple[dict[str, Any], ...] = ()
    unless: tuple[str, ...] = ()
    field: str
    operator: Operator
    operand: Any = None
    category: Category
    severity: Severity
    effect: Effect
    reason: str | None = None
    needs: Literal["enrolment"] | None = None
    asks: str
    fix: str
    source: str
    status: Literal["cited", "unverified", "proposed"]


@readable
class _File(Struct, frozen=True, forbid_unknown_fields=True):
    date: dict[str, str]
    rule: tuple[_Written, ...]


@cache
def rules(kind: str) -> tuple[Rule, ...]:
    """The rules of one kind, in the order of the file; none for a kind that has none."""
    spread = [_of_kind(written, kind) for written in _file().rule if kind in written.kinds]
    return (*spread, *_score_ranges()) if kind == "assessment" else tuple(spread)


def rule(kind: str, name: str) -> Rule:
    """One rule. Raises KeyError for a name that the kind does not have."""
    return _by_name(kind)[name]


def date_field(kind: str) -> str:
    """The field that says which day an event of the kind is about. Raises KeyError for a kind without one."""
    return _file().date[kind]


def fields(kind: str) -> frozenset[str]:
    """Every field, derived ones among them, that the kind's rules look at."""
    seen: set[str] = set()
    for each in rules(kind):
        for comparison in (each.expects, *each.when):
            seen.add(comparison.field)
            if isinstance(comparison.operand, Reference):
                seen.add(comparison.operand.field)
    return frozenset(seen)


def type_of(kind: str, field: str) -> Type:
    """How a field of the kind is compared. Raises KeyError for a field that the kind does not have."""
    if field in DERIVED:
        return DERIVED[field]
    return _TYPES.get(shapes(DATA[kind])[field], "other")


@cache
def _file() -> _File:
    text = files("contracts").joinpath("rules", "rows.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), _File)


@cache
def _by_name(kind: str) -> dict[str, Rule]:
    return {rule.name: rule for rule in rules(kind)}


def _of_kind(written: _Written, kind: str) -> Rule:
    when = [_comparison(kind, **condition) for condition in written.when]
    if written.person and "person" in shapes(DATA[kind]):
        when.insert(0, Comparison("person", "in", written.person))
    return Rule(
        name=written.name,
        kind=kind,
        asks=written.asks,
        fix=written.fix,
        expects=_comparison(kind, written.field, written.operator, written.operand),
        when=tuple(when),
        unless=written.unless,
        category=written.category,
        severity=written.severity,
        effect=written.effect,
        reason=written.reason,
        needs_enrolment=written.needs == "enrolment",
        source=written.source,
        status=written.status,
    )


def _comparison(kind: str, field: str, operator: Operator, operand: Any = None) -> Comparison:
    return Comparison(field, operator, _operand(type_of(kind, field), operator, operand))


def _operand(field_type: Type, operator: Operator, written: Any) -> Operand:
    """The operand in the field's type. Raises msgspec.ValidationError or TypeError for one that does not fit."""
    wanted: Any = {"number": Decimal, "text": str}.get(field_type, Reference)
    if operator in ("present", "absent"):
        wanted = None
    elif operator in ("not_before", "not_after") or (isinstance(written, dict) and "field" in written):
        wanted = Reference
    elif operator in ("within", "outside"):
        wanted = Range
    elif operator in ("in", "not_in"):
        wanted = tuple[str, ...]
    operand: Operand = msgspec.convert(written, wanted, strict=False)
    return operand


def _score_ranges() -> list[Rule]:
    """One rule for each range of scores that an instrument's edition can yield."""
    return [
        Rule(
            name=f"score_{instrument['code']}_{edition['code']}_{score['type']}",
            kind="assessment",
            asks=f"A {score['type']} score of {edition['name']} lies between {score['low']} and {score['high']}.",
            fix="Check the score, its type and the edition against the record form.",
            expects=Comparison(
                "score", "within", Range(at_least=Decimal(score["low"]), at_most=Decimal(score["high"]))
            ),
            when=(
                Comparison("instrument", "=", instrument["code"]),
                Comparison("edition", "=", edition["code"]),
                Comparison("score_type", "=", score["type"]),
            ),
            unless=(),
            category="plausibility",
            severity="critical",
            effect="quarantine",
            reason=None,
            needs_enrolment=False,
            source="Range of the instrument's scores",
            status=score["status"],
        )
        for instrument in codes.table("instruments")["instrument"]
        for edition in instrument["edition"]
        for score in edition["scores"]
    ]
