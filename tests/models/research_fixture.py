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
import pyarrow as pa
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
        "is_preterm": "BOOLEAN",
        "age_correction_days": "INTEGER",
        "birth_precision": "VARCHAR",
        "elevation_m": "INTEGER",
        "enrolled_age_days": "INTEGER",
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
        "severity": "VARCHAR",
        "onset_age_days": "INTEGER",
        "age_days": "INTEGER",
        "age_months": "INTEGER",
    },
    "milestones": {
        "subject_key": "UUID",
        "site": "VARCHAR",
        "record_key": "UUID",
        "code": "VARCHAR",
        "status": "VARCHAR",
        "age_days": "INTEGER",
        "age_months": "INTEGER",
        "observed_precision": "VARCHAR",
        "attained_age_days": "INTEGER",
    },
    "assessments": {
        "subject_key": "UUID",
        "site": "VARCHAR",
        "record_key": "UUID",
        "instrument": "VARCHAR",
        "edition": "VARCHAR",
        "domain": "VARCHAR",
        "score_type": "VARCHAR",
        "score": "DECIMAL(28,12)",
        "comparator": "VARCHAR",
        "sem": "DECIMAL(28,12)",
        "category": "VARCHAR",
        "age_used": "VARCHAR",
        "status": "VARCHAR",
        "age_days": "INTEGER",
        "is_blinded": "BOOLEAN",
        "age_months": "INTEGER",
    },
    "imaging": {
        "subject_key": "UUID",
        "site": "VARCHAR",
        "record_key": "UUID",
        "scan_key": "UUID",
        "metric": "VARCHAR",
        "region": "VARCHAR",
        "side": "VARCHAR",
        "atlas": "VARCHAR",
        "atlas_version": "VARCHAR",
        "method": "VARCHAR",
        "value": "DECIMAL(28,12)",
        "unit": "VARCHAR",
        "field_strength_t": "DECIMAL(28,12)",
        "scanner_model": "VARCHAR",
        "pipeline": "VARCHAR",
        "pipeline_version": "VARCHAR",
        "quality": "VARCHAR",
        "directions": "INTEGER",
        "voxel_mm": "DECIMAL(28,12)",
        "b_values": "INTEGER[]",
        "sedation": "VARCHAR",
        "age_days": "INTEGER",
        "minute_of_day": "INTEGER",
        "is_usable": "BOOLEAN",
        "unusable_reason": "VARCHAR",
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
    "growth": {
        "subject_key": "UUID",
        "site": "VARCHAR",
        "record_key": "UUID",
        "weight_g": "DECIMAL(28,12)",
        "length_cm": "DECIMAL(28,12)",
        "position": "VARCHAR",
        "head_circumference_cm": "DECIMAL(28,12)",
        "has_oedema": "BOOLEAN",
        "age_days": "INTEGER",
        "age_months": "INTEGER",
        "minute_of_day": "INTEGER",
        "measured_precision": "VARCHAR",
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

STAGING = {
    "observed": {"subject_key": "UUID", "site": "VARCHAR", "cut_off_age_days": "INTEGER"},
    "barred": {"subject_key": "UUID", "site": "VARCHAR", "scope": "VARCHAR", "verdict": "VARCHAR"},
}
"""What the research models read of staging: it holds what a release must not."""

MONTH = Decimal("30.4375")
_BLOOD = ("haemoglobin", "mcv")
SIGNS = {
    "tremor": "HP:0001337",
    "hypotonia": "HP:0001252",
    "irritability": "HP:0000737",
    "lethargy": "HP:0001254",
    "pallor": "HP:0000980",
    "atrophy": "HP:0002059",
}
_BREASTFED = ("exclusive", "predominant", "mixed", "breastfed_unspecified")


class Cohort:
    """Core tables in the making. Ages are in days; completed months follow from 30.4375 unless they are given."""

    def __init__(self) -> None:
        self.rows: dict[str, list[dict[str, Any]]] = {table: [] for table in (*CORE, *STAGING)}
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
            "birth_precision": "day",
            "elevation_m": 0,
            "enrolled_age_days": 150,
        } | fields
        gestation = row["gestation_total_days"]
        row["is_preterm"] = None if gestation is None else gestation < 259
        row["age_correction_days"] = None if gestation is None else 280 - gestation if gestation < 259 else 0
        cut_off_age_days = row.pop("cut_off_age_days", 900)
        row.setdefault("cut_off_age_months", int(cut_off_age_days / MONTH))
        self.rows["subjects"].append({"subject_key": subject, **row})
        self.rows["observed"].append(
            {"subject_key": subject, "site": row["site"], "cut_off_age_days": cut_off_age_days}
        )
        return Infant(self, subject, row["site"])

    def build(self, *names: str, defined: str = "") -> duckdb.DuckDBPyConnection:
        """The research models (or those named and what they read) over these tables, in memory.

        `defined` is SQL that changes the definitions before.
        """
        connection = duckdb.connect()
        connection.execute("CREATE SCHEMA staging; CREATE SCHEMA core; CREATE SCHEMA research")
        models = research_models(names)
        _define(connection, {name.removeprefix("definitions.") for model, _ in models for name in _read_by(model)})
        if defined:
            connection.execute(defined)
        tables = {f"core.{table}": columns for table, columns in CORE.items()}
        tables |= {f"staging.{table}": columns for table, columns in STAGING.items()}
        for table, columns in tables.items():
            cast = ", ".join(f'"{name}"::{kind} AS "{name}"' for name, kind in columns.items())
            given = _as_text(columns, self.rows[table.partition(".")[2]])
            connection.register("given", given)
            connection.execute(f"CREATE TABLE {table} AS SELECT {cast} FROM given")
            connection.unregister("given")
        for name, sql in models:
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

    def tell(self, story: str) -> "Infant":
        """Events in words, one step after a semicolon, ages in days, `@` and the minute of the day where it is known.

        200 b12=100 mma=<2         results of one draw; b12=100!preliminary is unusable, creatinine=60/40 with interval
        200@600 mother b12=100     the same of the mother
        200 dose                   1000 ug to the infant, therapeutic; `dose mother prophylactic 5ug`, `dose unstated`
        200 sign tremor            seen; `sign tremor resolved`
        0-90 fed mixed vegan       a period, open with `0-`, and the mother's diet
        200 condition ICD10:D51.2 diagnosis     of the infant; `condition ... mother`
        200 transfused             likewise; `transfused mother`
        200 status died
        200 milestone sitting_without_support lost
        200 score 70 dasii:1997:mental:ratio_dq sem=3     of Bayley-III's cognitive composite unless it is named;
                                   `score untestable`, `score 40floor`, `score 90 corrected`
        200 scan fa=0.3 md=0.0012  metrics of one region; `warn`, `fail`, `other_pipeline`, `!unit_unconfirmed`
        200 barred development     the family's consent does not cover the scope
        """
        for step in filter(None, (part.split() for part in story.split(";"))):
            self._step(*step)
        return self

    def _step(self, when: str, what: str, *words: str) -> None:
        day, _, minute = when.partition("@")
        start, _, end = day.partition("-")
        age, at = int(start), int(minute) if minute else None
        if what == "dose":
            self._told_dose(age, at, words)
        elif what == "sign":
            self.sign(SIGNS[words[0]], age, *words[1:])
        elif what == "fed":
            self.fed(words[0], age, int(end) if end else None, *words[1:])
        elif what == "transfused":
            self.condition("SNOMED:116859006", age, "procedure", *words)
        elif what == "condition":
            self.condition(words[0], age, *words[1:])
        elif what == "scan":
            self._told_scan(age, words)
        elif what == "score":
            self._told_score(age, words)
        elif what == "milestone":
            self.milestone(words[0], age, words[1])
        elif what == "barred":
            row = {"subject_key": self.key, "site": self.site, "scope": words[0], "verdict": "withdrawn"}
            self.cohort.rows["barred"].append(row)
        elif what == "status":
            self.status(words[0], age)
        else:
            person = what if what in ("mother", "comparator") else "infant"
            for word in words if person == what else (what, *words):
                self._told_result(word, age, at, person)

    def _told_dose(self, age: int, at: int | None, words: tuple[str, ...]) -> None:
        fields: dict[str, Any] = {"minute_of_day": at}
        for word in words:
            if word == "mother":
                fields["person"] = word
            elif word in ("po", "im"):
                fields["route"] = word
            elif word in ("missed", "refused"):
                fields["status"] = word
            elif word == "iron":
                fields |= {"compound": word, "is_b12": False}
            elif word.endswith("ug"):
                fields["ug"] = Decimal(word.removesuffix("ug"))
            else:
                fields["purpose"] = None if word == "unstated" else word
        self.dose(age, **fields)

    def _told_scan(self, age: int, words: tuple[str, ...]) -> None:
        scan = self.cohort.key()
        reasons = [word.removeprefix("!") for word in words if word.startswith("!")]
        for metric, value in (word.split("=") for word in words if "=" in word):
            self._add(
                "imaging",
                scan_key=scan,
                metric=metric,
                region="corpus_callosum_body",
                side="midline",
                atlas="jhu_neonate",
                atlas_version="1.0",
                method="atlas_roi",
                value=Decimal(value),
                field_strength_t=Decimal(3),
                scanner_model="one",
                pipeline="other" if "other_pipeline" in words else "one",
                pipeline_version="1",
                quality=next((word for word in words if word in ("warn", "fail")), "pass"),
                age_days=age,
                is_usable=not reasons,
                unusable_reason=next(iter(reasons), None),
            )

    def _told_score(self, age: int, words: tuple[str, ...]) -> None:
        told, *rest = words
        scale, sem, age_used = "bayley:iii:cognitive:composite", None, "chronological"
        for word in rest:
            if word.startswith("sem="):
                sem = Decimal(word.removeprefix("sem="))
            elif ":" in word:
                scale = word
            else:
                age_used = word
        instrument, edition, domain, score_type = scale.split(":")
        number = told.rstrip("abcdefghijklmnopqrstuvwxyz")
        self._add(
            "assessments",
            instrument=instrument,
            edition=edition,
            domain=domain,
            score_type=score_type,
            score=Decimal(number) if number else None,
            comparator=told.removeprefix(number) or None if number else None,
            sem=sem,
            age_used=age_used,
            status="completed" if number else told,
            age_days=age,
        )

    def _told_result(self, word: str, age: int, at: int | None, person: str) -> None:
        analyte, _, value = word.partition("=")
        value, _, reason = value.partition("!")
        value, _, interval = value.partition("/")
        self.lab(
            analyte,
            value,
            age,
            person=person,
            minute_of_day=at,
            unusable_reason=reason or None,
            reference_high=Decimal(interval) if interval else None,
        )

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

    def milestone(self, code: str, age: int, status: str, **fields: Any) -> uuid.UUID:
        row = {"status": status, "age_days": age, "age_months": int(age / MONTH), "observed_precision": "day"}
        return self._add("milestones", code=code, **(row | fields))

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

    def measured(self, age: int, **fields: Any) -> uuid.UUID:
        """A visit of growth; weight in g, length and head in cm."""
        row = {"age_days": age, "age_months": int(age / MONTH), "measured_precision": "day"}
        return self._add("growth", **(row | fields))

    def imaged(self, age: int, scan: uuid.UUID, metric: str, value: object, **fields: Any) -> uuid.UUID:
        """One metric of a scan; diffusivities in mm2/s."""
        row = {
            "scan_key": scan,
            "metric": metric,
            "value": Decimal(str(value)),
            "unit": "1" if metric == "fa" else "mm2/s",
            "region": "thalamus",
            "side": "left",
            "atlas": "jhu_neonate",
            "atlas_version": "1.0",
            "method": "atlas_roi",
            "field_strength_t": Decimal(3),
            "scanner_model": "one",
            "pipeline": "fsl",
            "pipeline_version": "6",
            "quality": "pass",
            "age_days": age,
            "is_usable": True,
        }
        return self._add("imaging", **(row | fields))

    def status(self, state: str, age: int) -> uuid.UUID:
        return self._add("statuses", state=state, effective_age_days=age)


@cache
def research_models(names: tuple[str, ...] = ()) -> tuple[tuple[str, str], ...]:
    """Name and SQL of each research model (or of those named and what they read), each behind what it reads."""
    found = {f"research.{path.stem}": path.read_text(encoding="utf-8") for path in (MODELS / "research").glob("*.sql")}
    ordered: list[str] = []

    def place(name: str) -> None:
        for read in sorted(_read_by(name) & found.keys()):
            place(read)
        if name not in ordered:
            ordered.append(name)

    for name in sorted(names or found):
        place(name)
    return tuple((name, found[name]) for name in ordered)


@cache
def _read_by(model: str) -> frozenset[str]:
    """Names of the tables that a research model reads."""
    sql = (MODELS / "research" / f"{model.removeprefix('research.')}.sql").read_text(encoding="utf-8")
    tables = sqlglot.parse_one(sql, dialect="duckdb").find_all(exp.Table)
    return frozenset(f"{table.db}.{table.name}" for table in tables)


def _define(connection: duckdb.DuckDBPyConnection, read: set[str]) -> None:
    """The definitions that are read, as the registry loads them but from memory: tests build many small cohorts."""
    connection.execute("CREATE SCHEMA definitions")
    for name, given in _definition_tables().items():
        if name not in read:
            continue
        connection.register("given", given)
        connection.execute(f'CREATE TABLE definitions."{name}" AS FROM given')
        connection.unregister("given")


@cache
def _definition_tables() -> dict[str, pa.Table]:
    connection = duckdb.connect()
    definitions.load(connection)
    found = {
        table.name: connection.sql(f'FROM definitions."{table.name}"').to_arrow_table()
        for table in definitions.tables()
    }
    connection.close()
    return found


def _as_text(columns: Iterable[str], given: list[dict[str, Any]]) -> pa.Table:
    """Rows as text columns: faster into DuckDB than one by one, and read exactly by a cast."""
    texts = {column: [None if row.get(column) is None else str(row[column]) for row in given] for column in columns}
    return pa.table({column: pa.array(values, pa.string()) for column, values in texts.items()})


def rows(connection: duckdb.DuckDBPyConnection, query: str, *parameters: object) -> list[dict[str, Any]]:
    """The rows of a query by column."""
    cursor = connection.execute(query, list(parameters))
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
