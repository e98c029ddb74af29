"""Small core tables for tests of the research models: a subject in a line, an event in a line, rows out.

The core tables are made here by plain SQL with the columns that the core models give; nothing is computed from dates.
"""

import itertools
import uuid
from collections.abc import Iterable
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import sqlglot
from sqlglot import exp

from registry import definitions

MODELS = Path(definitions.__file__).parent / "models"

CORE = {
    "subjects": {
        "subject_key": "UUID",
        "site": "VARCHAR",
        "family_key": "UUID",
        "person": "VARCHAR",
        "group": "VARCHAR",
        "sex": "VARCHAR",
        "gestation_total_days": "INTEGER",
        "elevation_m": "INTEGER",
        "enrolled_age_days": "INTEGER",
        "cut_off_age_days": "INTEGER",
        "cut_off_age_months": "INTEGER",
    },
    "lab_results": {
        "subject_key": "UUID",
        "site": "VARCHAR",
        "record_key": "UUID",
        "person": "VARCHAR",
        "analyte": "VARCHAR",
        "value": "DECIMAL(28,12)",
        "comparator": "VARCHAR",
        "unit": "VARCHAR",
        "specimen": "VARCHAR",
        "reference_high": "DECIMAL(28,12)",
        "age_days": "INTEGER",
        "age_months": "INTEGER",
        "minute_of_day": "INTEGER",
        "event_time_rank": "INTEGER",
        "is_usable": "BOOLEAN",
        "unusable_reason": "VARCHAR",
    },
    "doses": {
        "subject_key": "UUID",
        "site": "VARCHAR",
        "record_key": "UUID",
        "person": "VARCHAR",
        "compound": "VARCHAR",
        "route": "VARCHAR",
        "ug": "DECIMAL(28,12)",
        "status": "VARCHAR",
        "purpose": "VARCHAR",
        "age_days": "INTEGER",
        "minute_of_day": "INTEGER",
        "is_b12": "BOOLEAN",
    },
    "feeding": {
        "subject_key": "UUID",
        "site": "VARCHAR",
        "record_key": "UUID",
        "infant": "VARCHAR",
        "is_breastfed": "BOOLEAN",
        "mother_diet": "VARCHAR",
        "start_age_days": "INTEGER",
        "end_age_days": "INTEGER",
    },
    "symptoms": {
        "subject_key": "UUID",
        "site": "VARCHAR",
        "record_key": "UUID",
        "code": "VARCHAR",
        "status": "VARCHAR",
        "onset_age_days": "INTEGER",
        "age_days": "INTEGER",
        "age_months": "INTEGER",
    },
    "conditions": {
        "subject_key": "UUID",
        "site": "VARCHAR",
        "record_key": "UUID",
        "person": "VARCHAR",
        "code": "VARCHAR",
        "category": "VARCHAR",
        "onset_age_days": "INTEGER",
        "resolved_age_days": "INTEGER",
    },
    "statuses": {
        "subject_key": "UUID",
        "site": "VARCHAR",
        "record_key": "UUID",
        "state": "VARCHAR",
        "effective_age_days": "INTEGER",
        "last_contact_age_days": "INTEGER",
    },
}

MONTH = Decimal("30.4375")
_BLOOD = ("haemoglobin", "mcv")
_BREASTFED = ("exclusive", "predominant", "mixed", "breastfed_unspecified")


class Cohort:
    """Core tables in the making. Ages are in days; completed months follow from 30.4375 unless they are given."""

    def __init__(self) -> None:
        self.rows: dict[str, list[dict[str, Any]]] = {table: [] for table in CORE}
        self._numbers = itertools.count(1)

    def key(self) -> uuid.UUID:
        return uuid.UUID(int=next(self._numbers))

    def add(self, table: str, **row: Any) -> uuid.UUID:
        key = self.key()
        self.rows[table].append({"record_key": key, **row})
        return key

    def infant(self, **fields: Any) -> "Infant":
        subject = self.key()
        row = {
            "site": "BLR01",
            "family_key": subject,
            "person": "infant",
            "group": "suspected",
            "sex": "female",
            "gestation_total_days": 280,
            "elevation_m": 0,
            "enrolled_age_days": 150,
            "cut_off_age_days": 900,
        } | fields
        row.setdefault("cut_off_age_months", int(row["cut_off_age_days"] / MONTH))
        self.rows["subjects"].append({"subject_key": subject, **row})
        return Infant(self, subject, row["site"])

    def build(self, *names: str) -> duckdb.DuckDBPyConnection:
        """The research models (or those named and what they read) over these tables, in memory."""
        connection = duckdb.connect()
        connection.execute("CREATE SCHEMA core; CREATE SCHEMA research; CREATE SCHEMA summary")
        definitions.load(connection)
        for table, columns in CORE.items():
            listed = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
            connection.execute(f"CREATE TABLE core.{table} ({listed})")
            rows = [tuple(row.get(column) for column in columns) for row in self.rows[table]]
            if rows:
                marks = ", ".join("?" * len(columns))
                connection.executemany(f"INSERT INTO core.{table} VALUES ({marks})", rows)
        for name, sql in research_models(names):
            connection.execute(f"CREATE TABLE {name} AS {sql}")
        return connection


class Infant:
    """One subject's events."""

    def __init__(self, cohort: Cohort, subject: uuid.UUID, site: str) -> None:
        self.cohort, self.key, self.site = cohort, subject, site

    def _add(self, table: str, **row: Any) -> uuid.UUID:
        return self.cohort.add(table, subject_key=self.key, site=self.site, **row)

    def lab(self, analyte: str, value: object, age: int, **fields: Any) -> uuid.UUID:
        """`lab("b12", "<148", 200)`: a text may carry the comparator."""
        text = str(value)
        number = text.lstrip("<>=")
        row = {
            "person": "infant",
            "analyte": analyte,
            "value": Decimal(number),
            "comparator": text.removesuffix(number) or None,
            "unit": "canonical",
            "specimen": "venous_whole_blood" if analyte in _BLOOD else "serum",
            "age_days": age,
            "age_months": int(age / MONTH),
            "event_time_rank": 1,
            "is_usable": fields.get("unusable_reason") is None,
        }
        return self._add("lab_results", **(row | fields))

    def labs(self, age: int, **values: object) -> None:
        """Several analytes of one draw."""
        for analyte, value in values.items():
            self.lab(analyte, value, age)

    def dose(self, age: int, **fields: Any) -> uuid.UUID:
        row = {
            "person": "infant",
            "compound": "hydroxocobalamin",
            "route": "im",
            "ug": Decimal(1000),
            "status": "given",
            "purpose": "therapeutic",
            "age_days": age,
            "is_b12": True,
        }
        return self._add("doses", **(row | fields))

    def sign(self, code: str, age: int, status: str = "present", **fields: Any) -> uuid.UUID:
        row = {"code": code, "status": status, "age_days": age, "age_months": int(age / MONTH)}
        return self._add("symptoms", **(row | fields))

    def fed(self, infant: str, start: int, end: int | None = None, mother_diet: str | None = None) -> uuid.UUID:
        return self._add(
            "feeding",
            infant=infant,
            is_breastfed=infant in _BREASTFED,
            mother_diet=mother_diet,
            start_age_days=start,
            end_age_days=end,
        )

    def condition(self, code: str, age: int, category: str, person: str = "infant") -> uuid.UUID:
        return self._add("conditions", code=code, category=category, person=person, onset_age_days=age)

    def status(self, state: str, age: int) -> uuid.UUID:
        return self._add("statuses", state=state, effective_age_days=age)


@cache
def research_models(names: tuple[str, ...] = ()) -> tuple[tuple[str, str], ...]:
    """Name and SQL of each research model (or of those named and what they read), each behind what it reads."""
    found = {f"research.{path.stem}": path.read_text(encoding="utf-8") for path in (MODELS / "research").glob("*.sql")}
    reads = {name: _reads(sql) & found.keys() for name, sql in found.items()}
    ordered: list[str] = []

    def place(name: str) -> None:
        for read in sorted(reads[name]):
            place(read)
        if name not in ordered:
            ordered.append(name)

    for name in sorted(names or found):
        place(name)
    return tuple((name, found[name]) for name in ordered)


def _reads(sql: str) -> set[str]:
    return {f"{table.db}.{table.name}" for table in sqlglot.parse_one(sql, dialect="duckdb").find_all(exp.Table)}


def rows(connection: duckdb.DuckDBPyConnection, query: str, *parameters: object) -> list[dict[str, Any]]:
    """The rows of a query by column."""
    cursor = connection.execute(query, list(parameters))
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def case_of(infant: Infant) -> dict[str, Any]:
    """The row of research.cases of a cohort's infant."""
    connection = infant.cohort.build("research.cases")
    try:
        (row,) = rows(connection, "FROM research.cases WHERE subject_key = ?", infant.key)
    finally:
        connection.close()
    return row


def classes(infants: Iterable[Infant]) -> list[str]:
    """The classes of infants of one cohort."""
    infants = list(infants)
    connection = infants[0].cohort.build("research.cases")
    try:
        found = dict(connection.execute("SELECT subject_key, class FROM research.cases").fetchall())
    finally:
        connection.close()
    return [found[infant.key] for infant in infants]
