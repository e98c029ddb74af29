"""What looking again and again tells of signs, by the definitions' text: when each was seen, came and went.

Every infant, treated or not. Whether that is recovery is in `signs`.
"""

from collections import defaultdict
from typing import Any

from b12.demo.statements import Delivery
from b12.demo.truth.core import Row, key_of
from b12.demo.truth.evidence import MAJOR, MINOR, Evidence
from b12.demo.truth.keys import Key, Least
from b12.demo.truth.records import Subject, months

_GRADES = ("severe", "moderate", "mild")

Reports = dict[int, list[Delivery]]
"""What was said of one sign, by age in days."""


def tables(evidence: Evidence) -> dict[str, list[Row]]:
    """Each look for a sign, each sight of one, and each time that one came."""
    found: dict[str, list[Row]] = defaultdict(list)
    for code, reports in _reports(evidence.subject).items():
        looks = [_look(evidence, code, reports, day) for day in sorted(reports)]
        found["research.sign_looks"] += looks
        found["research.signs_course"] += [_sight(look) for look in looks if look["is_present"]]
        found["research.symptom_course"] += _episodes(evidence, code, reports)
    return found


def _reports(subject: Subject) -> dict[str, Reports]:
    found: dict[str, Reports] = defaultdict(lambda: defaultdict(list))
    for by in subject.by("symptom"):
        said = by.statement.data
        found[said["code"]][subject.age(said["observed"])].append(by)
    return found


def _present(reports: list[Delivery]) -> list[Delivery]:
    return [by for by in reports if by.statement.data["status"] == "present"]


def _of(evidence: Evidence, code: str) -> Row:
    return {
        "subject_key": key_of(evidence.subject),
        "site": evidence.subject.site,
        "code": code,
        "sign_class": "major" if code in MAJOR else "minor" if code in MINOR else "mri",
    }


def _values(reports: list[Delivery], name: str) -> list[Any]:
    return [value for by in reports if (value := by.statement.data.get(name)) is not None]


def _records(site: str, reports: list[Delivery]) -> Least:
    return Least(tuple(Key("record", site, by.record) for by in reports))


def _look(evidence: Evidence, code: str, reports: Reports, day: int) -> Row:
    subject, seen = evidence.subject, _present(reports[day])
    absent = [age for age in reports if not _present(reports[age])]
    moment = reports[day][0].statement.data["observed"]
    return {
        **_of(evidence, code),
        "age_days": day,
        "age_months": months(subject.birth, moment.date),
        "study_day": day - evidence.start.age_days if evidence.start else None,
        "is_present": bool(seen),
        "onset_age_days": min(map(subject.age, _values(seen, "onset")), default=None),
        "severities": sorted(set(_values(seen, "severity"))),
        "absent_before_age_days": max((age for age in absent if age < day), default=None),
        "absent_after_age_days": min((age for age in absent if age > day), default=None),
        "record_key": _records(subject.site, seen or reports[day]),
    }


def _sight(look: Row) -> Row:
    """A look that found it; how long it lasted is told by the next that did not."""
    left_out = ("is_present", "severities", "absent_before_age_days", "absent_after_age_days")
    kept = {name: value for name, value in look.items() if name not in left_out}
    return kept | {"gone_age_days": look["absent_after_age_days"]}


def _episodes(evidence: Evidence, code: str, reports: Reports) -> list[Row]:
    """Each time that a sign came: seen on days without one between them on which it was not there."""
    found = []
    seen: list[int] = []
    for day in [*sorted(reports), None]:
        if day is not None and _present(reports[day]):
            seen.append(day)
        elif seen:
            found.append(_episode(evidence, code, reports, seen, day))
            seen = []
    return found


def _episode(evidence: Evidence, code: str, reports: Reports, seen: list[int], gone: int | None) -> Row:
    subject, start = evidence.subject, evidence.start.age_days if evidence.start else None
    told = [by for day in seen for by in _present(reports[day])]
    absent = max((day for day in reports if day < seen[0]), default=None)
    onset = min(map(subject.age, _values(told, "onset")), default=None)
    return {
        **_of(evidence, code),
        "present_from_age_days": seen[0],
        "present_to_age_days": seen[-1],
        "days_seen": len(seen),
        "worst_severity": min(_values(told, "severity"), key=_GRADES.index, default=None),
        "onset_after_age_days": absent,
        "onset_by_age_days": seen[0],
        "onset_reported_age_days": onset,
        "onset_by_study_day": None if start is None else seen[0] - start,
        "began": _began(start, seen[0], absent, onset),
        "state": "present" if gone is None else "resolved",
        "resolved_after_age_days": seen[-1],
        "resolved_by_age_days": gone,
        "resolved_by_study_day": None if gone is None or start is None else gone - start,
        "record_keys": [_records(subject.site, _present(reports[day])) for day in seen],
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
