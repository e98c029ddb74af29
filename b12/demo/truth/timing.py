"""Whether what was asked for came in its window, before it or after it, by the definitions' text.

What was found there belongs in `follow_up`.
"""

from b12.demo.truth.core import Row, key_of
from b12.demo.truth.follow_up import VISITS, Course


def rows(course: Course) -> list[Row]:
    """Each visit of a treated infant; a draw outside every window belongs to the nearest, else to the one before."""
    beside: dict[str, set[int]] = {visit: set() for visit in VISITS}
    for day in {course.day(result) for result in course.unscheduled}:
        if day > 0:
            beside[min(VISITS, key=lambda visit: _distance(day, visit))].add(day)
    return [_row(course, visit, order, beside[visit]) for order, visit in enumerate(VISITS, 1)]


def _distance(day: int, visit: str) -> int:
    first, last, _ = VISITS[visit]
    return max(first - day, day - last)


def _row(course: Course, visit: str, order: int, beside: set[int]) -> Row:
    first, last, target = VISITS[visit]
    early = max((day for day in beside if day < first), default=None)
    late = min((day for day in beside if day > last), default=None)
    state, _ = course.visit_state(visit)
    if state == "missed":
        state = "late" if late is not None else "early" if early is not None else "missed"
    return {
        "subject_key": key_of(course.evidence.subject),
        "site": course.evidence.subject.site,
        "visit": visit,
        "visit_order": order,
        "state": state,
        "from_day": first,
        "to_day": last,
        "target_day": target,
        "in_window_study_day": min((course.day(result) for result in course.at(visit).values()), default=None),
        "early_study_day": early,
        "late_study_day": late,
    }
