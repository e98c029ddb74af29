"""Scores against their baseline: what may be subtracted, the margin at its edge, and bounds.

Treatment starts at 200 days.
"""

from decimal import Decimal
from typing import Any

from tests.models.built import rows
from tests.models.cohort import Cohort
from tests.models.titled import by_title, expected, told

Row = dict[str, Any]
BASE = "200 dose; 199 score 70; "
SCALED = "bayley:iii:cognitive:scaled"

STORIES: dict[str, tuple[str, tuple[object, ...]]] = {
    "a gain of the points": (BASE + "290 score 85", (15, "points", 0, 30, "better")),
    "a gain of less": (BASE + "290 score 84", (14, "points", -1, 29, "within_error")),
    "a fall of the points": (BASE + "290 score 55", (-15, "points", -30, 0, "worse")),
    "the manual gives 3": (
        "200 dose; 199 score 70 sem=3; 290 score 78 sem=3",
        (8, "sem", Decimal("-0.315576"), Decimal("16.315576"), "within_error"),
    ),
    "a gain beyond it": (
        "200 dose; 199 score 70 sem=3; 290 score 79",
        (9, "sem", Decimal("0.684424"), Decimal("17.315576"), "better"),
    ),
    "from the floor": ("200 dose; 199 score 55floor; 290 score 70", (15, "points", 0, 30, "better")),
    "little from the floor": ("200 dose; 199 score 55floor; 290 score 60", (5, "points", -10, 20, "undecided")),
    "down to the floor": (BASE + "290 score 55floor", (-15, "points", -30, 0, "worse")),
    "from floor to floor": ("200 dose; 199 score 55floor; 290 score 55floor", (0, "points", -15, 15, "undecided")),
    "another age basis": (BASE + "290 score 90 corrected", (20, "points", 5, 35, "undecided")),
    "a scaled score without an error": (
        f"200 dose; 199 score 7 {SCALED}; 290 score 12 {SCALED}",
        (5, None, None, None, "undecided"),
    ),
    "another edition": (BASE + "290 score 90 bayley:4:cognitive:composite", (None, None, None, None, None)),
    "another domain": (BASE + "290 score 90 bayley:iii:language:composite", (None, None, None, None, None)),
    "another kind of score": (BASE + f"290 score 12 {SCALED}", (None, None, None, None, None)),
    "no baseline in its window": ("200 dose; 169 score 70; 290 score 90", (None, None, None, None, None)),
    "baseline at the end of its window": ("200 dose; 214 score 70; 290 score 90", (20, "points", 5, 35, "better")),
    "baseline past its window": ("200 dose; 215 score 70; 290 score 90", (None, None, None, None, None)),
    "the nearest is the baseline": (
        "200 dose; 180 score 60; 201 score 70; 290 score 90",
        (20, "points", 5, 35, "better"),
    ),
    "untreated": ("199 score 70; 290 score 90", (None, None, None, None, None)),
    "the mother was treated": ("200 dose mother; 199 score 70; 290 score 90", (None, None, None, None, None)),
    "untestable later": (BASE + "290 score untestable", (None, None, None, None, None)),
}


def test_each_story_has_its_change_and_interval() -> None:
    cohort = Cohort()
    infants = told(cohort, STORIES)
    with cohort.build("research.development") as connection:
        found = by_title(connection, infants, "FROM research.development ORDER BY age_days")
    columns = ("change", "margin_from", "change_low", "change_high", "direction")
    assert {title: tuple(rows[-1][name] for name in columns) for title, rows in found.items()} == expected(STORIES)


def test_what_is_ordinal_has_categories_and_is_never_subtracted() -> None:
    cohort = Cohort()
    infant = cohort.infant().tell("200 dose")
    scale = {"instrument": "denver", "edition": "ii", "domain": "overall", "score_type": "ordinal"}
    for age, category, number in ((199, "suspect", 1), (290, "normal", 2)):
        cohort.add(
            "assessments",
            subject_key=infant.key,
            site=infant.site,
            **scale,
            score=number,
            category=category,
            age_used="chronological",
            status="completed",
            age_days=age,
        )
    connection = cohort.build("research.development")
    (_, later) = rows(connection, "FROM research.development ORDER BY age_days")
    connection.close()
    assert (later["baseline_category"], later["category"], later["visit"]) == ("suspect", "normal", "months_3")
    assert [later[name] for name in ("score", "baseline_score", "change", "direction")] == [None] * 4
