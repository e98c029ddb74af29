"""The core tables: subjects, results in canonical units, doses and the rest, with ages instead of dates."""

import calendar
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property
from typing import Any

from b12.demo.partners import PARTNERS
from b12.demo.statements import Delivery, Moment

# LOINC: analyte, and what one of each unit is in the canonical unit. B12: 1000 / 1355.37 g/mol.
CODES: dict[str, tuple[str, dict[str, str]]] = {
    "2132-9": ("b12", {"pg/mL": "0.737806"}),
    "14685-2": ("b12", {"pmol/L": "1"}),
    "13965-9": ("homocysteine", {"umol/L": "1"}),
    "2428-1": ("homocysteine", {"mg/L": "7.3975"}),
    "13964-2": ("mma", {"umol/L": "1", "nmol/L": "0.001", "ng/mL": "0.0084681"}),
    "72160-5": ("holotranscobalamin", {"pmol/L": "1"}),
    "718-7": ("haemoglobin", {"g/dL": "10", "g/L": "1"}),
    "59260-0": ("haemoglobin", {"mmol/L": "16.114"}),
    "787-2": ("mcv", {"fL": "1"}),
    "2284-8": ("folate", {"ng/mL": "2.2655"}),
    "14732-2": ("folate", {"nmol/L": "1"}),
    "2160-0": ("creatinine", {"mg/dL": "88.402"}),
    "14682-9": ("creatinine", {"umol/L": "1"}),
}

CANONICAL = {
    "b12": "pmol/L",
    "homocysteine": "umol/L",
    "mma": "umol/L",
    "holotranscobalamin": "pmol/L",
    "haemoglobin": "g/L",
    "mcv": "fL",
    "folate": "nmol/L",
    "creatinine": "umol/L",
}

B12_COMPOUNDS = {
    "cyanocobalamin",
    "hydroxocobalamin",
    "methylcobalamin",
    "adenosylcobalamin",
    "b12_unspecified",
    "multivitamin_with_b12",
}


def months(birth: date, day: date) -> int:
    """Completed months: a birth on the 31st has its month on the last day of a shorter one."""
    count = (day.year - birth.year) * 12 + day.month - birth.month
    last = calendar.monthrange(day.year, day.month)[1]
    return count if day.day >= min(birth.day, last) else count - 1


@dataclass(frozen=True)
class Result:
    """One result of one draw, in its canonical unit."""

    analyte: str
    value: Decimal
    age_days: int
    age_months: int
    by: Delivery
    """The delivery that reports it in the canonical unit, or the only one."""
    also: Delivery | None
    """The delivery that reports the same result in another unit."""
    is_confirmed: bool
    """The site answered that the value is true as reported."""

    @property
    def said(self) -> dict[str, Any]:
        """What the delivery says."""
        return self.by.statement.data

    @property
    def comparator(self) -> str | None:
        """The value is a bound."""
        return self.said.get("comparator")

    @property
    def minute(self) -> int | None:
        """Minute of the day, where the clock was noted."""
        return self.said["collected"].minute

    @property
    def is_blood_count(self) -> bool:
        """Whether it is measured in whole blood."""
        return self.analyte in ("haemoglobin", "mcv")


def canonical(value: Decimal, loinc: str, unit: str) -> Decimal:
    """The value in the analyte's canonical unit, to twelve places."""
    return (value * Decimal(CODES[loinc][1][unit])).quantize(Decimal("1e-12"), ROUND_HALF_UP)


@dataclass
class Subject:
    """Everything that is current of one subject."""

    site: str
    code: str
    deliveries: list[Delivery]

    @cached_property
    def enrolment(self) -> dict[str, Any]:
        """What the enrolment says."""
        return self.of("enrolment")[0]

    @property
    def birth(self) -> date:
        """Date of birth; a month stands as its 15th."""
        return self.enrolment["birth"].date

    @property
    def elevation_m(self) -> int:
        """Of the site, above sea level."""
        return PARTNERS[self.site].elevation_m

    def age(self, moment: Moment | None) -> int | None:
        """Age in days."""
        return None if moment is None else (moment.date - self.birth).days

    def by(self, kind: str) -> list[Delivery]:
        """The current deliveries of a kind."""
        return [delivery for delivery in self.deliveries if delivery.statement.kind == kind]

    def of(self, kind: str) -> list[dict[str, Any]]:
        """What the current statements of a kind say."""
        return [delivery.statement.data for delivery in self.by(kind)]

    @cached_property
    def results(self) -> list[Result]:
        """One per draw and analyte, in order of age; two units of one result become one."""
        draws: dict[tuple[Any, ...], list[Delivery]] = defaultdict(list)
        for delivery in self.by("lab_result"):
            said = delivery.statement.data
            analyte = CODES[said["loinc"]][0]
            draws[analyte, said["person"], said["collected"], said["specimen"]].append(delivery)
        confirmed = {c["target_record"] for c in self.of("confirmation") if c["target_kind"] == "lab_result"}
        found = []
        for (analyte, _, collected, _), reported in draws.items():
            reported.sort(key=lambda delivery: delivery.statement.data["unit"] != CANONICAL[analyte])
            by, *rest = reported
            said = by.statement.data
            found.append(
                Result(
                    analyte=analyte,
                    value=canonical(said["value"], said["loinc"], said["unit"]),
                    age_days=(collected.date - self.birth).days,
                    age_months=months(self.birth, collected.date),
                    by=by,
                    also=rest[0] if rest else None,
                    is_confirmed=by.record in confirmed,
                )
            )
        return sorted(found, key=lambda result: (result.age_days, -1 if result.minute is None else result.minute))


def subjects(deliveries: Iterable[Delivery], verdicts: Iterable[str]) -> list[Subject]:
    """Everyone who is enrolled, with what is included of them."""
    found: dict[tuple[str, str], list[Delivery]] = defaultdict(list)
    for delivery, verdict in zip(deliveries, verdicts, strict=True):
        if verdict == "included":
            found[delivery.statement.site, delivery.statement.subject].append(delivery)
    return [
        Subject(site, code, theirs)
        for (site, code), theirs in sorted(found.items())
        if any(delivery.statement.kind == "enrolment" for delivery in theirs)
    ]
