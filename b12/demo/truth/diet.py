"""How an infant was fed when it was diagnosed, and whether it should be screened, by the definitions' text.

What feeding says of exposure and of a suspected case belongs in `evidence`.
"""

from datetime import date
from typing import Any

from b12.demo.truth.cases import case
from b12.demo.truth.core import Row, family_of, key_of
from b12.demo.truth.evidence import BREASTFED, VEGETARIAN, Evidence
from b12.demo.truth.follow_up import LEFT, STATUS_MARKERS
from b12.demo.truth.records import months

SCREENED_BELOW_MONTHS = 12


def at_diagnosis(evidence: Evidence) -> list[Row]:
    """By the periods that hold the day; of several the latest that answers counts, question by question."""
    subject = evidence.subject
    reported = subject.age(subject.enrolment.get("diagnosed"))
    day = case(evidence).index_age_days if reported is None else reported
    if subject.enrolment["person"] != "infant" or day is None:
        return []
    periods = [
        said
        for said in sorted(subject.of("feeding"), key=lambda said: said["start"].date)
        if subject.age(said["start"]) <= day and (said.get("end") is None or subject.age(said["end"]) >= day)
    ]
    infant, diet = _latest(periods, "infant"), _latest(periods, "mother_diet")
    return [
        {
            "definition": "default",
            "subject_key": key_of(subject),
            "site": subject.site,
            "family_key": family_of(subject),
            "diagnosis_age_days": day,
            "is_index_date": reported is None,
            "infant_feeding": infant,
            "is_breastfed": None if infant is None else infant in BREASTFED,
            "animal_source_food": _latest(periods, "animal_source_food"),
            "mother_diet": diet,
            "is_mother_vegetarian": None if diet is None else diet in VEGETARIAN,
            "maternal_b12_ug_per_day": _latest(periods, "maternal_b12_ug_per_day"),
        }
    ]


def _latest(periods: list[Row], name: str) -> Any:
    return next((said[name] for said in reversed(periods) if said.get(name) is not None), None)


def screening(evidence: Evidence, cut_off: date) -> list[Row]:
    """Of an infant under a year: who was never measured nor given B12, and is breastfed by a vegetarian mother."""
    subject = evidence.subject
    age = months(subject.birth, cut_off)
    if subject.enrolment["person"] != "infant" or age >= SCREENED_BELOW_MONTHS:
        return []
    fed = [said for said in subject.of("feeding") if said["start"].date <= cut_off]
    stood = sorted(subject.of("status"), key=lambda said: said["effective"].date)
    is_breastfed = any(said["infant"] in BREASTFED for said in fed)
    is_vegetarian = any(said.get("mother_diet") in VEGETARIAN for said in fed)
    has_marker = any(r.analyte in STATUS_MARKERS and r.said["person"] == "infant" for r in subject.results)
    has_left = bool(stood) and stood[-1]["state"] in LEFT
    return [
        {
            "subject_key": key_of(subject),
            "site": subject.site,
            "cut_off_age_months": age,
            "is_breastfed": is_breastfed,
            "is_mother_vegetarian": is_vegetarian,
            "has_marker": has_marker,
            "has_dose": bool(evidence.doses),
            "has_left": has_left,
            "is_eligible": is_breastfed and is_vegetarian and not (has_marker or evidence.doses or has_left),
        }
    ]
