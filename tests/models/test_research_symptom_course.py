"""Signs as episodes with an onset and a resolution, each an interval.

Treatment starts at 200 days where there is one.
"""

from typing import Any

from tests.models.built import rows
from tests.models.cohort import Cohort
from tests.models.titled import by_title, expected, told

TREMOR = "HP:0001337"
DOSE = "200 dose; "

# onset_after, onset_by, began, resolved_after, resolved_by
STORIES: dict[str, tuple[str, list[tuple[Any, ...]]]] = {
    "at first sight": (DOSE + "199 sign tremor", [(None, 199, "before_treatment", 199, None)]),
    "on the day of the dose": (DOSE + "200 sign tremor", [(None, 200, "before_treatment", 200, None)]),
    "nobody had looked": (DOSE + "201 sign tremor", [(None, 201, "undecided", 201, None)]),
    "absent at the dose": (
        DOSE + "200 sign tremor absent; 205 sign tremor; 228 sign tremor resolved",
        [(200, 205, "under_treatment", 205, 228)],
    ),
    "absent before the dose": (DOSE + "199 sign tremor absent; 205 sign tremor", [(199, 205, "undecided", 205, None)]),
    "seen on several days": (
        "190 sign tremor; 195 sign tremor; 220 sign tremor resolved; 230 sign tremor absent",
        [(None, 190, "untreated", 195, 220)],
    ),
    "it comes back": (
        DOSE + "190 sign tremor; 210 sign tremor resolved; 220 sign tremor",
        [(None, 190, "before_treatment", 190, 210), (210, 220, "under_treatment", 220, None)],
    ),
    "seen and gone on one day": (
        DOSE + "190 sign tremor; 190 sign tremor resolved",
        [(None, 190, "before_treatment", 190, None)],
    ),
    "the mother was treated": ("200 dose mother; 205 sign tremor", [(None, 205, "untreated", 205, None)]),
    "never seen": (DOSE + "190 sign tremor absent", []),
}


def course(cohort: Cohort) -> list[dict[str, Any]]:
    connection = cohort.build("research.symptom_course")
    found = rows(connection, "FROM research.symptom_course ORDER BY subject_key, code, present_from_age_days")
    connection.close()
    return found


def test_each_story_has_its_intervals() -> None:
    cohort = Cohort()
    infants = told(cohort, STORIES)
    with cohort.build("research.symptom_course") as connection:
        found = by_title(connection, infants, "FROM research.symptom_course ORDER BY code, present_from_age_days")
    columns = ("onset_after_age_days", "onset_by_age_days", "began", "resolved_after_age_days", "resolved_by_age_days")
    seen = {title: [tuple(row[name] for name in columns) for row in courses] for title, courses in found.items()}
    assert seen == expected(STORIES)


def test_a_reported_onset_tells_when_a_sign_of_treatment_began() -> None:
    cohort = Cohort()
    for onset in (201, 200, 250):
        infant = cohort.infant().tell("200 dose")
        infant.sign(TREMOR, 220, onset_age_days=onset, severity="mild")
        infant.sign(TREMOR, 225, severity="severe")
    found = course(cohort)
    assert [row["began"] for row in found] == ["under_treatment", "before_treatment", "undecided"]
    assert {(row["worst_severity"], row["days_seen"], row["onset_by_study_day"]) for row in found} == {
        ("severe", 2, 20)
    }
