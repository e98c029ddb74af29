"""All dimensions together, the time to recovery as an interval, and relapse.

Treatment starts at 200 days in every story, so study day 90 is age 290.
"""

from typing import Any

import pytest

from tests.models.cohort import Cohort
from tests.models.titled import by_title, expected, told

CASE = "200 dose; 199 b12=100 homocysteine=20; "
WELL = "199 sign tremor absent; "
TREMOR = "199 sign tremor; "
LOW = "199 score 70; "

OVERALL = {
    "every dimension": (CASE + TREMOR + LOW + "290 homocysteine=5; 290 sign tremor resolved; 290 score 90", "full 3/3"),
    "blood and signs": (CASE + TREMOR + "290 homocysteine=5; 290 sign tremor resolved", "full 2/2"),
    "blood and scores": (CASE + LOW + "290 homocysteine=5; 290 score 90", "full 2/2"),
    "signs still there": (CASE + TREMOR + "290 homocysteine=5; 290 sign tremor", "partial 2/2"),
    "blood improved": (CASE + TREMOR + "290 homocysteine=9; 290 sign tremor", "partial 2/2"),
    "nothing": (CASE + TREMOR + "290 homocysteine=19; 290 sign tremor", "none 2/2"),
    "scores were not taken again": (
        CASE + TREMOR + LOW + "290 homocysteine=5; 290 sign tremor resolved",
        "full 2/3",
    ),
    "anaemia, not measured again": (
        CASE + TREMOR + "199 haemoglobin=90; 290 homocysteine=5; 290 sign tremor resolved",
        "full 2/3",
    ),
    "anaemia stays": (
        CASE + TREMOR + "199 haemoglobin=90; 290 homocysteine=5 haemoglobin=91; 290 sign tremor resolved",
        "partial 3/3",
    ),
    "blood alone": (CASE + "290 homocysteine=5", "no_baseline"),
    "blood, and well otherwise": (CASE + WELL + "290 homocysteine=5", "full 1/1"),
    "signs alone": (CASE + TREMOR + "290 b12=900; 290 sign tremor resolved", "b12_only"),
    "signs not looked for": (CASE + TREMOR + "290 homocysteine=5", "no_follow_up"),
    "normal markers, signs gone": (
        "200 dose; 199 b12=100 homocysteine=5; " + TREMOR + "290 homocysteine=5; 290 sign tremor resolved",
        "full 1/1",
    ),
    "nothing was abnormal": ("200 dose; 199 b12=100 homocysteine=5; " + WELL, "not_affected 0/0"),
    "died": (CASE + TREMOR + "250 status died", "died"),
}

TIMES = {
    "at the first look": (CASE + "290 homocysteine=5", ("recovered", 0, 90, None)),
    "between two looks": (CASE + "230 homocysteine=9; 290 homocysteine=5", ("recovered", 30, 90, None)),
    "and lost again": (CASE + "230 homocysteine=5; 290 homocysteine=9", ("recovered", 0, 30, None)),
    "outside every window": (CASE + "240 homocysteine=5", ("recovered", 0, 40, None)),
    "day 1": (CASE + "201 homocysteine=5", ("recovered", 0, 1, None)),
    "both, 14 days apart": (
        CASE + "199 mma=4; 216 mma=1; 230 homocysteine=5",
        ("recovered", 0, 30, None),
    ),
    "both, 15 days apart": (CASE + "199 mma=4; 215 mma=1; 230 homocysteine=5", ("censored", 0, None, "no_follow_up")),
    "both, further apart in one window": (
        CASE + "199 mma=4; 280 mma=1; 310 homocysteine=5",
        ("recovered", 0, 110, None),
    ),
    "one of two still raised": (CASE + "199 mma=4; 230 homocysteine=5 mma=3", ("censored", 30, None, None)),
    "never": (CASE + "230 homocysteine=9; 290 homocysteine=8", ("censored", 90, None, None)),
    "not looked at": (CASE, ("censored", 0, None, "no_follow_up")),
    "lost": (CASE + "230 homocysteine=9; 250 status lost", ("censored", 30, None, "lost")),
    "completed": (CASE + "230 homocysteine=9; 250 status completed", ("censored", 30, None, "no_follow_up")),
    "died": (CASE + "230 homocysteine=9; 250 status died", ("died", 50, 50, None)),
    "died after recovery": (CASE + "230 homocysteine=5; 250 status died", ("recovered", 0, 30, None)),
    "lost after recovery": (CASE + "230 homocysteine=5; 250 status lost", ("recovered", 0, 30, None)),
    "not at risk": ("200 dose; 199 b12=100 homocysteine=5; 290 homocysteine=5", (None, None, None, None)),
    "first abnormal after the dose": (
        "200 dose; 199 b12=100; 203 mma=4; 290 mma=1",
        (None, None, None, "baseline_post_dose"),
    ),
    "the mother's value": (CASE + "230 mother homocysteine=5; 290 homocysteine=5", ("recovered", 0, 90, None)),
}

OTHER_TIMES = {
    ("clinical", TREMOR + "210 sign tremor resolved"): ("recovered", 0, 10, None),
    ("clinical", TREMOR + "210 sign tremor; 240 sign tremor resolved"): ("recovered", 10, 40, None),
    ("clinical", TREMOR + "210 milestone rolling achieved; 240 sign tremor resolved"): ("recovered", 0, 40, None),
    ("clinical", TREMOR + "199 sign pallor; 210 sign pallor absent; 240 sign tremor absent"): (
        "recovered",
        0,
        40,
        None,
    ),
    ("clinical", "199 sign pallor; 210 sign tremor; 220 sign pallor absent; 240 sign tremor absent"): (
        "recovered",
        10,
        40,
        None,
    ),
    ("clinical", WELL): (None, None, None, None),
    ("developmental", LOW + "260 score 84; 330 score 85"): ("recovered", 60, 130, None),
    ("developmental", "210 score 70; 330 score 90"): ("recovered", 10, 130, None),
    ("developmental", LOW + "330 score 90 bayley:4:cognitive:composite"): ("censored", 0, None, "no_follow_up"),
    ("developmental", ""): (None, None, None, "no_baseline"),
    ("haematological", "203 haemoglobin=90; 260 haemoglobin=110"): ("recovered", 3, 60, None),
    ("haematological", "199 haemoglobin=90; 230 transfused; 260 haemoglobin=110; 340 haemoglobin=111"): (
        "recovered",
        0,
        140,
        None,
    ),
}

RELAPSES = {
    "B12 below 148": ("290 homocysteine=5; 380 b12=147", ("relapsed", 90, 180, ["b12_deficient"])),
    "B12 of 148": ("290 homocysteine=5; 380 b12=148", ("no_relapse", 180, None, [])),
    "homocysteine of 10": ("290 homocysteine=5; 380 homocysteine=10", ("relapsed", 90, 180, ["homocysteine_raised"])),
    "homocysteine of 9.9": ("290 homocysteine=5; 380 homocysteine=9.9", ("no_relapse", 180, None, [])),
    "methylmalonic acid": ("290 homocysteine=5; 380 mma=2", ("relapsed", 90, 180, ["mma_raised"])),
    "well between": ("290 homocysteine=5; 330 b12=500; 380 b12=90", ("relapsed", 130, 180, ["b12_deficient"])),
    "on the day of recovery": ("290 homocysteine=5 b12=100", ("not_assessable", 90, None, [])),
    "never measured again": ("290 homocysteine=5; 380 haemoglobin=120", ("not_assessable", 90, None, [])),
    "the mother's": ("290 homocysteine=5; 380 mother b12=90 homocysteine=30", ("not_assessable", 90, None, [])),
    "never recovered": ("290 homocysteine=9; 380 homocysteine=20", None),
}


@pytest.fixture(scope="module")
def found() -> dict[str, dict[str, Any]]:
    cohort = Cohort()
    infants = told(cohort, OVERALL | TIMES)
    infants |= {f"{dimension} {story}": cohort.infant().tell(CASE + story) for dimension, story in OTHER_TIMES}
    infants |= {f"relapse {title}": cohort.infant().tell(CASE + story) for title, (story, _) in RELAPSES.items()}
    with cohort.build("research.recovery_overall", "research.relapses") as connection:
        overall = by_title(connection, infants, "FROM research.recovery_overall WHERE visit = 'months_3'")
        times = by_title(connection, infants, "FROM research.time_to_recovery")
        lost = by_title(connection, infants, "FROM research.relapses")
    return {
        title: {row["dimension"]: row for row in times[title]}
        | {"overall": next(iter(overall[title]), None), "relapse": next(iter(lost[title]), None)}
        for title in infants
    }


def interval(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["event"], row["lower_study_day"], row["upper_study_day"], row["reason"]


def test_the_dimensions_together(found: dict[str, dict[str, Any]]) -> None:
    overall = {title: found[title]["overall"] for title in OVERALL}
    assert {
        title: row["reason"] or f"{row['state']} {row['dimensions_assessed']}/{row['dimensions_at_risk']}"
        for title, row in overall.items()
    } == expected(OVERALL)


def test_what_is_missing_is_named_with_its_reason(found: dict[str, dict[str, Any]]) -> None:
    row = found["scores were not taken again"]["overall"]
    assert row["states"] == [
        "biochemical:recovered",
        "haematological:not_assessable",
        "developmental:not_assessable",
        "clinical:recovered",
    ]
    assert row["reasons"] == ["haematological:no_baseline", "developmental:no_follow_up"]


def test_time_to_biochemical_recovery(found: dict[str, dict[str, Any]]) -> None:
    assert {title: interval(found[title]["biochemical"]) for title in TIMES} == expected(TIMES)


def test_time_to_recovery_in_other_dimensions(found: dict[str, dict[str, Any]]) -> None:
    assert {(d, story): interval(found[f"{d} {story}"][d]) for d, story in OTHER_TIMES} == OTHER_TIMES


def test_relapse(found: dict[str, dict[str, Any]]) -> None:
    assert {title: relapse(found[f"relapse {title}"]["relapse"]) for title in RELAPSES} == expected(RELAPSES)


def relapse(row: dict[str, Any] | None) -> tuple[Any, ...] | None:
    return row and (row["state"], row["lower_study_day"], row["upper_study_day"], row["criteria"])
