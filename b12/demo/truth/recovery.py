"""Whether an infant recovered, by dimension, by the definitions' text.

How each dimension is judged is in `follow_up` (blood), `scores`, `signs` and `scans`.
"""

from b12.demo.truth import scans
from b12.demo.truth.cases import Case
from b12.demo.truth.follow_up import VISITS, Course, Outcome
from b12.demo.truth.scores import Scores
from b12.demo.truth.signs import Signs


def outcomes(course: Course, case: Case) -> dict[tuple[str, str], Outcome]:
    """Every dimension at every visit, of a case."""
    if not case.is_case:
        return {}
    scores, signs = Scores(course), Signs(course)
    found = {(d, v): course.outcome(d, v) for d in ("biochemical", "haematological") for v in VISITS}
    found |= {("developmental", visit): scores.outcome(visit) for visit in VISITS}
    found |= {("clinical", visit): signs.outcome(visit) for visit in VISITS}
    return found | {("imaging", scans.AFTER): scans.outcome(course)}
