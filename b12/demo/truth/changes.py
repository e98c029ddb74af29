"""Scores and diffusion metrics beside their baselines, by the definitions' text.

The partners of the cohort note no error of measurement and scan with one scanner; the models' fixtures try the rest.
"""

from collections import defaultdict
from decimal import Decimal

from b12.demo.truth.core import Row, key_of
from b12.demo.truth.evidence import Evidence
from b12.demo.truth.follow_up import VISITS
from b12.demo.truth.keys import Key

_POINTS = Decimal(15)
"""What a change of a composite or a quotient must reach."""
_PLACE = ("atlas", "atlas_version", "region", "side", "method", "metric")


def development(evidence: Evidence) -> list[Row]:
    """Each score, and what it changed since the one nearest to the first dose from 30 days before to 14 after."""
    subject, start = evidence.subject, evidence.start
    rows = []
    for delivery in subject.by("assessment"):
        said = delivery.statement.data
        day = subject.age(said["assessed"]) - start.age_days if start else None
        alike = [
            (subject.age(other["assessed"]) - start.age_days, other)
            for other in subject.of("assessment")
            if start and _scale(other) == _scale(said) and other.get("score") is not None
        ]
        before = min(
            (each for each in alike if -30 <= each[0] <= 14), key=lambda each: (abs(each[0]), each[0]), default=None
        )
        score = said.get("score")
        change = score - before[1]["score"] if before and score is not None and day > before[0] else None
        rows.append(
            {
                "subject_key": key_of(subject),
                "site": subject.site,
                "record_key": Key("record", subject.site, delivery.record),
                **{name: said[name] for name in ("instrument", "edition", "domain", "score_type", "status")},
                "study_day": day,
                "visit": next((v for v, (first, last, _) in VISITS.items() if day and first <= day <= last), None),
                "score": score,
                "is_baseline": before is not None and before[1] is said,
                "baseline_study_day": before[0] if before else None,
                "baseline_score": before[1]["score"] if before else None,
                "change": change,
                "change_low": None if change is None else change - _POINTS,
                "change_high": None if change is None else change + _POINTS,
                "direction": None if change is None else _direction(change, said, before[1]),
                "reason": "untestable" if said["status"] == "untestable" else None if before else "no_baseline",
            }
        )
    return rows


def _scale(said: Row) -> tuple[str, ...]:
    return said["instrument"], said["edition"], said["domain"], said["score_type"]


def _direction(change: Decimal, said: Row, before: Row) -> str:
    if said["age_used"] != before["age_used"]:
        return "undecided"
    if abs(change) < _POINTS:
        return "within_error"
    return "better" if change > 0 else "worse"


def diffusion(evidence: Evidence) -> list[Row]:
    """Each metric of a place before and after; means of both sides that were computed are not told."""
    subject, start = evidence.subject, evidence.start
    if start is None or subject.enrolment["person"] != "infant":
        return []
    scans: dict[tuple[int, str], dict[tuple[str, ...], Decimal]] = defaultdict(dict)
    for said in subject.of("imaging"):
        day = subject.age(said["scanned"]) - start.age_days
        scale = 1 if said["metric"] == "fa" else 1000  # 1 um2/ms is 0.001 mm2/s
        scans[day, said["scan"]][tuple(said[name] for name in _PLACE)] = said["value"] / scale
    before = _first(scans, -30, 14, by_metrics=True)
    after = _first(scans, 90, 365, by_metrics=False)
    rows = []
    for place in dict.fromkeys([*scans.get(before, {}), *scans.get(after, {})]):
        one, two = (scans[each].get(place) if each else None for each in (before, after))
        rows.append(
            {
                "subject_key": key_of(subject),
                "site": subject.site,
                **dict(zip(_PLACE, place, strict=True)),
                "before_study_day": before[0] if one is not None else None,
                "after_study_day": after[0] if two is not None else None,
                "before_value": one,
                "after_value": two,
                "change": None if None in (one, two) else two - one,
                "reason": "no_baseline" if one is None else "no_follow_up" if two is None else None,
                "is_in_primary_contrast": None not in (one, two),
            }
        )
    return rows


def _first(scans: dict[tuple[int, str], Row], first: int, last: int, *, by_metrics: bool) -> tuple[int, str] | None:
    """Before treatment the scan with most metrics, of equal ones the earliest; after it the earliest."""
    within = [each for each in scans if first <= each[0] <= last]
    return min(within, key=lambda each: (-len(scans[each]) if by_metrics else 0, each[0]), default=None)
