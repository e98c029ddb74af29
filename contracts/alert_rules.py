"""When an alert is due: the rows of contracts/definitions/alerts.toml, each about one event alone.

What an alert says is contracts/alerts.py's; how one is found in what was accepted, streams/alerts.py's.
"""

import tomllib
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Literal

from msgspec import Struct, convert

from contracts.alerts import Severity


class AlertRule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One row of the definitions of alerts: of a laboratory value, or of a status that is reported."""

    id: str
    version: int
    priority: int
    """Of several that hold, the one with the least is sent."""
    severity: Severity
    person: Literal["infant", "mother"]
    """About whom it is; it reads nobody else's events."""
    kind: str
    """Kind of the event."""
    dated_by: str
    """Field that says when it was; without it nobody is told, for it may be old."""
    within_days: int
    """Older than so many days at receipt, it alerts nobody."""
    analyte: str | None = None
    operator: Literal["<"] | None = None
    value: Decimal | None = None
    """In the analyte's canonical unit."""
    unit: str | None = None
    reported: str | None = None
    """The status that raises it."""
    of_b12: bool = False
    """Only of a compound that holds B12."""
    advice: str
    """What to do, in plain words."""
    status: Literal["cited", "unverified", "proposed"]
    citation: str


@cache
def b12_compounds() -> frozenset[str]:
    """What a dose that holds B12 may be of."""
    text = files("contracts").joinpath("definitions", "meanings.toml").read_text(encoding="utf-8")
    return frozenset(each["code"] for each in tomllib.loads(text)["compound"] if each["has_b12"])


@cache
def alert_rules() -> dict[str, tuple[AlertRule, ...]]:
    """By kind of event, in the order in which they are asked."""
    text = files("contracts").joinpath("definitions", "alerts.toml").read_text(encoding="utf-8")
    rules = convert(tomllib.loads(text, parse_float=Decimal)["alert"], list[AlertRule])
    ordered = sorted(rules, key=lambda rule: rule.priority)
    return {kind: tuple(rule for rule in ordered if rule.kind == kind) for kind in {rule.kind for rule in ordered}}
