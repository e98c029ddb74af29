"""Clinical recovery: which signs and milestones are to recover, and when each has.

Treatment starts at 200 days in every story, so study day 90 is age 290.
"""

from typing import Any

import pytest

from tests.models.cohort import Cohort
from tests.models.stories import SIGNS
from tests.models.titled import answers, expected, recoveries, told

CASE = "200 dose; 199 b12=100 homocysteine=20; "
TREMOR = CASE + "199 sign tremor; "
LOST = CASE + "199 sign tremor absent; 199 milestone rolling lost; "

AT_3_MONTHS = {
    "gone": (TREMOR + "290 sign tremor resolved", "recovered"),
    "still there": (TREMOR + "290 sign tremor", "not_recovered"),
    "absent at the visit": (TREMOR + "290 sign tremor absent", "recovered"),
    "gone before the visit, and seen at it": (
        TREMOR + "230 sign tremor resolved; 290 milestone rolling achieved",
        "recovered",
    ),
    "gone before, and not seen at the visit": (TREMOR + "230 sign tremor resolved", "out_of_window"),
    "gone, and come again": (TREMOR + "230 sign tremor resolved; 290 sign tremor", "not_recovered"),
    "come again between, and not looked for": (
        TREMOR + "230 sign tremor resolved; 240 sign tremor; 290 milestone rolling achieved",
        "no_follow_up",
    ),
    "of two looks the one nearer to day 90": (TREMOR + "280 sign tremor; 291 sign tremor resolved", "recovered"),
    "of two equally near the earlier": (TREMOR + "289 sign tremor; 291 sign tremor resolved", "not_recovered"),
    "seen and gone on one day": (TREMOR + "290 sign tremor; 290 sign tremor resolved", "not_recovered"),
    "one of two is gone": (TREMOR + "199 sign pallor; 290 sign tremor; 290 sign pallor resolved", "not_recovered"),
    "one of two is not looked for": (TREMOR + "199 sign pallor; 290 sign pallor resolved", "no_follow_up"),
    "30 days before": (CASE + "170 sign tremor; 290 sign tremor resolved", "recovered"),
    "31 days before": (CASE + "169 sign tremor; 290 sign tremor resolved", "no_baseline"),
    "gone before the first dose": (CASE + "180 sign tremor; 190 sign tremor resolved; 290 sign tremor", "not_affected"),
    "gone the day after the first dose": (TREMOR + "201 sign tremor resolved; 290 sign tremor absent", "recovered"),
    "seen on day 3": (CASE + "203 sign hypotonia; 290 sign hypotonia resolved", "recovered"),
    "seen on day 4": (CASE + "204 sign hypotonia; 290 sign hypotonia resolved", "baseline_post_dose"),
    "seen on day 14": (CASE + "214 sign hypotonia; 290 sign hypotonia resolved", "baseline_post_dose"),
    "seen on day 15": (CASE + "215 sign hypotonia; 290 sign hypotonia resolved", "no_baseline"),
    "looked for and none found": (CASE + "199 sign tremor absent; 290 sign tremor", "not_affected"),
    "nobody looked": (CASE + "290 sign tremor absent", "no_baseline"),
    "only milestones were looked at": (CASE + "199 milestone rolling achieved; 290 sign tremor absent", "no_baseline"),
    "on a scan only": (CASE + "199 sign atrophy; 290 sign atrophy", "no_baseline"),
    "a tremor of treatment stays": (
        TREMOR.replace("tremor", "hypotonia") + "210 sign tremor; 290 sign tremor; 290 sign hypotonia resolved",
        "not_recovered",
    ),
    "a tremor of treatment is gone": (
        TREMOR.replace("tremor", "hypotonia")
        + "210 sign tremor; 230 sign tremor resolved; 290 sign hypotonia resolved",
        "recovered",
    ),
    "a tremor of treatment comes after the visit": (
        TREMOR.replace("tremor", "hypotonia") + "290 sign hypotonia resolved; 330 sign tremor",
        "recovered",
    ),
    "a tremor of treatment puts nobody at risk": (
        CASE + "199 sign tremor absent; 210 sign tremor; 290 sign tremor",
        "not_affected",
    ),
    "another sign that begins under treatment": (
        TREMOR + "230 sign lethargy; 290 sign lethargy; 290 sign tremor resolved",
        "recovered",
    ),
    "regained": (LOST + "290 milestone rolling regained", "recovered"),
    "achieved anew": (LOST + "290 milestone rolling achieved", "recovered"),
    "still lost": (LOST + "290 milestone rolling lost", "not_recovered"),
    "not yet again": (LOST + "290 milestone rolling not_yet", "not_recovered"),
    "regained before the first dose": (
        CASE
        + "190 sign tremor absent; 180 milestone rolling lost; 190 milestone rolling regained; 290 sign tremor absent",
        "not_affected",
    ),
    "never had is no loss": (
        CASE + "199 sign tremor absent; 199 milestone rolling not_yet; 290 milestone rolling not_yet",
        "not_affected",
    ),
    "the sign is gone, the milestone is not back": (
        TREMOR + "199 milestone rolling lost; 290 sign tremor resolved; 290 milestone rolling lost",
        "not_recovered",
    ),
    "nothing after": (TREMOR, "no_follow_up"),
    "between the windows": (TREMOR + "330 sign tremor resolved", "out_of_window"),
    "died": (TREMOR + "250 status died", "died"),
    "moved": (TREMOR + "250 status moved", "lost"),
    "consent does not cover it": (CASE + "200 barred development", "consent_scope"),
    "consent for scans alone is withdrawn": (CASE + "200 barred imaging", "no_baseline"),
    "the mother's values": (TREMOR + "199 mother b12=90; 290 mother b12=90; 290 sign tremor resolved", "recovered"),
}


@pytest.fixture(scope="module")
def clinical() -> dict[str, dict[str, Any]]:
    cohort = Cohort()
    infants = told(cohort, AT_3_MONTHS) | {"young": cohort.infant(cut_off_age_days=300).tell(TREMOR)}
    return recoveries(cohort, infants, "clinical", "months_3", "research.recovery_signs")


def test_clinical_recovery_at_3_months(clinical: dict[str, dict[str, Any]]) -> None:
    assert answers(clinical, AT_3_MONTHS) == expected(AT_3_MONTHS)


def test_a_visit_that_is_not_due_is_not_assessable(clinical: dict[str, dict[str, Any]]) -> None:
    assert (clinical["young"]["is_at_risk"], clinical["young"]["reason"]) == (True, "not_due")


@pytest.mark.parametrize(
    ("title", "is_at_risk", "parts"),
    [
        ("one of two is gone", True, (2, 2, 1)),
        ("one of two is not looked for", True, (2, 1, 1)),
        ("nothing after", True, (1, 0, 0)),
        ("seen on day 4", True, (0, 0, 0)),
        ("looked for and none found", False, (0, 0, 0)),
        ("nobody looked", None, (0, 0, 0)),
        ("a tremor of treatment stays", True, (1, 1, 1)),
    ],
)
def test_signs_and_milestones_are_counted(
    clinical: dict[str, dict[str, Any]], title: str, is_at_risk: bool | None, parts: tuple[int, int, int]
) -> None:
    row = clinical[title]
    assert row["is_at_risk"] is is_at_risk
    assert (row["parts_at_risk"], row["parts_assessed"], row["parts_recovered"]) == parts


def test_the_onset_tells_whether_a_tremor_began_under_treatment() -> None:
    cohort = Cohort()
    began = {}
    for title, seen, onset in (
        ("before, seen after", 210, 195),
        ("on the day of the first dose", 202, 200),
        ("under treatment, within the window", 202, 201),
        ("under treatment", 210, 205),
    ):
        infant = cohort.infant().tell(CASE + "199 sign hypotonia absent")
        infant.sign(SIGNS["tremor"], seen, onset_age_days=onset)
        began[infant.key] = title
    connection = cohort.build("research.recovery_signs")
    found = connection.execute("SELECT DISTINCT subject_key, basis FROM research.recovery_signs").fetchall()
    connection.close()
    assert {began[key]: basis for key, basis in found} == {
        "before, seen after": "post_dose",
        "on the day of the first dose": "baseline",
        "under treatment, within the window": "under_treatment",
        "under treatment": "under_treatment",
    }
