"""The rows of a release: every table that the definitions determine, in the release's own column names.

The tables of `core` are in `core`, what they lead to is here.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from b12.demo.statements import Delivery
from b12.demo.truth import (
    attrition,
    changes,
    core,
    diet,
    diffusion,
    due,
    growth,
    identity,
    looks,
    markers,
    milestones,
    mothers,
    reasons,
    recovery,
    scans,
    scorecard,
    timeline,
    timing,
    treatment,
)
from b12.demo.truth.cases import case, excluded_by
from b12.demo.truth.core import Row
from b12.demo.truth.evidence import Evidence
from b12.demo.truth.follow_up import BLOOD_COUNT, STATUS_MARKERS, VISITS, Course
from b12.demo.truth.records import subjects
from b12.demo.truth.recovery import outcomes
from b12.demo.truth.times import relapse, time_to, together

UNIT = {
    "b12": "b12_pmol_per_l",
    "homocysteine": "homocysteine_umol_per_l",
    "mma": "mma_umol_per_l",
    "holotranscobalamin": "holotranscobalamin_pmol_per_l",
    "haemoglobin": "haemoglobin_g_per_l",
    "mcv": "mcv_fl",
}


def tables(
    deliveries: Sequence[Delivery], cut_off: date, standard: growth.Standard | None = None
) -> dict[str, list[Row]]:
    """Every table by its name, growth only with a standard; of summary.attrition the steps that count anyone."""
    verdicts = identity.verdicts(deliveries)
    everyone = subjects(deliveries, verdicts)
    found: dict[str, list[Row]] = defaultdict(list)
    for subject in everyone:
        evidence = Evidence(subject)
        for name, rows in core.tables(subject, cut_off).items():
            found[name] += rows
        why = reasons.tables(evidence)
        of_case, explanation = _explained(_case(evidence, cut_off), why.pop("research.explanations")[0])
        found["research.cases"].append(of_case)
        found["research.explanations"].append(explanation)
        found["research.follow_up"] += _follow_up(evidence, cut_off)
        if evidence.start is not None and subject.enrolment["person"] == "infant":
            found["research.follow_up_timing"] += timing.rows(Course(evidence, cut_off))
            for name, rows in recovery.tables(Course(evidence, cut_off)).items():
                found[name] += rows
        found["research.recovery"] += _recovery(evidence, cut_off)
        for told in (
            _over_time(evidence, cut_off),
            treatment.tables(evidence, cut_off),
            looks.tables(evidence),
            milestones.tables(evidence),
            markers.tables(evidence, cut_off),
            changes.tables(evidence),
            diffusion.tables(evidence),
            why,
        ):
            for name, rows in told.items():
                found[name] += rows
        found["research.timeline"] += timeline.rows(evidence, deliveries, verdicts)
        found["research.feeding_at_diagnosis"] += diet.at_diagnosis(evidence)
        found["research.screening"] += diet.screening(evidence, cut_off)
        if standard is not None:
            found["research.growth"] += growth.rows(evidence, standard)
    found |= mothers.tables(everyone)
    found["summary.verdicts"] = _verdicts(deliveries, verdicts)
    excluded = {core.key_of(subject): by for subject in everyone if (by := excluded_by(subject))}
    found["summary.attrition"] = attrition.rows(deliveries, verdicts, found, excluded)
    found["summary.scorecard"] = scorecard.rows(dict(found))
    return dict(found)


def lists(deliveries: Sequence[Delivery], cut_off: date) -> dict[str, list[Row]]:
    """The operators' lists, which have dates and are in no release."""
    everyone = subjects(deliveries, identity.verdicts(deliveries))
    return due.tables([Evidence(subject) for subject in everyone], cut_off)


def _verdicts(deliveries: Sequence[Delivery], verdicts: Sequence[str]) -> list[Row]:
    counts = Counter(
        (d.statement.site, d.statement.kind, verdict) for d, verdict in zip(deliveries, verdicts, strict=True)
    )
    return [
        {"site": site, "kind": kind, "verdict": verdict, "deliveries": count}
        for (site, kind, verdict), count in counts.items()
    ]


def _case(evidence: Evidence, cut_off: date) -> Row:
    subject, found = evidence.subject, case(evidence)
    start = evidence.start.age_days if evidence.start else None
    given = [d for d in evidence.doses if start is not None and 0 <= d.age_days - start <= 13]
    baseline = Course(evidence, cut_off).at("baseline") if evidence.start else {}
    return {
        "definition": "default",
        "subject_key": core.key_of(subject),
        "site": subject.site,
        "family_key": core.family_of(subject),
        "group": subject.enrolment["group"],
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
        "baseline_b12_comparator": baseline["b12"].comparator if "b12" in baseline else None,
        **{
            f"baseline_{column}": baseline[analyte].value if analyte in baseline else None
            for analyte, column in UNIT.items()
        },
    }


_WHY = ("alternative", "criteria", "states", "record_keys", "anchor_age_days", "is_index_after_treatment")


def _explained(of_case: Row, explanation: Row) -> tuple[Row, Row]:
    """The class, found once from letters and once from alternatives; each table has something of the other."""
    in_cases = {name: explanation[name] for name in _WHY} | {"class_order": reasons.ORDER[of_case["class"]]}
    explanation = {name: value for name, value in explanation.items() if name != "is_index_after_treatment"}
    return of_case | in_cases, explanation | {name: of_case[name] for name in ("reason", "is_order_assumed")}


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
        "subject_key": core.key_of(course.evidence.subject),
        "site": course.evidence.subject.site,
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
            "subject_key": core.key_of(evidence.subject),
            "site": evidence.subject.site,
            "class": found.case_class,
            "is_primary_case": found.is_primary,
            "dimension": dimension,
            "visit": visit,
            "visit_order": (*VISITS, scans.AFTER).index(visit) + 1,
            "is_at_risk": outcome.is_at_risk,
            "state": outcome.state,
            "reason": outcome.reason,
            "is_reference_band_changed": outcome.is_reference_band_changed,
            "study_day": outcome.study_day,
            "age_days": None if outcome.study_day is None else evidence.start.age_days + outcome.study_day,
        }
        for (dimension, visit), outcome in outcomes(Course(evidence, cut_off)).items()
    ]


def _over_time(evidence: Evidence, cut_off: date) -> dict[str, list[Row]]:
    """Overall outcome, time to recovery and relapse of a treated case."""
    found = case(evidence)
    rows: dict[str, list[Row]] = {"research.recovery_overall": [], "research.time_to_recovery": []}
    rows["research.relapses"] = []
    if evidence.start is None or not found.is_case:
        return rows
    course = Course(evidence, cut_off)
    at_visits = outcomes(course)
    who = {"definition": "default", "subject_key": core.key_of(evidence.subject), "site": evidence.subject.site}
    who |= {"class": found.case_class, "is_primary_case": found.is_primary}
    for visit in VISITS:
        state, reason, at_risk, assessed = together(at_visits, visit)
        seen = {dimension: outcome for (dimension, asked), outcome in at_visits.items() if asked == visit}
        seen.pop("imaging", None)
        told = {"state": state, "reason": reason, "dimensions_at_risk": at_risk, "dimensions_assessed": assessed}
        told |= {
            "visit_order": (*VISITS,).index(visit) + 1,
            "dimensions_recovered": sum(outcome.state == "recovered" for outcome in seen.values()),
            "dimensions_improved": sum(outcome.state == "improved" for outcome in seen.values()),
            "states": [f"{dimension}:{outcome.state}" for dimension, outcome in seen.items()],
            "reasons": [f"{dimension}:{outcome.reason}" for dimension, outcome in seen.items() if outcome.reason],
            "study_day": max((o.study_day for o in seen.values() if o.study_day is not None), default=None),
        }
        rows["research.recovery_overall"].append({**who, "visit": visit, **told})
    for dimension in dict.fromkeys(dimension for dimension, _ in at_visits):
        time = time_to(dimension, course, at_visits)
        rows["research.time_to_recovery"].append(
            {
                **who,
                "dimension": dimension,
                "is_at_risk": time.is_at_risk,
                "event": time.event,
                "lower_study_day": time.lower,
                "upper_study_day": time.upper,
                "looks": time.looks,
                "reason": time.reason,
            }
        )
        if dimension == "biochemical" and time.event == "recovered" and time.upper is not None:
            after = relapse(evidence, course, time.upper)
            told = {"state": after.state, "reason": after.reason}
            told |= {"lower_study_day": after.lower, "upper_study_day": after.upper}
            rows["research.relapses"].append({**who, "recovered_study_day": time.upper, **told})
    return rows
