"""Scores beside their baselines, by the definitions' text.

The partners of the cohort note no error of measurement, no floor and no category; the models' fixtures try the rest.
"""

from decimal import Decimal
from typing import NamedTuple

from b12.demo.statements import Delivery
from b12.demo.truth.core import Row, key_of
from b12.demo.truth.evidence import Evidence
from b12.demo.truth.follow_up import VISITS
from b12.demo.truth.keys import Key
from b12.demo.truth.records import months

_POINTS = Decimal(15)
"""What a change of a composite or a quotient must reach."""
_SCALE = ("instrument", "edition", "domain", "score_type")


class Scored(NamedTuple):
    """One assessment of one domain."""

    by: Delivery
    age_days: int
    study_day: int | None

    @property
    def said(self) -> Row:
        """What it says."""
        return self.by.statement.data

    @property
    def scale(self) -> str:
        """What it may be compared within."""
        return ":".join(self.said[name] for name in _SCALE)

    @property
    def score(self) -> Decimal | None:
        """None: untestable."""
        return self.said.get("score")

    @property
    def record_key(self) -> Key:
        """Its key."""
        return Key("record", self.by.statement.site, self.by.record)


def tables(evidence: Evidence) -> dict[str, list[Row]]:
    """Each score, and what it changed since the one nearest to the first dose from 30 days before to 14 after."""
    start = evidence.start
    scored = [
        Scored(by, age, age - start.age_days if start else None)
        for by in evidence.subject.by("assessment")
        if (age := evidence.subject.age(by.statement.data["assessed"])) is not None
    ]
    rows: dict[str, list[Row]] = {"research.scores": [], "research.development": []}
    for one in scored:
        attempt = _baseline([other for other in scored if other.scale == one.scale])
        before = attempt if attempt and attempt.score is not None else None
        shared = _shared(evidence, one)
        rows["research.scores"].append(
            {
                **shared,
                "scale": one.scale,
                "is_ordinal": False,
                "is_untestable": one.said["status"] == "untestable",
                "has_result": one.score is not None,
                "is_baseline": one is attempt,
                "sem": None,
            }
        )
        rows["research.development"].append({**shared, "is_baseline": one is before, **_changed(one, before)})
    return rows


def _baseline(alike: list[Scored]) -> Scored | None:
    """The result nearest to the first dose, of two equally near the earlier; without one the nearest attempt."""
    within = [
        (each.score is None, abs(each.study_day), each.study_day, each)
        for each in alike
        if each.study_day is not None and -30 <= each.study_day <= 14
    ]
    return min(within, key=lambda each: each[:3])[3] if within else None


def _shared(evidence: Evidence, one: Scored) -> Row:
    subject, said = evidence.subject, one.said
    return {
        "subject_key": key_of(subject),
        "site": subject.site,
        "record_key": one.record_key,
        **{name: said[name] for name in (*_SCALE, "status", "age_used")},
        "age_days": one.age_days,
        "age_months": months(subject.birth, said["assessed"].date),
        "study_day": one.study_day,
        "is_blinded": said["blinded"],
        "score": one.score,
        "comparator": None,
        "category": None,
    }


def _changed(one: Scored, before: Scored | None) -> Row:
    day = one.study_day
    change = None
    if before is not None and before.score is not None and one.score is not None and day > before.study_day:
        change = one.score - before.score
    is_told = change is not None
    has_other_age = before is not None and one.said["age_used"] != before.said["age_used"]
    return {
        "visit": next((v for v, (first, last, _) in VISITS.items() if day and first <= day <= last), None),
        "baseline_record_key": before.record_key if before else None,
        "baseline_study_day": before.study_day if before else None,
        "baseline_score": before.score if before else None,
        "baseline_category": None,
        "change": change,
        "change_comparator": None,
        "margin_from": "points" if is_told else None,
        "margin": _POINTS if is_told else None,
        "change_low": change - _POINTS if change is not None else None,
        "change_high": change + _POINTS if change is not None else None,
        "is_age_basis_changed": has_other_age if is_told else None,
        "direction": None if change is None else "undecided" if has_other_age else _direction(change),
        "reason": "untestable" if one.said["status"] == "untestable" else None if before else "no_baseline",
    }


def _direction(change: Decimal) -> str:
    if abs(change) < _POINTS:
        return "within_error"
    return "better" if change > 0 else "worse"
