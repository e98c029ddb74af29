"""What looking again and again tells of milestones and signs, by the definitions' text: when each came and went.

Every infant, treated or not. Whether that is recovery is in `signs`.
"""

from collections import defaultdict

from b12.demo.truth.core import Row, enrolled, key_of
from b12.demo.truth.evidence import Evidence
from b12.demo.truth.records import Subject

_WEIGHT = ("not_yet", "emerging", "achieved", "regained", "lost")
"""Of several words for one milestone on one day the last counts."""


def milestones(evidence: Evidence) -> dict[str, list[Row]]:
    """Attainment of each milestone that was looked for, and each loss of one."""
    subject = evidence.subject
    looks: dict[str, dict[int, str]] = defaultdict(dict)
    for said in subject.of("milestone"):
        day = subject.age(said["observed"])
        before = looks[said["code"]].get(day, said["status"])
        looks[said["code"]][day] = max(before, said["status"], key=_WEIGHT.index)
    found: dict[str, list[Row]] = {"research.milestone_attainment": [], "research.milestone_losses": []}
    for code, by_day in looks.items():
        found["research.milestone_attainment"].append(_attainment(subject, code, by_day))
        found["research.milestone_losses"] += _losses(evidence, code, by_day)
    return found


def _attainment(subject: Subject, code: str, by_day: dict[int, str]) -> Row:
    had = [day for day in sorted(by_day) if by_day[day] in ("achieved", "regained", "lost")]
    before = [day for day in by_day if had and day < had[0]]
    correction = enrolled(subject, subject.birth)["age_correction_days"]
    after, by = (max(before, default=0), had[0]) if had else (None, None)
    return {
        "subject_key": key_of(subject),
        "site": subject.site,
        "code": code,
        "state": _state(by_day),
        "attained_after_age_days": after,
        "attained_by_age_days": by,
        "attained_after_corrected_age_days": 0 if after == 0 else _less(after, correction),
        "attained_by_corrected_age_days": _less(by, correction),
        "looks": len(by_day),
        "first_look_age_days": min(by_day),
        "last_look_age_days": max(by_day),
        "losses": len(_spans(by_day)),
    }


def _less(age: int | None, correction: int | None) -> int | None:
    return None if age is None or correction is None else age - correction


def _state(by_day: dict[int, str]) -> str:
    """How the last look found it."""
    days = sorted(by_day)
    last = by_day[days[-1]]
    if last == "lost" or (last in ("not_yet", "emerging") and any(end is None for _, end in _spans(by_day))):
        return "lost"
    if last in ("not_yet", "emerging"):
        return "contradicted" if {"achieved", "regained"} & set(by_day.values()) else "not_yet"
    return "regained" if "lost" in by_day.values() or last == "regained" else "attained"


def _spans(by_day: dict[int, str]) -> list[tuple[int, int | None]]:
    """Each loss: the day it was found, and the day on which it was there again."""
    spans: list[tuple[int, int | None]] = []
    for day in sorted(by_day):
        is_open = bool(spans) and spans[-1][1] is None
        if by_day[day] == "lost" and not is_open:
            spans.append((day, None))
        elif by_day[day] in ("achieved", "regained") and is_open:
            spans[-1] = (spans[-1][0], day)
    return spans


def _losses(evidence: Evidence, code: str, by_day: dict[int, str]) -> list[Row]:
    start = evidence.start.age_days if evidence.start else None
    held = [day for day, status in by_day.items() if status in ("achieved", "regained")]
    return [
        {
            "subject_key": key_of(evidence.subject),
            "site": evidence.subject.site,
            "code": code,
            "state": "lost" if back is None else "regained",
            "lost_after_age_days": max((day for day in held if day < lost), default=None),
            "lost_by_age_days": lost,
            "lost_by_study_day": None if start is None else lost - start,
            "regained_after_age_days": max(day for day in by_day if lost <= day and (back is None or day < back)),
            "regained_by_age_days": back,
        }
        for lost, back in _spans(by_day)
    ]


def symptoms(evidence: Evidence) -> list[Row]:
    """Each time that a sign came: seen on days without one between them on which it was not there."""
    subject = evidence.subject
    looks: dict[str, dict[int, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for said in subject.of("symptom"):
        looks[said["code"]][subject.age(said["observed"])].append(said)
    found = []
    for code, by_day in looks.items():
        seen: list[int] = []
        for day in [*sorted(by_day), None]:
            if day is not None and any(said["status"] == "present" for said in by_day[day]):
                seen.append(day)
            elif seen:
                found.append(_episode(evidence, code, by_day, seen, day))
                seen = []
    return found


def _episode(evidence: Evidence, code: str, by_day: dict[int, list[Row]], seen: list[int], gone: int | None) -> Row:
    start = evidence.start.age_days if evidence.start else None
    told = [said for day in seen for said in by_day[day] if said["status"] == "present"]
    absent = max((day for day in by_day if day < seen[0]), default=None)
    onset = min((evidence.subject.age(said["onset"]) for said in told if said.get("onset")), default=None)
    worst = [grade for grade in ("severe", "moderate", "mild") if any(said.get("severity") == grade for said in told)]
    return {
        "subject_key": key_of(evidence.subject),
        "site": evidence.subject.site,
        "code": code,
        "present_from_age_days": seen[0],
        "present_to_age_days": seen[-1],
        "days_seen": len(seen),
        "worst_severity": worst[0] if worst else None,
        "onset_after_age_days": absent,
        "onset_reported_age_days": onset,
        "began": _began(start, seen[0], absent, onset),
        "state": "present" if gone is None else "resolved",
        "resolved_by_age_days": gone,
        "resolved_by_study_day": None if None in (gone, start) else gone - start,
    }


def _began(start: int | None, seen: int, absent: int | None, onset: int | None) -> str:
    if start is None:
        return "untreated"
    if onset is not None and not (absent or -1) < onset <= seen:
        onset = None  # it does not lie within what was seen
    earliest = onset if onset is not None else None if absent is None else absent + 1
    latest = onset if onset is not None else seen
    if latest <= start:
        return "before_treatment"
    return "under_treatment" if earliest is not None and earliest > start else "undecided"
