"""What is due as of the cut-off, early, late or missed, and who should be screened: each window at its edge.

Treatment starts at 200 days in every story: the 3-month window is ages 275 to 320, that of 6 months 350 to 410.
"""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

from tests.models.built import rows
from tests.models.cohort import CUT_OFF, Cohort
from tests.models.titled import by_title
from tests.registry_fixture import BLR01, built, key
from tests.sample_events import event

Row = dict[str, Any]


def due(stories: dict[str, tuple[int, str]], table: str = "staging.follow_up_due") -> dict[str, dict[str, Row]]:
    """By story and visit; each story with the age at the cut-off."""
    cohort = Cohort()
    infants = {
        title: cohort.infant(cut_off_age_days=cut_off).tell("200 dose; " + story)
        for title, (cut_off, story) in stories.items()
    }
    with cohort.build(table) as connection:
        found = by_title(connection, infants, f"FROM {table}")
    return {title: {row["visit"]: row for row in rows} for title, rows in found.items()}


# Age at the cut-off, what happened, and the states at 3 and at 6 months; None: not in the list.
STATES: dict[str, tuple[int, str, str | None, str | None]] = {
    "the day before it opens": (274, "", "not_due", "not_due"),
    "the first day": (275, "", "due", "not_due"),
    "the last day": (320, "", "due", "not_due"),
    "the day after": (321, "", "missed", "not_due"),
    "both missed": (411, "", "missed", "missed"),
    "came on the first day": (411, "275 mma=1", "in_window", "missed"),
    "came on the last day": (411, "320 mma=1", "in_window", "missed"),
    "the last day before": (321, "274 mma=1", "early", "not_due"),
    "early, and the window still open": (320, "274 mma=1", "due", "not_due"),
    "the day after the last": (350, "321 mma=1", "late", "due"),
    "nearer to 3 months": (411, "334 mma=1", "late", "missed"),
    "between the two": (411, "335 mma=1", "late", "missed"),
    "nearer to 6 months": (411, "336 mma=1", "missed", "early"),
    "late and early": (411, "330 mma=1; 345 mma=1", "late", "early"),
    "after 6 months": (450, "411 mma=1", "missed", "late"),
    "nearer to 12 months than to 6": (900, "471 mma=1", "missed", "missed"),
    "under treatment, too soon for any visit": (321, "214 mma=1", "missed", "not_due"),
    "just later": (321, "215 mma=1", "early", "not_due"),
    "an unusable result": (321, "290 mma=1!preliminary", "missed", "not_due"),
    "the mother's result": (321, "290 mother mma=1", "missed", "not_due"),
    "died in the window": (321, "320 status died", None, None),
    "died after it": (351, "321 status died", "missed", None),
    "moved": (321, "250 status moved", None, None),
    "lost and found again": (321, "250 status lost; 300 status alive", "missed", "not_due"),
    "completed": (321, "250 status completed", None, None),
}


def test_what_is_due_in_window_early_late_and_missed() -> None:
    found = due({title: (cut_off, story) for title, (cut_off, story, _, _) in STATES.items()})
    told = {
        title: tuple(visits[visit]["state"] if visit in visits else None for visit in ("months_3", "months_6"))
        for title, visits in found.items()
    }
    assert told == {title: (three, six) for title, (_, _, three, six) in STATES.items()}
    assert {visit for visits in found.values() for visit in visits} == {"months_3", "months_6"}
    wanted = {title for title, visits in found.items() if visits and visits["months_3"]["is_wanted"]}
    assert wanted == {
        title for title, (*_, three, _) in STATES.items() if three in ("due", "missed") and title != "died after it"
    }


def test_the_list_has_the_days_of_the_window_and_of_what_came() -> None:
    found = due(
        {
            "missed": (321, ""),
            "in window": (411, "300 mma=1; 290 mma=2 homocysteine=9"),
            "late": (411, "325 mma=1; 322 mma=1"),
        }
    )
    missed = found["missed"]["months_3"]
    start = CUT_OFF - timedelta(321 - 200)
    assert (missed["opens_date"], missed["target_date"], missed["closes_date"]) == (
        start + timedelta(75),
        start + timedelta(90),
        start + timedelta(120),
    )
    assert (missed["since_closed_days"], missed["came_date"], missed["is_approximate"]) == (1, None, False)
    assert found["in window"]["months_3"]["came_date"] == CUT_OFF - timedelta(411 - 290)
    assert found["late"]["months_3"]["came_date"] == CUT_OFF - timedelta(411 - 322)


def test_nobody_without_treatment_is_in_the_list() -> None:
    cohort = Cohort()
    cohort.infant().tell("199 b12=100; 200 dose mother")
    cohort.infant(person="comparator").tell("200 dose")
    with cohort.build("staging.follow_up_due") as connection:
        assert rows(connection, "FROM staging.follow_up_due") == []


def test_after_a_withdrawal_nothing_is_due(tmp_path: Path) -> None:
    families: dict[str, list[Row]] = {"stays": [], "withdraws": [{"status": "withdrawn", "scopes": ["blood"]}]}
    as_it_is: list[Row] = [{}]
    sent = [
        event(kind, id=f"{kind}-{subject}-{number}", record=f"{kind}-{subject}-{number}", subject=subject, data=data)
        for subject, consents in families.items()
        for kind, told in (("enrolment", as_it_is), ("dose", as_it_is), ("consent", consents))
        for number, data in enumerate(told)
    ]
    with built(tmp_path, {BLR01: sent}, ["staging.follow_up_due"], ruled=False) as connection:
        found = connection.execute("SELECT DISTINCT subject_key::VARCHAR FROM staging.follow_up_due").fetchall()
    assert found == [(key(BLR01, "subject", "stays"),)]


# -- screening --------------------------------------------------------------------------------------------------------

AT_RISK = "0- fed exclusive lacto_vegetarian; "
SCREENED = {
    "nothing known of its blood": (AT_RISK, True),
    "mixed feeding, a vegan mother": ("0- fed mixed vegan", True),
    "breastfed and weaned": ("0-30 fed exclusive; 31- fed weaned vegan", True),
    "never breastfed": ("0- fed formula_only vegan", False),
    "a mother who eats meat": ("0- fed exclusive omnivore", False),
    "a mother who eats fish": ("0- fed exclusive pescatarian", False),
    "a diet nobody reported": ("0- fed exclusive", False),
    "a period that begins after the cut-off": ("331- fed exclusive vegan", False),
    "begins on the cut-off": ("330- fed exclusive vegan", True),
    "a B12 result": (AT_RISK + "100 b12=400", False),
    "an unusable one": (AT_RISK + "100 b12=400!preliminary", False),
    "a blood count": (AT_RISK + "100 haemoglobin=110", True),
    "the mother's B12": (AT_RISK + "100 mother b12=100", True),
    "a dose": (AT_RISK + "100 dose prophylactic 5ug", False),
    "a dose that was missed": (AT_RISK + "100 dose missed", True),
    "iron": (AT_RISK + "100 dose iron", True),
    "a dose to the mother": (AT_RISK + "100 dose mother", True),
    "moved": (AT_RISK + "100 status moved", False),
}


def test_who_should_be_screened() -> None:
    cohort = Cohort()
    infants = {title: cohort.infant(cut_off_age_days=330).tell(story) for title, (story, _) in SCREENED.items()}
    with cohort.build("staging.screening_list") as connection:
        told = by_title(connection, infants, "FROM research.screening")
        listed = by_title(connection, infants, "FROM staging.screening_list")
    assert {title: row["is_eligible"] for title, (row,) in told.items()} == {
        title: answer for title, (_, answer) in SCREENED.items()
    }
    assert {title for title, rows in listed.items() if rows} == {title for title, (_, yes) in SCREENED.items() if yes}


def test_screening_is_asked_of_infants_under_12_completed_months() -> None:
    cohort = Cohort()
    for months in (11, 12):
        cohort.infant(cut_off_age_months=months, cut_off_age_days=365).tell(AT_RISK)
    cohort.infant(person="comparator", cut_off_age_months=11).tell(AT_RISK)
    with cohort.build("staging.screening_list") as connection:
        (asked,) = rows(connection, "FROM research.screening")
        (listed,) = rows(connection, "FROM staging.screening_list")
    assert (asked["cut_off_age_months"], asked["is_eligible"]) == (11, True)
    assert listed["until_date"] == date(2026, 3, 31)
