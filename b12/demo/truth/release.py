"""The rows of a release: every table that the definitions determine, in the release's own column names.

Keys stand as what they are made of, so that whoever compares can make the pseudonyms.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple

from b12.demo.statements import Delivery, Moment
from b12.demo.truth import attrition, identity
from b12.demo.truth.cases import BREASTFED, Evidence, case, excluded_by, unusable
from b12.demo.truth.follow_up import BLOOD_COUNT, STATUS_MARKERS, VISITS, Course, outcomes
from b12.demo.truth.records import (
    B12_COMPOUNDS,
    CANONICAL,
    CODES,
    Result,
    Subject,
    canonical,
    months,
    subjects,
)

Row = dict[str, Any]

UNIT = {
    "b12": "b12_pmol_per_l",
    "homocysteine": "homocysteine_umol_per_l",
    "mma": "mma_umol_per_l",
    "holotranscobalamin": "holotranscobalamin_pmol_per_l",
    "haemoglobin": "haemoglobin_g_per_l",
    "mcv": "mcv_fl",
}


class Key(NamedTuple):
    """What a pseudonym is made of."""

    role: str
    site: str
    value: str


def tables(deliveries: Sequence[Delivery], cut_off: date) -> dict[str, list[Row]]:
    """Every table by its name; of summary.attrition the steps that count anyone."""
    verdicts = identity.verdicts(deliveries)
    everyone = subjects(deliveries, verdicts)
    found: dict[str, list[Row]] = {name: [] for name in (*_CORE, *_RESEARCH)}
    for subject in everyone:
        for name, rows in _CORE.items():
            found[name] += rows(subject, cut_off) if name == "core.subjects" else rows(subject)
        evidence = Evidence(subject)
        for name, rows in _RESEARCH.items():
            found[name] += rows(evidence, cut_off)
    found["summary.verdicts"] = _verdicts(deliveries, verdicts)
    excluded = {_of(subject)["subject_key"]: by for subject in everyone if (by := excluded_by(subject))}
    found["summary.attrition"] = attrition.rows(deliveries, verdicts, found, excluded)
    return found


def _verdicts(deliveries: Sequence[Delivery], verdicts: Sequence[str]) -> list[Row]:
    counts = Counter(
        (d.statement.site, d.statement.kind, verdict) for d, verdict in zip(deliveries, verdicts, strict=True)
    )
    return [
        {"site": site, "kind": kind, "verdict": verdict, "deliveries": count}
        for (site, kind, verdict), count in counts.items()
    ]


# core


def _subject(subject: Subject, cut_off: date) -> list[Row]:
    said = subject.enrolment
    weeks = said.get("gestation_weeks")
    gestation = None if weeks is None else 7 * weeks + said.get("gestation_days", 0)
    is_preterm = None if gestation is None else gestation < 259
    mother = said.get("mother")
    return [
        {
            **_of(subject),
            "family_key": Key("mother", subject.site, mother) if mother else Key("subject", subject.site, subject.code),
            "person": said["person"],
            "group": said["group"],
            "route": said.get("route"),
            "sex": said["sex"],
            "birth_precision": said["birth"].precision,
            "gestation_total_days": gestation,
            "is_preterm": is_preterm,
            "age_correction_days": None if gestation is None else 280 - gestation if is_preterm else 0,
            "birth_weight_g": said.get("birth_weight_g"),
            "plurality": said.get("plurality"),
            "elevation_m": subject.elevation_m,
            **_aged(subject, "diagnosed", said.get("diagnosed")),
            **_aged(subject, "symptom_onset", said.get("symptom_onset")),
            **_aged(subject, "enrolled", said.get("enrolled")),
            "cut_off_age_days": (cut_off - subject.birth).days,
            "cut_off_age_months": months(subject.birth, cut_off),
            "is_synthetic": True,
        }
    ]


def _lab_results(subject: Subject) -> list[Row]:
    return [_lab_result(subject, result) for result in subject.results]


def _lab_result(subject: Subject, result: Result) -> Row:
    said = result.said
    also = result.also.statement.data if result.also else None
    other = canonical(also["value"], also["loinc"], also["unit"]) if also else None
    factor = Decimal(CODES[said["loinc"]][1][said["unit"]])
    reason = unusable(result)
    return {
        **_of(subject, result.by),
        "other_record_key": Key("record", subject.site, result.also.record) if result.also else None,
        "person": said["person"],
        "analyte": result.analyte,
        "loinc": said["loinc"],
        "value": result.value,
        "unit": CANONICAL[result.analyte],
        "comparator": said.get("comparator"),
        "value_reported": said["value"],
        "unit_reported": said["unit"],
        "other_value_reported": also["value"] if also else None,
        "other_unit_reported": also["unit"] if also else None,
        "relative_disagreement": _six(abs(other - result.value) / result.value) if other is not None else None,
        "reference_low": said["reference_low"] * factor if "reference_low" in said else None,
        "reference_high": said["reference_high"] * factor if "reference_high" in said else None,
        "specimen": said["specimen"],
        "status": said.get("status", "final"),
        "method": said.get("method"),
        "platform": None,
        "haemolysis": None,
        "separated_minutes": None,
        **_when(subject, "collected", said["collected"]),
        "event_time_rank": _rank(subject, result),
        "is_usable": reason is None,
        "unusable_reason": reason,
    }


def _rank(subject: Subject, result: Result) -> int:
    """How new the statement is among those of the same analyte, person and day."""
    same = {
        other.by.said
        for other in subject.results
        if (other.analyte, other.said["person"], other.age_days)
        == (result.analyte, result.said["person"], result.age_days)
    }
    return sorted(same).index(result.by.said) + 1


def _six(share: Decimal) -> Decimal:
    return share.quantize(Decimal("1e-6"), ROUND_HALF_UP)


def _doses(subject: Subject) -> list[Row]:
    return [
        {
            **_of(subject, by),
            "person": said["person"],
            "compound": said["compound"],
            "is_b12": said["compound"] in B12_COMPOUNDS,
            "route": said["route"],
            "ug": said.get("ug"),
            "status": said["status"],
            "purpose": said.get("purpose"),
            **_aged(subject, "scheduled", said.get("scheduled")),
            **_when(subject, "given", said.get("given")),
        }
        for by, said in _said(subject, "dose")
    ]


def _feeding(subject: Subject) -> list[Row]:
    return [
        {
            **_of(subject, by),
            "infant": said["infant"],
            "is_breastfed": said["infant"] in BREASTFED,
            "animal_source_food": said.get("animal_source_food"),
            "mother_diet": said.get("mother_diet"),
            "maternal_b12_ug_per_day": said.get("maternal_b12_ug_per_day"),
            **_aged(subject, "start", said["start"]),
            **_aged(subject, "end", said.get("end")),
        }
        for by, said in _said(subject, "feeding")
    ]


def _symptoms(subject: Subject) -> list[Row]:
    return [
        {
            **_of(subject, by),
            "code": said["code"],
            "status": said["status"],
            "severity": said.get("severity"),
            **_aged(subject, "onset", said.get("onset")),
            **_when(subject, "observed", said["observed"]),
            "source": said["source"],
        }
        for by, said in _said(subject, "symptom")
    ]


def _milestones(subject: Subject) -> list[Row]:
    return [
        {
            **_of(subject, by),
            "code": said["code"],
            "status": said["status"],
            **_when(subject, "observed", said["observed"]),
            **_aged(subject, "attained", said.get("attained")),
            "source": said["source"],
        }
        for by, said in _said(subject, "milestone")
    ]


def _assessments(subject: Subject) -> list[Row]:
    return [
        {
            **_of(subject, by),
            "instrument": said["instrument"],
            "edition": said["edition"],
            "domain": said["domain"],
            "score_type": said["score_type"],
            "score": said.get("score"),
            "category": None,
            "comparator": None,
            "sem": None,
            "interval_low": None,
            "interval_high": None,
            "age_used": said["age_used"],
            "status": said["status"],
            "is_blinded": said["blinded"],
            **_when(subject, "assessed", said["assessed"]),
        }
        for by, said in _said(subject, "assessment")
    ]


def _conditions(subject: Subject) -> list[Row]:
    return [
        {
            **_of(subject, by),
            "person": said["person"],
            "code": said["code"],
            "category": said["category"],
            **_aged(subject, "onset", said["onset"]),
            **_aged(subject, "resolved", said.get("resolved")),
        }
        for by, said in _said(subject, "condition")
    ]


def _growth(subject: Subject) -> list[Row]:
    return [
        {
            **_of(subject, by),
            "weight_g": said["weight_g"],
            "length_cm": said["length_cm"],
            "position": said["position"],
            "head_circumference_cm": said["head_circumference_cm"],
            "has_oedema": None,
            **_when(subject, "measured", said["measured"]),
        }
        for by, said in _said(subject, "growth")
    ]


def _imaging(subject: Subject) -> list[Row]:
    return [
        {
            **_of(subject, by),
            "scan_key": Key("scan", subject.site, said["scan"]),
            **{name: said[name] for name in ("metric", "region", "side", "atlas", "atlas_version", "method")},
            # 1 um2/ms is 0.001 mm2/s.
            "value": said["value"] / (1 if said["metric"] == "fa" else 1000),
            "unit": "1" if said["metric"] == "fa" else "mm2/s",
            "value_reported": said["value"],
            "unit_reported": said["unit"],
            "sd": None,
            "roi_voxels": said["roi_voxels"],
            "b_values": [],
            "directions": said["directions"],
            "voxel_mm": None,
            **{name: said[name] for name in ("field_strength_t", "scanner_model", "pipeline", "pipeline_version")},
            "sedation": said["sedation"],
            "quality": said["quality"],
            **_when(subject, "scanned", said["scanned"]),
        }
        for by, said in _said(subject, "imaging")
    ]


def _statuses(subject: Subject) -> list[Row]:
    return [
        {
            **_of(subject, by),
            "state": said["state"],
            **_aged(subject, "effective", said["effective"]),
            **_aged(subject, "last_contact", said.get("last_contact")),
        }
        for by, said in _said(subject, "status")
    ]


def _said(subject: Subject, kind: str) -> list[tuple[Delivery, Row]]:
    return [(by, by.statement.data) for by in subject.by(kind)]


def _of(subject: Subject, by: Delivery | None = None) -> Row:
    found: Row = {"subject_key": Key("subject", subject.site, subject.code), "site": subject.site}
    return found | ({"record_key": Key("record", subject.site, by.record)} if by else {})


def _when(subject: Subject, name: str, moment: Moment | None) -> Row:
    """The columns of the day that a row is about."""
    return {
        "age_days": subject.age(moment),
        "age_months": months(subject.birth, moment.date) if moment else None,
        "minute_of_day": moment.minute if moment else None,
        f"{name}_precision": moment.precision if moment else None,
    }


def _aged(subject: Subject, name: str, moment: Moment | None) -> Row:
    """The columns of another day."""
    return {f"{name}_age_days": subject.age(moment), f"{name}_precision": moment.precision if moment else None}


# research


def _cases(evidence: Evidence, cut_off: date) -> list[Row]:
    subject, found = evidence.subject, case(evidence)
    start = evidence.start.age_days if evidence.start else None
    given = [d for d in evidence.doses if start is not None and 0 <= d.age_days - start <= 13]
    baseline = Course(evidence, cut_off).at("baseline") if evidence.start else {}
    (enrolled,) = _subject(subject, cut_off)
    return [
        {
            "definition": "default",
            **_of(subject),
            "family_key": enrolled["family_key"],
            "group": enrolled["group"],
            "class": found.case_class,
            "reason": found.reason,
            "is_case": found.is_case,
            "is_primary_case": found.is_primary,
            "index_age_days": found.index_age_days,
            "class_end_age_days": found.end_age_days,
            "treatment_start_age_days": start,
            "maternal_start_age_days": min((d.age_days for d in evidence.mothers_doses), default=None),
            "regimen": "+".join(sorted({f"{d.said['compound']}:{d.said['route']}" for d in given})) or None,
            "regimen_doses": len(given),
            "regimen_ug": sum((d.said["ug"] for d in given), Decimal(0)) if given else None,
            "is_low_b12": found.is_low_b12,
            "is_isolated_functional": found.is_isolated_functional,
            "is_order_assumed": _is_order_assumed(evidence),
            **{
                f"baseline_{column}": baseline[analyte].value if analyte in baseline else None
                for analyte, column in UNIT.items()
            },
        }
    ]


def _is_order_assumed(evidence: Evidence) -> bool:
    """Whether blood and a dose of one day were put in order without both clocks."""
    return any(
        dose.age_days == result.age_days and None in (dose.minute, result.minute)
        for dose in evidence.doses
        for result in evidence.results
        if result.analyte in STATUS_MARKERS
    )


def _follow_up(evidence: Evidence, cut_off: date) -> list[Row]:
    if evidence.start is None or evidence.subject.enrolment["person"] != "infant":
        return []
    course = Course(evidence, cut_off)
    return [_visit(course, visit, order) for order, visit in enumerate(("baseline", *VISITS))]


def _visit(course: Course, visit: str, order: int) -> Row:
    chosen = course.at(visit)
    state, reason = course.visit_state(visit)
    first, last, target = course.window(visit)
    start = course.start.age_days
    days = [course.day(result) for result in chosen.values()]
    row = {
        **_of(course.evidence.subject),
        "visit": visit,
        "visit_order": order,
        "state": state,
        "reason": reason,
        "from_day": first,
        "to_day": last,
        "target_day": target,
        "from_age_days": start + first,
        "to_age_days": start + last,
        "first_study_day": min(days, default=None),
        "last_study_day": max(days, default=None),
        "markers": len(chosen),
        "unscheduled_markers": len(course.unscheduled),
    }
    for analyte in (*STATUS_MARKERS, *BLOOD_COUNT):
        row[UNIT[analyte]] = chosen[analyte].value if analyte in chosen else None
        if analyte in STATUS_MARKERS:
            row[f"{analyte}_comparator"] = chosen[analyte].comparator if analyte in chosen else None
    haemoglobin = chosen.get("haemoglobin")
    adjustment = course.evidence.elevation_adjustment
    row["haemoglobin_adjusted_g_per_l"] = haemoglobin.value - adjustment if haemoglobin else None
    return row


def _recovery(evidence: Evidence, cut_off: date) -> list[Row]:
    found = case(evidence)
    if evidence.start is None or not found.is_case:
        return []
    return [
        {
            "definition": "default",
            **_of(evidence.subject),
            "class": found.case_class,
            "is_primary_case": found.is_primary,
            "dimension": dimension,
            "visit": visit,
            "visit_order": list(VISITS).index(visit) + 1,
            "is_at_risk": outcome.is_at_risk,
            "state": outcome.state,
            "reason": outcome.reason,
            "is_reference_band_changed": outcome.is_reference_band_changed,
            "study_day": outcome.study_day,
            "age_days": None if outcome.study_day is None else evidence.start.age_days + outcome.study_day,
        }
        for (dimension, visit), outcome in outcomes(Course(evidence, cut_off), found).items()
    ]


_CORE: dict[str, Any] = {
    "core.subjects": _subject,
    "core.lab_results": _lab_results,
    "core.doses": _doses,
    "core.feeding": _feeding,
    "core.symptoms": _symptoms,
    "core.milestones": _milestones,
    "core.assessments": _assessments,
    "core.conditions": _conditions,
    "core.growth": _growth,
    "core.imaging": _imaging,
    "core.statuses": _statuses,
}
_RESEARCH: dict[str, Any] = {
    "research.cases": _cases,
    "research.follow_up": _follow_up,
    "research.recovery": _recovery,
}
