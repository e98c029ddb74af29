"""What each result says, what had been given before it and to which visit it belongs, by the definitions' text.

Which class follows belongs in `cases`, what a visit tells of recovery in `follow_up`.
"""

from collections import defaultdict
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from b12.demo.truth.core import Row, key_of, rank
from b12.demo.truth.evidence import Evidence, above, below, haemoglobin_cut_off, mma_limit, unusable
from b12.demo.truth.follow_up import LEFT, Course
from b12.demo.truth.keys import Key
from b12.demo.truth.records import B12_COMPOUNDS, CANONICAL, Result


class Reading(NamedTuple):
    """A criterion that has a cut-off at the age of a result."""

    state: bool | None
    """None: a bound does not decide."""
    limits: str
    thresholds: tuple[str, ...]
    statuses: tuple[str, ...] = ("cited",)


def tests(evidence: Evidence, result: Result) -> dict[str, Reading]:
    """What a usable result says of each criterion; of the mother one is read, of a comparator none."""
    person, analyte, age = result.said["person"], result.analyte, result.age_months
    if person == "mother":
        deficient = Reading(below(result, 148), "< 148", ("mother_b12_deficient",))
        return {"mother_b12_deficient": deficient} if analyte == "b12" else {}
    if person != "infant":
        return {}
    if analyte == "b12":
        low = (_not(below(result, 148)), below(result, 221))
        return {
            "b12_deficient": Reading(below(result, 148), "< 148", ("b12_deficient",)),
            "b12_low": Reading(_both(*low), ">= 148 and < 221", ("b12_low_from", "b12_low_to")),
        }
    if analyte == "homocysteine":
        return {
            "homocysteine_raised": Reading(_not(below(result, 10)), ">= 10", ("homocysteine_raised",)),
            "homocysteine_above_target": Reading(
                above(result, Decimal("6.5")), "> 6.5", ("homocysteine_above_target",)
            ),
        }
    if analyte == "mma":
        limit = mma_limit(age)
        name = "mma_raised_infant" if age < 12 else "mma_raised_child"
        return {"mma_raised": Reading(above(result, limit), f"> {limit.normalize()}", (name,))}
    if analyte == "holotranscobalamin" and 2 <= age < 24:
        return {"holotranscobalamin_low": Reading(below(result, 40), "< 40", ("holotranscobalamin_low",))}
    if analyte == "haemoglobin" and (cut := haemoglobin_cut_off(age)) is not None:
        name = "anaemia_6_to_23_months" if age < 24 else "anaemia_24_to_59_months"
        return {"anaemia": Reading(evidence.anaemic(result), f"< {cut}", (name,))}
    if analyte == "mcv":
        return {"macrocytosis": Reading(above(result, 95), "> 95", ("macrocytosis",))}
    if analyte == "folate":
        folate = Reading(below(result, Decimal("6.8")), "< 6.8", ("folate_low",), ("proposed",))
        return {"folate_low": folate}
    return {}


def _not(told: bool | None) -> bool | None:
    return None if told is None else not told


def _both(one: bool | None, other: bool | None) -> bool | None:
    return False if False in (one, other) else None if None in (one, other) else True


def tables(evidence: Evidence, cut_off: date) -> dict[str, list[Row]]:
    """The results of markers, the draws, the doses that count as given, and who left."""
    usable = [result for result in evidence.subject.results if unusable(result) is None]
    own = [result for result in evidence.subject.results if result.said["person"] == "infant"]
    draws: dict[tuple[int, int | None], list[Result]] = defaultdict(list)
    for result in own:
        draws[result.age_days, result.minute].append(result)
    drawn = {at: _draw(evidence, at, results) for at, results in draws.items()}
    markers = [_marker(evidence, result, drawn[result.age_days, result.minute]) for result in own]
    is_followed = evidence.start is not None and evidence.subject.enrolment["person"] == "infant"
    return {
        "research.marker_states": [_states(evidence, result) for result in usable],
        "research.criterion_tests": [row for result in usable for row in _tested(evidence, result)],
        "research.draws": list(drawn.values()),
        "research.markers": markers,
        "research.visit_markers": _visits(Course(evidence, cut_off), markers) if is_followed else [],
        "research.b12_doses": _doses(evidence),
        "research.closings": _closings(evidence),
    }


def compared(evidence: Evidence, result: Result) -> Decimal:
    """The value as at sea level."""
    is_adjusted = result.analyte == "haemoglobin"
    value = result.value - (evidence.elevation_adjustment if is_adjusted else 0)
    return value.quantize(Decimal("1e-12"), ROUND_HALF_UP)


def record_of(result: Result) -> Key:
    """Its key."""
    return Key("record", result.by.statement.site, result.by.record)


def _states(evidence: Evidence, result: Result) -> Row:
    found = tests(evidence, result)
    return {
        "record_key": record_of(result),
        "subject_key": key_of(evidence.subject),
        "person": result.said["person"],
        "analyte": result.analyte,
        "age_days": result.age_days,
        "age_months": result.age_months,
        "value_compared": compared(evidence, result),
        **_lists(found),
    }


def _lists(found: dict[str, Reading]) -> Row:
    return {
        name: sorted(criterion for criterion, test in found.items() if test.state is state)
        for name, state in (("met", True), ("not_met", False), ("undecided", None))
    }


def _tested(evidence: Evidence, result: Result) -> list[Row]:
    state = _states(evidence, result)
    return [
        {
            **{name: state[name] for name in ("record_key", "subject_key", "person", "analyte", "age_days")},
            "age_months": result.age_months,
            "site": evidence.subject.site,
            "criterion": criterion,
            "state": {True: "true", False: "false", None: "unknown"}[test.state],
            "value_reported": result.said["value"],
            "unit_reported": result.said["unit"],
            "value": result.value,
            "unit": CANONICAL[result.analyte],
            "comparator": result.comparator,
            "value_compared": state["value_compared"],
            "limits": test.limits,
            "thresholds": [f"{name} v1" for name in test.thresholds],
            "threshold_statuses": list(test.statuses),
        }
        for criterion, test in tests(evidence, result).items()
    ]


# Draws


def _draw(evidence: Evidence, at: tuple[int, int | None], results: list[Result]) -> Row:
    (day, minute), of = at, results[0]
    doses = [dose.age_days for dose in evidence.doses if dose.before(of)]
    hers = [dose.age_days for dose in evidence.mothers_doses if dose.before(of)]
    blood = [age for age in evidence.transfusions if age < day]
    counted = {r.analyte for r in results if unusable(r) is None} & {"b12", "homocysteine", "mma"}
    exposures = {
        "infant_dose": bool(doses) and day - max(doses) <= 180,
        "mother_dose": bool(hers) and day - max(hers) <= 90,
        "transfusion": bool(blood) and day - max(blood) <= 90,
        "feeding": evidence.fed_formula(day),
    }
    exposure = next((name for name, is_exposed in exposures.items() if is_exposed), None)
    that_day = [dose.minute for dose in evidence.doses if dose.age_days == day]
    return {
        "subject_key": key_of(evidence.subject),
        "site": evidence.subject.site,
        "age_days": day,
        "minute_of_day": minute,
        "counted_markers": len(counted),
        "days_since_last_dose": day - max(doses) if doses else None,
        "days_since_transfusion": day - max(blood) if blood else None,
        "exposure": exposure,
        "is_exposed": exposure is not None,
        "is_order_assumed": bool(that_day) and (minute is None or that_day == [None] * len(that_day)),
    }


def _marker(evidence: Evidence, result: Result, draw: Row) -> Row:
    reason = unusable(result)
    read = _states(evidence, result) if reason is None else {}
    about = ("counted_markers", "days_since_last_dose", "days_since_transfusion", "exposure", "is_exposed")
    reason = reason or evidence.not_read(result)
    return {
        "record_key": record_of(result),
        "subject_key": key_of(evidence.subject),
        "site": evidence.subject.site,
        "analyte": result.analyte,
        "age_days": result.age_days,
        "age_months": result.age_months,
        "minute_of_day": result.minute,
        "value": result.value,
        "comparator": result.comparator,
        "unit": CANONICAL[result.analyte],
        "specimen": result.said["specimen"],
        "event_time_rank": rank(evidence.subject, result),
        "is_usable": reason is None,
        "unusable_reason": reason,
        **{name: read.get(name) for name in ("value_compared", "met", "not_met", "undecided")},
        "study_day": result.age_days - evidence.start.age_days if evidence.start else None,
        **{name: draw[name] for name in about},
        "is_order_assumed": draw["is_order_assumed"],
    }


# Visits


def _visits(course: Course, markers: list[Row]) -> list[Row]:
    told = {row["record_key"]: row for row in markers}
    copied = ("record_key", "subject_key", "site", "analyte", "study_day", "age_days", "age_months", "value")
    copied += ("value_compared", "comparator", "unit", "met", "not_met", "undecided", "days_since_last_dose")
    rows = []
    for result in course.placed:
        row, visit = told[record_of(result)], course.place(result)
        is_chosen = visit not in ("post_dose", "unscheduled") and course.at(visit)[result.analyte] is result
        is_lost = result.is_blood_count and -30 <= course.day(result) <= 3 and course.is_transfused(result)
        rows.append(
            {
                **{name: row[name] for name in copied},
                "visit": visit,
                "is_chosen": is_chosen,
                "is_transfused": course.is_transfused(result),
                "is_baseline_lost": is_lost,
                "is_order_assumed": row["is_order_assumed"],
            }
        )
    return rows


# Doses, and who left


def _doses(evidence: Evidence) -> list[Row]:
    subject = evidence.subject
    rows = []
    for by in subject.by("dose"):
        said = by.statement.data
        if said["status"] == "given" and said["compound"] in B12_COMPOUNDS:
            purpose = said.get("purpose")
            rows.append(
                {
                    "record_key": Key("record", subject.site, by.record),
                    "subject_key": key_of(subject),
                    "site": subject.site,
                    **{name: said.get(name) for name in ("person", "compound", "route", "ug", "purpose")},
                    "is_therapeutic": purpose == "therapeutic" or (purpose is None and said["ug"] >= 100),
                    "age_days": subject.age(said["given"]),
                    "minute_of_day": said["given"].minute,
                }
            )
    return rows


def _closings(evidence: Evidence) -> list[Row]:
    subject = evidence.subject
    stood = sorted(subject.of("status"), key=lambda said: said["effective"].date)
    if not stood or stood[-1]["state"] not in LEFT:
        return []
    state = stood[-1]["state"]
    left = {"state": state, "reason": LEFT[state], "closed_age_days": subject.age(stood[-1]["effective"])}
    return [{"subject_key": key_of(subject), "site": subject.site, **left}]
