"""Whether recovery can be seen in scans, by the definitions' text: without norms it never can."""

from b12.demo.truth.follow_up import Course, Outcome

AFTER = "after"
FIRST, LAST = 90, 365


def outcome(course: Course) -> Outcome:
    """There are no norms, so what is told is why nothing can be."""
    subject = course.evidence.subject
    days = {(said["scanned"].date - subject.birth).days - course.start.age_days for said in subject.of("imaging")}
    withdrawn = any(said["status"] == "withdrawn" and "imaging" in said["scopes"] for said in subject.of("consent"))
    before = any(-30 <= day <= 14 for day in days)
    after = min((day for day in days if FIRST <= day <= LAST), default=None)
    reason = "no_norms" if before else "consent_scope" if withdrawn else "no_baseline"
    return Outcome(None, "not_assessable", reason, study_day=after if before else None)
