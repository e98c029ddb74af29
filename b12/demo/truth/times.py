"""When each dimension first recovered, whether deficiency came back, and the dimensions together, by the text.

How a dimension is judged at a visit belongs in `follow_up`, `scores` and `signs`; here it is asked day by day.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from b12.demo.truth.evidence import TOGETHER, Evidence
from b12.demo.truth.follow_up import BLOOD_COUNT, VISITS, Course, Outcome
from b12.demo.truth.records import Result
from b12.demo.truth.scores import Scores
from b12.demo.truth.signs import Signs

Outcomes = Mapping[tuple[str, str], Outcome]
Answer = Callable[[int], bool | None]
"""Whether the infant had recovered on a study day; None: not known."""


@dataclass(frozen=True)
class Time:
    """Until one dimension first recovered, in study days."""

    is_at_risk: bool | None
    event: str | None
    lower: int | None
    upper: int | None
    looks: int
    reason: str | None


@dataclass(frozen=True)
class Relapse:
    """What was found after biochemical recovery."""

    state: str
    lower: int
    upper: int | None
    reason: str | None


def time_to(dimension: str, course: Course, outcomes: Outcomes) -> Time:
    """The interval in which a dimension first recovered."""
    at_visits = [outcome for (asked, _), outcome in outcomes.items() if asked == dimension]
    first = at_visits[0]
    if dimension == "imaging":
        return Time(None, None, None, None, 0, first.reason)
    known = _looks(dimension, course, at_visits)
    if not first.is_at_risk or first.reason == "baseline_post_dose":
        reason = first.reason if first.is_at_risk is not False else None
        return Time(first.is_at_risk, None, None, None, len(known), reason)
    recovered = min((day for day, has in known.items() if has), default=None)
    before = [day for day, has in known.items() if not has and (recovered is None or day < recovered)]
    lower = max([0, _baseline_day(dimension, course), *before])
    if recovered is not None:
        return Time(True, "recovered", lower, recovered, len(known), None)
    left = course.left
    if left and left[0] == "died":
        return Time(True, "died", left[1], left[1], len(known), None)
    ended = left[0] if left and left[1] <= VISITS["months_12"][1] else None
    return Time(True, "censored", lower, None, len(known), ended or (None if known else "no_follow_up"))


def _looks(dimension: str, course: Course, at_visits: list[Outcome]) -> dict[int, bool]:
    """Every day that tells; what a day leaves open, a visit that ends on it may tell."""
    days, answer = _asked(dimension, course)
    found = {}
    for day in days:
        told = answer(day)
        if told is None:
            told = next(
                (
                    outcome.state == "recovered"
                    for outcome in at_visits
                    if outcome.study_day == day and outcome.state in ("recovered", "improved", "not_recovered")
                ),
                None,
            )
        if told is not None:
            found[day] = told
    return found


def _asked(dimension: str, course: Course) -> tuple[set[int], Answer]:
    if dimension == "clinical":
        signs = Signs(course)
        return {day for looks in signs.looks.values() for day in looks if day > 0}, lambda day: _signs(signs, day)
    if dimension == "developmental":
        scores = Scores(course)
        return _scored_days(scores), lambda day: _scores(scores, day)
    return _measured_days(dimension, course), lambda day: _blood(dimension, course, day)


def _baseline_day(dimension: str, course: Course) -> int:
    if dimension == "clinical":
        return 0
    if dimension == "developmental":
        return max((day for day, said in _low(Scores(course)).values()), default=0)
    return max((course.day(r) for r in _abnormal(dimension, course).values()), default=0)


# Blood


def _markers(dimension: str) -> tuple[str, ...]:
    return ("homocysteine", "mma") if dimension == "biochemical" else BLOOD_COUNT


def _abnormal(dimension: str, course: Course) -> dict[str, Result]:
    before = course.at("baseline")
    return {m: before[m] for m in _markers(dimension) if m in before and course.is_abnormal(before[m])}


def _later(marker: str, course: Course) -> list[Result]:
    """Of one marker, after its baseline."""
    before = course.at("baseline").get(marker)
    since = max(0, course.day(before)) if before else 0
    return [r for r in course.evidence.usable if r.analyte == marker and course.day(r) > since]


def _measured_days(dimension: str, course: Course) -> set[int]:
    since = max(0, _baseline_day(dimension, course))
    days = {course.day(r) for marker in _markers(dimension) for r in _later(marker, course)}
    return {day for day in days if day > since} if _abnormal(dimension, course) else set()


def _blood(dimension: str, course: Course, day: int) -> bool | None:
    needed = set(_abnormal(dimension, course)) | ({"haemoglobin"} if dimension == "haematological" else set())
    asked = set(_markers(dimension)) if dimension == "biochemical" else needed
    latest = {}
    for marker in _markers(dimension):
        near = [r for r in _later(marker, course) if day - TOGETHER <= course.day(r) <= day]
        if near:
            latest[marker] = max(near, key=lambda r: (course.day(r), *course.standing(r)))
    if dimension == "haematological" and any(course.is_transfused(r) for r in latest.values()):
        return None
    found = {marker: course.is_abnormal(result) for marker, result in latest.items() if marker in asked}
    if True in found.values():
        return False
    return True if all(found.get(marker) is False for marker in needed) else None


# Scores


def _low(scores: Scores) -> dict[tuple[str, str, str, str], tuple[int, dict[str, object]]]:
    found = {scale: scores.near(scale, -30, 14, 0) for scale in scores.scores}
    return {s: b for s, b in found.items() if b and b[1].get("score") is not None and b[1]["score"] < 85}


def _scored_days(scores: Scores) -> set[int]:
    return {
        day
        for scale, (since, _) in _low(scores).items()
        for day, said in scores.scores[scale]
        if day > max(0, since) and said.get("score") is not None
    }


def _scores(scores: Scores, day: int) -> bool | None:
    told = []
    for scale, (since, _) in _low(scores).items():
        near = [
            (d, said["score"])
            for d, said in scores.scores[scale]
            if max(since, 0, day - TOGETHER - 1) < d <= day and said.get("score") is not None
        ]
        told.append(max(near)[1] >= 85 if near else None)
    if False in told:
        return False
    return None if None in told else True


# Signs


def _signs(signs: Signs, day: int) -> bool | None:
    before = signs.before()
    if not before:
        return None
    told = []
    for code in before | signs.tremor_of_treatment(day):
        latest = max(d for d in signs.looks[code] if d <= day)
        there = signs.is_there(signs.looks[code][latest])
        told.append(True if not there else False if latest == day else None)
    if False in told:
        return False
    return None if None in told else True


# Relapse, and all together


def relapse(evidence: Evidence, course: Course, recovered: int) -> Relapse:
    """L, H or M after the first biochemical recovery."""
    told: dict[int, bool] = {}
    for r in evidence.usable:
        if r.analyte in ("b12", "homocysteine", "mma") and course.day(r) > recovered:
            met = r in evidence.deficient or r in evidence.high_homocysteine or r in evidence.raised_mma
            told[course.day(r)] = told.get(course.day(r), False) or met
    if not told:
        return Relapse("not_assessable", recovered, None, "no_follow_up")
    back = min((day for day, met in told.items() if met), default=None)
    well = max((day for day in told if back is None or day < back), default=recovered)
    return Relapse("no_relapse" if back is None else "relapsed", well, back, None)


def together(outcomes: Outcomes, visit: str) -> tuple[str, str | None, int, int]:
    """All dimensions but imaging: the state, why there is none, how many were at risk and assessed."""
    at = {dimension: outcome for (dimension, asked), outcome in outcomes.items() if asked == visit}
    at.pop("imaging", None)
    at_risk = [o for o in at.values() if o.is_at_risk]
    assessed = [o for o in at_risk if o.state != "not_assessable"]
    missing = at["biochemical"].reason
    if not missing and at["developmental"].reason and at["clinical"].reason:
        first, second = at["developmental"], at["clinical"]
        missing = second.reason if second.is_at_risk and not first.is_at_risk else first.reason
    if not missing and at_risk and not assessed:
        missing = at_risk[0].reason
    if missing:
        return "not_assessable", missing, len(at_risk), len(assessed)
    if not at_risk:
        return "not_affected", None, 0, 0
    states = {o.state for o in assessed}
    state = "full" if states == {"recovered"} else "partial" if states & {"recovered", "improved"} else "none"
    return state, None, len(at_risk), len(assessed)
