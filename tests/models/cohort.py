"""Small core tables for tests of the research models: a subject in a line, an event in a line, rows out.

The core tables are made here by plain SQL with the columns that the core models give; nothing is computed from dates.
How the models are built over them is in `built`, the words of a story in `stories`.
"""

import itertools
import uuid
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import duckdb

from tests.models import built, stories
from tests.models.core_tables import CORE, STAGING

CUT_OFF = date(2026, 3, 31)
MONTH = Decimal("30.4375")
_BLOOD = ("haemoglobin", "mcv")
_BREASTFED = ("exclusive", "predominant", "mixed", "breastfed_unspecified")


class Cohort:
    """Core tables in the making. Ages are in days; completed months follow from 30.4375 unless they are given."""

    def __init__(self) -> None:
        self.rows: dict[str, list[dict[str, Any]]] = {table: [] for table in (*CORE, *STAGING)}
        self.rows["build"].append({"cut_off": CUT_OFF})
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
        born = {"birth_date": CUT_OFF - timedelta(cut_off_age_days), "birth_precision": row["birth_precision"]}
        for table, fields in {"observed": {"cut_off_age_days": cut_off_age_days}, "current_enrolment": born}.items():
            self.rows[table].append({"subject_key": subject, "site": row["site"], **fields})
        return Infant(self, subject, row["site"])

    def build(self, *names: str, defined: str = "") -> duckdb.DuckDBPyConnection:
        """The research models (or those named and what they read) over these tables; see `built.build`."""
        return built.build(self.rows, names, defined)


class Infant:
    """One subject's events."""

    def __init__(self, cohort: Cohort, subject: uuid.UUID, site: str) -> None:
        self.cohort, self.key, self.site = cohort, subject, site

    def add(self, table: str, **row: Any) -> uuid.UUID:
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
        row |= fields
        return self.add("lab_results", **({"value_reported": row["value"], "unit_reported": row["unit"]} | row))

    def tell(self, story: str) -> "Infant":
        """Events in words; see `stories`."""
        stories.tell(self, story)
        return self

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
        return self.add("doses", **(row | fields))

    def sign(self, code: str, age: int, status: str = "present", **fields: Any) -> uuid.UUID:
        row = {"code": code, "status": status, "age_days": age, "age_months": int(age / MONTH)}
        return self.add("symptoms", **(row | fields))

    def milestone(self, code: str, age: int, status: str, **fields: Any) -> uuid.UUID:
        row = {"status": status, "age_days": age, "age_months": int(age / MONTH), "observed_precision": "day"}
        return self.add("milestones", code=code, **(row | fields))

    def fed(self, infant: str, start: int, end: int | None = None, mother_diet: str | None = None) -> uuid.UUID:
        return self.add(
            "feeding",
            infant=infant,
            is_breastfed=infant in _BREASTFED,
            mother_diet=mother_diet,
            start_age_days=start,
            end_age_days=end,
        )

    def condition(self, code: str, age: int, category: str, person: str = "infant") -> uuid.UUID:
        return self.add("conditions", code=code, category=category, person=person, onset_age_days=age)

    def measured(self, age: int, **fields: Any) -> uuid.UUID:
        """A visit of growth; weight in g, length and head in cm."""
        row = {"age_days": age, "age_months": int(age / MONTH), "measured_precision": "day"}
        return self.add("growth", **(row | fields))

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
        return self.add("imaging", **(row | fields))

    def status(self, state: str, age: int) -> uuid.UUID:
        return self.add("statuses", state=state, effective_age_days=age)
