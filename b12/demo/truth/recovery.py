"""Whether an infant recovered, by dimension, by the definitions' text.

How each dimension is judged is in `follow_up` (blood), `scores`, `signs` and `scans`.
"""

from b12.demo.truth import scans
from b12.demo.truth.core import Row, key_of
from b12.demo.truth.follow_up import VISITS, Course, Outcome
from b12.demo.truth.scores import Scores
from b12.demo.truth.signs import Signs

_TABLES = {
    "biochemical": "research.recovery_blood",
    "haematological": "research.recovery_blood",
    "developmental": "research.recovery_developmental",
    "clinical": "research.recovery_clinical",
    "imaging": "research.recovery_imaging",
}


def outcomes(course: Course) -> dict[tuple[str, str], Outcome]:
    """Every dimension at every visit."""
    scores, signs = Scores(course), Signs(course)
    found = {(d, v): course.outcome(d, v) for d in ("biochemical", "haematological") for v in VISITS}
    found |= {("developmental", visit): scores.outcome(visit) for visit in VISITS}
    found |= {("clinical", visit): signs.outcome(visit) for visit in VISITS}
    return found | {("imaging", scans.AFTER): scans.outcome(course)}


def tables(course: Course) -> dict[str, list[Row]]:
    """Each dimension of a treated infant, case or not; the visits; and what was looked for."""
    subject = course.evidence.subject
    who = {"subject_key": key_of(subject), "site": subject.site}
    found: dict[str, list[Row]] = {name: [] for name in _TABLES.values()}
    for (dimension, visit), outcome in outcomes(course).items():
        row = {
            **who,
            "dimension": dimension,
            "visit": visit,
            "is_at_risk": outcome.is_at_risk,
            "state": outcome.state,
            "reason": outcome.reason,
            "study_day": outcome.study_day,
        }
        if _TABLES[dimension] == "research.recovery_blood":
            row["is_reference_band_changed"] = outcome.is_reference_band_changed
        found[_TABLES[dimension]].append(row)
    spans = [(visit, *VISITS[visit], False) for visit in VISITS]
    spans.append((scans.AFTER, scans.FIRST, scans.LAST, scans.FIRST, True))
    found["research.recovery_visits"] = [
        {
            **who,
            "visit": visit,
            "visit_order": order,
            "is_imaging": is_imaging,
            "from_day": first,
            "to_day": last,
            "target_day": target,
            "absent_reason": course.absent_until(last),
        }
        for order, (visit, first, last, target, is_imaging) in enumerate(spans, 1)
    ]
    return found | {"research.clinical_looks": _looks(course)}


def _looks(course: Course) -> list[Row]:
    signs = Signs(course)
    return [
        {
            "subject_key": key_of(course.evidence.subject),
            "item": "sign" if ":" in code else "milestone",
            "code": code,
            "study_day": day,
            "is_abnormal": signs.is_there(said),
            "is_to_recover": bool(said & {"present", "lost"}),
            "onset_study_day": signs.onsets.get((code, day)),
            "gone_study_day": min(
                (later for later, found in looks.items() if later > day and not signs.is_there(found)), default=None
            ),
        }
        for code, looks in signs.looks.items()
        for day, said in looks.items()
    ]
