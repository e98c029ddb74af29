"""Asks the row rules of one event: what `b12 check` tells a lab before anything is sent.

The registry asks the same rules in SQL (registry/row_rules.py), and a property test holds the two together. The
rules themselves are data (contracts/rulebook.py). A finding never holds a value, a subject or a date.
"""

from collections.abc import Callable
from datetime import UTC, date, timedelta
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any, NamedTuple

from contracts import codes
from contracts.events import KIND_OF, Event
from contracts.rulebook import (
    Category,
    Comparison,
    Effect,
    Range,
    Reference,
    Rule,
    Severity,
    date_field,
    fields,
    rule,
    rules,
    type_of,
)
from contracts.site import Site
from contracts.when import When, parse_when

Row = dict[str, Any]
"""Values by field name, None where the event has none; dates as When."""
Question = Callable[[Row], bool | None]
"""True, false, or None where a value is missing."""


class Finding(NamedTuple):
    """A rule that an event does not meet."""

    kind: str
    rule: str
    field: str
    category: Category
    severity: Severity
    effect: Effect
    reason: str | None
    """Why the value is unusable; None for any other effect."""

    @property
    def asks(self) -> str:
        """What must be, in plain words."""
        return rule(self.kind, self.rule).asks

    @property
    def fix(self) -> str:
        """What the sender does."""
        return rule(self.kind, self.rule).fix

    @property
    def asks_the_site(self) -> bool:
        """Whether the site is asked to confirm or correct it."""
        return rule(self.kind, self.rule).asks_the_site


def evaluate(event: Event, site: Site, birth: When | None = None) -> list[Finding]:
    """What the row rules find in one accepted event, in the order of the rules.

    `birth` is the birth of the subject's enrolment (`parse_when(enrolment.birth, site.zone)`); without it the rules
    that need it find nothing.
    """
    kind = KIND_OF[type(event)]
    telling = _telling(kind)
    if telling is None:
        return []
    row = _row(kind, event, site, birth)
    asked = _asked_of(kind, tuple([row[name] for name in telling]))
    return [finding for finding, fails, excuses in asked if fails(row) and not any(excuse(row) for excuse in excuses)]


Fails = Callable[[Row], bool]


@cache
def _telling(kind: str) -> tuple[str, ...] | None:
    """The fields of few values, such as the person, that most rules are asked of one value of; None without rules."""
    if not rules(kind):
        return None
    return tuple(sorted({condition.field for each in rules(kind) for condition in each.when if _is_telling(condition)}))


def _is_telling(condition: Comparison) -> bool:
    return condition.operator == "=" and isinstance(condition.operand, str)


@lru_cache(maxsize=4096)
def _asked_of(kind: str, values: tuple[Any, ...]) -> list[tuple[Finding, Fails, list[Fails]]]:
    """The rules that can be asked of an event whose telling fields have these values."""
    row = dict(zip(_telling(kind) or (), values, strict=True))
    return [
        compiled
        for each, compiled in zip(rules(kind), _compiled(kind), strict=True)
        if all(row[condition.field] == condition.operand for condition in each.when if _is_telling(condition))
    ]


@cache
def _compiled(kind: str) -> list[tuple[Finding, Fails, list[Fails]]]:
    fails = {each.name: _fails(each) for each in rules(kind)}
    return [
        (
            Finding(kind, each.name, each.field, each.category, each.severity, each.effect, each.reason),
            fails[each.name],
            [fails[name] for name in each.unless],
        )
        for each in rules(kind)
    ]


def _fails(each: Rule) -> Fails:
    """Whether a rule is asked of a row and not met, its `unless` left aside."""
    when = [_question(each.kind, condition) for condition in each.when]
    expects = _question(each.kind, each.expects)

    def fails(row: Row) -> bool:
        for condition in when:  # a loop: all() with a generator takes three times as long
            if not condition(row):
                return False
        return expects(row) is False

    return fails


def _question(kind: str, comparison: Comparison) -> Question:
    field, operator, operand = comparison.field, comparison.operator, comparison.operand
    if operator == "present":
        return lambda row: row[field] is not None
    if operator == "absent":
        return lambda row: row[field] is None
    if type_of(kind, field) == "date":
        assert isinstance(operand, Reference)  # noqa: S101  # the rulebook sees to it
        return _ordered(field, operator, operand.field)
    if isinstance(operand, Range):
        return _ranged(field, operand, operator == "within")
    if isinstance(operand, tuple):
        members, among = frozenset(operand), operator == "in"
        return lambda row: None if row[field] is None else (row[field] in members) is among
    compare = _COMPARE[operator]
    if isinstance(operand, Reference):
        other = operand.field
        return lambda row: None if row[field] is None or row[other] is None else compare(row[field], row[other])
    return lambda row: None if row[field] is None else compare(row[field], operand)


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda left, right: bool(left == right),
    "!=": lambda left, right: bool(left != right),
    "<": lambda left, right: bool(left < right),
    "<=": lambda left, right: bool(left <= right),
    ">": lambda left, right: bool(left > right),
    ">=": lambda left, right: bool(left >= right),
}


def _ranged(field: str, bounds: Range, inside: bool) -> Question:
    at_least, above, at_most, below = bounds.at_least, bounds.above, bounds.at_most, bounds.below

    def question(row: Row) -> bool | None:
        value: Decimal | int | None = row[field]
        if value is None:
            return None
        holds = (
            (at_least is None or value >= at_least)
            and (above is None or value > above)
            and (at_most is None or value <= at_most)
            and (below is None or value < below)
        )
        return holds is inside

    return question


def _ordered(field: str, operator: str, other: str) -> Question:
    """Whether a date is possibly not before, or not after, another: a month counts as any of its days."""

    def question(row: Row) -> bool | None:
        when: When | None = row[field]
        bound: When | None = row[other]
        if when is None or bound is None:
            return None
        if operator == "not_before":
            return when.latest >= bound.earliest
        return when.earliest <= bound.latest

    return question


class _Asked(NamedTuple):
    """What a derived field is made from."""

    kind: str
    event: Any
    day: When | None
    """The day that the event is about."""
    site: Site
    birth: When | None

    @property
    def data(self) -> Any:
        return self.event.data


def _row(kind: str, event: Event, site: Site, birth: When | None) -> Row:
    own, dates, derived = _looked_at(kind)
    data = event.data
    row: Row = {name: getattr(data, name) for name in own}
    row[date_field(kind)] = day = _when(getattr(data, date_field(kind)), site)
    for name in dates:
        row[name] = _when(getattr(data, name), site)
    asked = _Asked(kind, event, day, site, birth)
    for name, derive in derived:
        row[name] = derive(asked)
    return row


def _when(text: str | None, site: Site) -> When | None:
    return None if text is None else parse_when(text, site.zone)


@cache
def _looked_at(kind: str) -> tuple[list[str], list[str], list[tuple[str, Callable[[_Asked], Any]]]]:
    """The fields that the kind's rules look at, its day apart: plain ones, dates, derived ones."""
    wanted = fields(kind)
    own = sorted(wanted - _DERIVE.keys() - {date_field(kind)})
    return (
        [name for name in own if type_of(kind, name) != "date"],
        [name for name in own if type_of(kind, name) == "date"],
        [(name, derive) for name, derive in _DERIVE.items() if name in wanted],
    )


def _birth(asked: _Asked) -> When | None:
    return _when(asked.data.birth, asked.site) if asked.kind == "enrolment" else asked.birth


def _age_days(asked: _Asked) -> int | None:
    day = asked.day
    return None if day is None or asked.birth is None else (day.date - asked.birth.date).days


def _statement_day(asked: _Asked) -> When:
    day: date = asked.event.time.astimezone(UTC).date()
    return When(day + timedelta(days=1), None, "day")


def _analyte(asked: _Asked) -> str:
    return codes.loinc_codes()[asked.data.loinc].analyte


def _canonical_value(asked: _Asked) -> Decimal | None:
    data = asked.data
    factor = codes.loinc_codes()[data.loinc].factors.get(data.unit)
    return None if data.value is None or factor is None else codes.exact_product(data.value, factor)


def _value_mm2_per_s(asked: _Asked) -> Decimal | None:
    factor = codes.diffusivity_factors().get(asked.data.unit)
    return None if factor is None else codes.exact_product(asked.data.value, factor)


def _gestation_total_days(asked: _Asked) -> int | None:
    weeks: int | None = asked.data.gestation_weeks
    return None if weeks is None else weeks * 7 + (asked.data.gestation_days or 0)


_DERIVE: dict[str, Callable[[_Asked], Any]] = {
    "analyte": _analyte,
    "canonical_value": _canonical_value,
    "value_mm2_per_s": _value_mm2_per_s,
    "gestation_total_days": _gestation_total_days,
    "date": lambda asked: asked.day,
    "statement_day": _statement_day,
    "birth": _birth,
    "age_days": _age_days,
}
