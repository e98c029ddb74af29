"""The core tables: subjects, results in canonical units, doses and the rest, with ages instead of dates."""

import calendar
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property
from typing import Any

from b12.demo.partners import PARTNERS
from b12.demo.statements import Delivery, Moment, Statement

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
    person: str
    value: Decimal
    comparator: str | None
    collected: Moment
    age_days: int
    age_months: int
    said: dict[str, Any] = field(hash=False)
    """The statement whose unit is the canonical one, or the only one."""
    also: dict[str, Any] | None = field(default=None, hash=False)
    """The same result reported in another unit."""
    confirmed: bool = False
    """The site answered that the value is true as reported."""

    @property
    def order(self) -> tuple[int, int]:
        """Day, and minute within it where the clock was noted."""
        return self.age_days, -1 if self.collected.minute is None else self.collected.minute


def canonical(value: Decimal, loinc: str, unit: str) -> Decimal:
    """The value in the analyte's canonical unit, to twelve places."""
    return (value * Decimal(CODES[loinc][1][unit])).quantize(Decimal("1e-12"), ROUND_HALF_UP)


@dataclass
class Subject:
    """Everything that is current of one subject."""

    site: str
    code: str
    statements: list[tuple[str, Statement]]
    """Record and statement."""

    @cached_property
    def enrolment(self) -> dict[str, Any]:
        """What the enrolment says."""
        return next(said.data for _, said in self.statements if said.kind == "enrolment")

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

    def of(self, kind: str) -> list[dict[str, Any]]:
        """What the current statements of a kind say."""
        return [said.data for _, said in self.statements if said.kind == kind]

    @cached_property
    def results(self) -> list[Result]:
        """One per draw and analyte; two units of one result become one."""
        draws: dict[tuple[Any, ...], list[tuple[str, dict[str, Any]]]] = defaultdict(list)
        for record, said in self.statements:
            if said.kind == "lab_result" and said.data.get("status") != "cancelled":
                analyte = CODES[said.data["loinc"]][0]
                key = (analyte, said.data["person"], said.data["collected"], said.data["specimen"])
                draws[key].append((record, said.data))
        confirmed = {c["target_record"] for c in self.of("confirmation") if c["target_kind"] == "lab_result"}
        found = []
        for (analyte, person, collected, _), reported in draws.items():
            reported.sort(key=lambda item: item[1]["unit"] != CANONICAL[analyte])
            (record, said), *rest = reported
            found.append(
                Result(
                    analyte=analyte,
                    person=person,
                    value=canonical(said["value"], said["loinc"], said["unit"]),
                    comparator=said.get("comparator"),
                    collected=collected,
                    age_days=(collected.date - self.birth).days,
                    age_months=months(self.birth, collected.date),
                    said=said,
                    also=rest[0][1] if rest else None,
                    confirmed=record in confirmed,
                )
            )
        return sorted(found, key=lambda result: result.order)


def subjects(deliveries: Iterable[Delivery], verdicts: Iterable[str]) -> list[Subject]:
    """Everyone who is enrolled, with what is included of them."""
    found: dict[tuple[str, str], list[tuple[str, Statement]]] = defaultdict(list)
    for delivery, verdict in zip(deliveries, verdicts, strict=True):
        if verdict == "included":
            said = delivery.statement
            found[said.site, said.subject].append((delivery.record, said))
    return [
        Subject(site, code, statements)
        for (site, code), statements in sorted(found.items())
        if any(said.kind == "enrolment" for _, said in statements)
    ]
