"""Finds, in rows as the lake keeps them, the events that a site is to look at soon: each by itself alone.

The same rows always give the same alerts, so that those of a crash are made again from the lake. When an alert is due
is contracts/alert_rules.py's, what it says contracts/alerts.py's; sending belongs to streams/site_alerts.py.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from decimal import ROUND_CEILING, Decimal
from functools import cache, reduce
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from contracts.alert_rules import AlertRule, alert_rules, b12_compounds
from contracts.alerts import Alert, AlertEvent, alert_id
from contracts.codes import convert, loinc_codes
from contracts.events import DATA
from contracts.shapes import shapes
from contracts.site import Site
from contracts.when import When
from lake.judgements import hexes
from lake.schema import DECIMAL, schema

_GRID = Decimal("1e-12")


class Raised(NamedTuple):
    """One alert, and the delivery that raised it."""

    offset: int
    event: AlertEvent


def raised(site: Site, found: Mapping[str, pa.Table]) -> list[Raised]:
    """The alerts of a site's own accepted deliveries, given as the lake's rows by kind; in the order of offsets."""
    alerts = [alert for kind in alert_rules() if kind in found for alert in _of_kind(site, kind, found[kind])]
    return sorted(alerts, key=lambda alert: alert.offset)


@cache
def columns() -> dict[str, list[str]]:
    """What is read of the rows of each kind, to find alerts among them."""
    return {kind: [name for name in schema(kind).names if _is_read(kind, name)] for kind in alert_rules()}


def _is_read(kind: str, column: str) -> bool:
    envelope = ("topic_uuid", "partition", "offset", "received_at", "id_hi", "id_lo")
    fields = {"person", "status", "loinc", "value", "comparator", "unit", "compound"} & shapes(DATA[kind]).keys()
    dates = {f"{rule.dated_by}_{part}" for rule in alert_rules()[kind] for part in ("date", "at", "precision")}
    return column in {*envelope, "subject_hi", "subject_lo", *fields, *dates}


def _of_kind(site: Site, kind: str, table: pa.Table) -> Iterator[Raised]:
    few = table.select(columns()[kind])
    for may_alert in (_is_near, _values if kind == "lab_result" else _statuses):
        if not len(few):
            return
        few = few.filter(may_alert(kind, few))
    keys = zip(hexes(few, "id"), hexes(few, "subject"), strict=True)
    for row, (id_key, subject_key) in zip(few.to_pylist(), keys, strict=True):
        rule = next((rule for rule in alert_rules()[kind] if _holds(rule, row) and _is_recent(rule, row, site)), None)
        if rule is None or id_key is None or subject_key is None:
            continue
        alert = Alert(
            site=site.id,
            kind=kind,
            id_key=id_key,
            subject_key=subject_key,
            person=rule.person,
            rule=rule.id,
            severity=rule.severity,
            advice=rule.advice,
            raised_at=row["received_at"],
        )
        yield Raised(row["offset"], AlertEvent(id=alert_id(site.id, id_key, rule.id), data=alert))


# By columns: which rows may alert at all. Nearly none do, and each of the rest costs a few microseconds.


def _is_near(kind: str, table: pa.Table) -> pa.Array:
    """What nobody can take for recent is most of a backfill. A month stands as its 15th, and has up to 16 days more."""
    days = max(rule.within_days for rule in alert_rules()[kind]) + 17
    first = pc.min(table["received_at"]).as_py().date() - timedelta(days=days)
    near = [
        pc.fill_null(pc.greater_equal(table[f"{name}_date"], pa.scalar(first)), True)  # the value
        for name in {rule.dated_by for rule in alert_rules()[kind]}
    ]
    return reduce(pc.or_, near)


def _statuses(kind: str, table: pa.Table) -> pa.Array:
    return pc.is_in(table["status"], pa.array([rule.reported for rule in alert_rules()[kind]], pa.string()))


def _values(_: str, table: pa.Table) -> pa.Array:
    """Where an infant's value is at or below the highest limit of its code and unit; null where there is none."""
    loincs, units, limits = _limits()
    place = pc.add(pc.multiply(pc.index_in(table["loinc"], loincs), len(units)), pc.index_in(table["unit"], units))
    return pc.and_(pc.equal(table["person"], "infant"), pc.less_equal(table["value"], pc.take(limits, place)))


@cache
def _limits() -> tuple[pa.Array, pa.Array, pa.Array]:
    """Codes, units, and by code and then unit the highest value that any rule can hold for, as it is reported."""
    highest: dict[str | None, Decimal] = {}
    for rule in alert_rules()["lab_result"]:
        assert rule.value is not None  # noqa: S101  # every rule of a laboratory value has one
        highest[rule.analyte] = max(rule.value, highest.get(rule.analyte, rule.value))
    codes = [code for code in loinc_codes().values() if code.analyte in highest]
    units = sorted({unit for code in codes for unit in code.factors})
    limits = [
        (highest[code.analyte] / code.factors[unit]).quantize(_GRID, ROUND_CEILING) if unit in code.factors else None
        for code in codes
        for unit in units
    ]
    return pa.array([code.loinc for code in codes]), pa.array(units), pa.array(limits, DECIMAL)


# By rule: exactly.


def _holds(rule: AlertRule, row: Mapping[str, Any]) -> bool:
    if row.get("person", "infant") != rule.person:  # a milestone names no person: it is the infant's
        return False
    if rule.of_b12 and row["compound"] not in b12_compounds():
        return False
    if rule.reported is not None:
        return bool(row["status"] == rule.reported)
    if row["status"] == "cancelled":
        return False
    result = convert(row["loinc"], row["unit"], row["value"])
    assert rule.value is not None  # noqa: S101  # as above
    if result.analyte != rule.analyte or row["comparator"] in (">", ">="):
        return False
    # A result that is only known to be below a bound holds when everything below the bound does.
    return result.value <= rule.value if row["comparator"] == "<" else result.value < rule.value


def _is_recent(rule: AlertRule, row: Mapping[str, Any], site: Site) -> bool:
    """By days at the site; of a month, the last that it can mean."""
    day = row[f"{rule.dated_by}_date"]
    if day is None:
        return False  # a push of an old table says it today
    latest = When(day, row[f"{rule.dated_by}_at"], row[f"{rule.dated_by}_precision"]).latest
    return bool(row["received_at"].astimezone(site.zone).date() - latest <= timedelta(days=rule.within_days))
