"""Five sites' first untreated B12 with a homocysteine beside, drawn from a seed: what the check of levels reads.

Infants are a mixture of deficient and not; no number here is an estimate of anything real. What a test plants and
asserts belongs to the test.
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import cache
from math import exp
from random import Random
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa

from registry import definitions
from registry.models import load_models
from tests.models.built import rows

SITES = ("AAA01", "BBB01", "CCC01", "DDD01", "EEE01")
FIRST = date(2024, 1, 1)
DAYS = 720
SLIP = 1.35537
_PMOL, _HCY = ("14685-2", "pmol/L"), ("13965-9", "umol/L")
_MODELS = ("first_results", "levels", "level_hits", "questions")
_FINDINGS = "delivery BIGINT, site VARCHAR, kind VARCHAR, rule VARCHAR, severity VARCHAR, effect VARCHAR,"


class Result(NamedTuple):
    """One row of `staging.current_lab_result`, as far as it is read."""

    delivery: int
    site: str
    subject_key: str
    record_key: str
    id_key: str
    person: str
    loinc: str
    unit: str
    value: float
    collected_date: date
    collected_precision: str = "day"
    comparator: str | None = None
    status: str = "final"


class Answer(NamedTuple):
    """One row of `staging.current_confirmation`, as far as it is read."""

    site: str
    target_record_key: str
    rule: str
    event_time: date
    until_date: date | None = None
    target_kind: str = "lab_result"


def cohort(seed: int, infants: int = 200, *, share: float = 0.5, differ: float = 0.0) -> list[Result]:
    """Results without a slip: a share of deficient infants, and sites whose levels `differ` by a standard deviation."""
    chance = Random(seed)  # noqa: S311  # cases, not secrets
    made: list[Result] = []
    for site in SITES:
        assay = chance.gauss(0, differ)
        for _ in range(infants):
            b12, homocysteine, spread, other = (110, 17, 0.32, 0.45) if chance.random() < share else (290, 7, 0.4, 0.3)
            beyond = chance.gauss(0, spread)
            day = FIRST + timedelta(days=chance.randrange(DAYS))
            values = {
                _PMOL: b12 * exp(beyond + assay),
                _HCY: homocysteine * exp(chance.gauss(0, other) - 0.25 * beyond),
            }
            subject = _key(chance)
            for (loinc, unit), value in values.items():
                keys = (subject, _key(chance), _key(chance))
                made.append(Result(len(made), site, *keys, "infant", loinc, unit, round(value, 1), day))
    return made


def slipped(results: list[Result], site: str, since: date = FIRST, factor: float = SLIP) -> list[Result]:
    """The same, where a site's B12 from a day on is in pg/mL and sent as pmol/L."""
    return [
        each._replace(value=round(each.value * factor, 1))
        if each.site == site and each.loinc == _PMOL[0] and each.collected_date >= since
        else each
        for each in results
    ]


def staged(
    results: list[Result],
    doses: Mapping[str, date] | None = None,
    answers: Sequence[Answer] = (),
    cut_off: date = FIRST + timedelta(days=DAYS),
) -> duckdb.DuckDBPyConnection:
    """The models over these rows; `doses` are the first days of treatment by subject."""
    site_of = {each.subject_key: each.site for each in results}
    given = [
        (site_of[subject], subject, "cyanocobalamin", "given", day, "day") for subject, day in (doses or {}).items()
    ]
    connection = _defined()
    _table(connection, "current_lab_result", Result._fields, results)
    columns = ("site", "subject_key", "compound", "status", "given_date", "given_precision")
    _table(connection, "current_dose", columns, given)
    _table(connection, "current_confirmation", Answer._fields, answers)
    connection.execute("CREATE OR REPLACE TABLE staging.build AS SELECT ?::DATE AS cut_off", [cut_off])
    for model in load_models():
        if model.name.removeprefix("staging.") in _MODELS:
            connection.execute(f"CREATE OR REPLACE TABLE {model.name} AS {model.sql}")
    return connection


def levels(results: list[Result], doses: Mapping[str, date] | None = None) -> list[dict[str, Any]]:
    """The rows of `staging.levels`."""
    return rows(staged(results, doses), "FROM staging.levels")


def slips(results: list[Result], doses: Mapping[str, date] | None = None) -> set[tuple[str, str]]:
    """Site and what it was compared with, where the level is like that of another unit."""
    return {(row["site"], row["against"]) for row in levels(results, doses) if row["rule"]}


def _key(chance: Random) -> str:
    return str(uuid.UUID(int=chance.getrandbits(128)))


@cache
def _defined() -> duckdb.DuckDBPyConnection:
    """The definitions, loaded once, beside a staging without findings."""
    connection = duckdb.connect()
    definitions.load(connection, commented=False)
    connection.execute("CREATE SCHEMA staging")
    connection.execute(f"CREATE TABLE staging.findings ({_FINDINGS} is_confirmed BOOLEAN)")
    connection.execute("CREATE TABLE staging.verdicts (delivery BIGINT, verdict VARCHAR)")
    connection.execute(f"CREATE TABLE staging.digit_hits ({_FINDINGS} is_confirmed BOOLEAN)")
    return connection


def _table(
    connection: duckdb.DuckDBPyConnection, name: str, columns: Sequence[str], told: Sequence[tuple[object, ...]]
) -> None:
    types = {"delivery": pa.int64(), "value": pa.float64()}
    types |= dict.fromkeys(("collected_date", "given_date", "event_time", "until_date"), pa.date32())
    arrays = {
        column: pa.array([row[place] for row in told], types.get(column, pa.string()))
        for place, column in enumerate(columns)
    }
    connection.register("given", pa.table(arrays))
    value = "* REPLACE (value::DECIMAL(28, 12) AS value)" if "value" in columns else "*"
    connection.execute(f"CREATE OR REPLACE TABLE staging.{name} AS SELECT {value} FROM given")
    connection.unregister("given")
