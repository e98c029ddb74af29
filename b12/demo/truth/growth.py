"""Z-scores of growth by the WHO standards, by their text: L, M and S are given, everything else is computed here.

WHO Child Growth Standards: Methods and development (2006), chapter 7.
"""

from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from math import exp, log
from typing import NamedTuple

from b12.demo.truth.core import Row, enrolled, key_of
from b12.demo.truth.evidence import Evidence
from b12.demo.truth.follow_up import VISITS
from b12.demo.truth.keys import Key
from b12.demo.truth.records import months

Standard = Callable[[str, str, str, Decimal], tuple[float, float, float] | None]
"""L, M and S of an index, a sex, a position and a day or a length in cm; None beyond the tables."""

_STANDING_FROM, _CAN_STAND_FROM = 731, 274
_STANDING_IS_LESS = Decimal("0.7")
"""Centimetres by which a standing child is shorter than a lying one."""

# Least and greatest plausible z-score, and the unit.
INDICES = {
    "weight_for_age": (-6, 5, "kg"),
    "length_for_age": (-6, 6, "cm"),
    "weight_for_length": (-5, 5, "kg"),
    "bmi_for_age": (-5, 5, "kg/m2"),
    "head_circumference_for_age": (-5, 5, "cm"),
}


class Measured(NamedTuple):
    """One index at the age that counts, or at the age from birth."""

    value: Decimal
    position: str
    day_or_cm: Decimal


def rows(evidence: Evidence, standard: Standard) -> list[Row]:
    """Every index of every visit."""
    found = [_row(evidence, standard, visit, index) for visit in _visits(evidence) for index in INDICES]
    for visit in ("baseline", *VISITS):
        target = VISITS[visit][2] if visit in VISITS else 0
        for index in INDICES:
            scored = [r for r in found if (r["visit"], r["index"]) == (visit, index) and r["z"] is not None]
            plausible = [r for r in scored if not r["is_implausible"]]
            if plausible:
                min(plausible, key=lambda r: (abs(r["study_day"] - target), r["study_day"]))["is_chosen"] = True
    return found


def _visits(evidence: Evidence) -> list[Row]:
    """What was measured, with the ages that it needs."""
    subject = evidence.subject
    about = enrolled(subject, subject.birth)
    visits = []
    for by in subject.by("growth"):
        said = by.statement.data
        age = subject.age(said["measured"])
        age_months = months(subject.birth, said["measured"].date)
        is_corrected = about["is_preterm"] and age_months < 24
        gestation = about["gestation_total_days"]
        visits.append(
            {
                **said,
                **about,
                "record": Key("record", subject.site, by.record),
                "age": age,
                "age_months": age_months,
                "counts": age - about["age_correction_days"] if is_corrected else age,
                "is_before_term": bool(about["is_preterm"]) and gestation + age < 280,
                "is_approximate": "month" in (said["measured"].precision, subject.enrolment["birth"].precision),
            }
        )
    return visits


def _row(evidence: Evidence, standard: Standard, visit: Row, index: str) -> Row:
    subject, measured = evidence.subject, _measured(visit, index, visit["counts"])
    least, greatest, unit = INDICES[index]
    z = _z(standard, visit, index, measured)
    day = visit["age"] - evidence.start.age_days if evidence.start else None
    correction = visit["age_correction_days"]
    return {
        "subject_key": key_of(subject),
        "site": subject.site,
        "record_key": visit["record"],
        "index": index,
        "age_days": visit["age"],
        "age_months": visit["age_months"],
        "corrected_age_days": None if correction is None else visit["age"] - correction,
        "age_used_days": visit["counts"],
        "is_age_corrected": visit["counts"] != visit["age"],
        "is_gestation_unknown": visit["gestation_total_days"] is None,
        "is_age_approximate": visit["is_approximate"],
        "study_day": day,
        "visit": _visit(day),
        "is_chosen": False,
        "measured": measured.value.quantize(Decimal("1e-4"), ROUND_HALF_UP),
        "unit": unit,
        "added_cm": _added(visit, visit["counts"]),
        "is_position_assumed": False,
        "is_position_implausible": visit["position"] == "standing" and visit["age"] < _CAN_STAND_FROM,
        "z": z,
        "z_uncorrected": _z(standard, visit, index, _measured(visit, index, visit["age"])),
        "is_implausible": z is not None and not least <= z <= greatest,
        "reason": "before_term" if visit["is_before_term"] else "beyond_standard" if z is None else None,
    }


def _visit(day: int | None) -> str | None:
    """The baseline from 30 days before the first dose to 14 after it, a visit, or neither."""
    if day is None:
        return None
    if -30 <= day <= 14:
        return "baseline"
    return next((visit for visit, (first, last, _) in VISITS.items() if first <= day <= last), "unscheduled")


def _added(visit: Row, age: int) -> Decimal:
    """What makes a length one in the position of the standard at that age."""
    if visit["position"] == "lying":
        return -_STANDING_IS_LESS if age >= _STANDING_FROM else Decimal(0)
    is_lying_asked = age < _STANDING_FROM and visit["age"] >= _CAN_STAND_FROM
    return _STANDING_IS_LESS if is_lying_asked else Decimal(0)


def _measured(visit: Row, index: str, age: int) -> Measured:
    """One index at an age in days."""
    kg, cm = visit["weight_g"] / 1000, visit["length_cm"] + _added(visit, age)
    position = "lying" if age < _STANDING_FROM else "standing"
    value = {
        "weight_for_age": kg,
        "length_for_age": cm,
        "weight_for_length": kg,
        "bmi_for_age": kg / (cm / 100) ** 2,
        "head_circumference_for_age": visit["head_circumference_cm"],
    }[index]
    return Measured(value, position, cm if index == "weight_for_length" else Decimal(age))


def _z(standard: Standard, visit: Row, index: str, measured: Measured) -> Decimal | None:
    """The z-score to two digits; beyond 3 it goes on in steps as long as that from 2 to 3."""
    lms = standard(index, visit["sex"], measured.position, measured.day_or_cm)
    if visit["is_before_term"] or lms is None:
        return None
    value = float(measured.value)
    z = _of(value, lms)
    if abs(z) > 3:
        side = 1 if z > 0 else -1
        at_3, at_2 = _at(3 * side, lms), _at(2 * side, lms)
        z = side * (3 + (value - at_3) / (at_3 - at_2))
    return Decimal(z).quantize(Decimal("0.01"), ROUND_HALF_UP)


def _of(value: float, lms: tuple[float, float, float]) -> float:
    power, median, variation = lms
    return log(value / median) / variation if power == 0 else ((value / median) ** power - 1) / (power * variation)


def _at(z: float, lms: tuple[float, float, float]) -> float:
    power, median, variation = lms
    if power == 0:
        return median * exp(variation * z)
    return float(median * (1 + power * variation * z) ** (1 / power))
