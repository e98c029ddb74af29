"""The core tables of a release: one row per current statement, with ages instead of dates.

Keys stand as what they are made of, so that whoever compares can make the pseudonyms.
"""

from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from b12.demo.statements import Delivery, Moment
from b12.demo.truth.evidence import BREASTFED, unusable
from b12.demo.truth.keys import Key
from b12.demo.truth.records import B12_COMPOUNDS, CANONICAL, CODES, Result, Subject, canonical, months

Row = dict[str, Any]


def tables(subject: Subject, cut_off: date) -> dict[str, list[Row]]:
    """The rows of one subject, by table."""
    return {
        "core.subjects": [enrolled(subject, cut_off)],
        "core.lab_results": [_lab_result(subject, result) for result in subject.results],
        "core.doses": _doses(subject),
        "core.feeding": _feeding(subject),
        "core.symptoms": _symptoms(subject),
        "core.milestones": _milestones(subject),
        "core.assessments": _assessments(subject),
        "core.conditions": _conditions(subject),
        "core.growth": _growth(subject),
        "core.imaging": _imaging(subject),
        "core.statuses": _statuses(subject),
    }


def key_of(subject: Subject) -> Key:
    """The subject's key."""
    return Key("subject", subject.site, subject.code)


def family_of(subject: Subject) -> Key:
    """The mother's key where her code was sent, else the subject's own."""
    mother = subject.enrolment.get("mother")
    return Key("mother", subject.site, mother) if mother else key_of(subject)


def enrolled(subject: Subject, cut_off: date) -> Row:
    """The row of core.subjects."""
    said = subject.enrolment
    weeks = said.get("gestation_weeks")
    gestation = None if weeks is None else 7 * weeks + said.get("gestation_days", 0)
    is_preterm = None if gestation is None else gestation < 259
    return {
        **_of(subject),
        "family_key": family_of(subject),
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
        "cut_off_age_months": months(subject.birth, cut_off),
        "is_synthetic": True,
    }


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
        "event_time_rank": rank(subject, result),
        "is_usable": reason is None,
        "unusable_reason": reason,
    }


def rank(subject: Subject, result: Result) -> int:
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
            "is_usable": True,
            "unusable_reason": None,
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
    found: Row = {"subject_key": key_of(subject), "site": subject.site}
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
