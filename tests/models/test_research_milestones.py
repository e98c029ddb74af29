"""Milestones: attainment as an interval, each limit at its edge, preterm infants, and regression.

Sitting is past the 99th centile after 9.2 x 30.4375 = 280.025 days, walking alone after 535.7, rolling past CDC's age
after 182.625.
"""

from collections.abc import Iterable
from typing import Any

from tests.models.built import research_models, rows
from tests.models.cohort import Cohort, Infant

Row = dict[str, Any]
SITS = "sitting_without_support"
WEEKS_28, WEEKS_36, WEEKS_37 = 196, 258, 259


def found(table: str, infants: Iterable[Infant], cohort: Cohort) -> list[list[Row]]:
    connection = cohort.build(f"research.{table}")
    every = rows(connection, f"FROM research.{table} ORDER BY ALL")
    connection.close()
    return [[row for row in every if row["subject_key"] == infant.key] for infant in infants]


def states(code: str, stories: Iterable[tuple[str, int | None]], scale: str = "who_2006") -> list[dict[int, str]]:
    """State by age in days, of one milestone against one scale, for each story and gestation in days."""
    cohort = Cohort()
    infants = [cohort.infant(gestation_total_days=gestation).tell(story) for story, gestation in stories]
    return [
        {row["age_days"]: row["state"] for row in mine if (row["code"], row["scale"]) == (code, scale)}
        for mine in found("milestone_states", infants, cohort)
    ]


def attainment(*stories: str, **fields: Any) -> list[dict[str, Row]]:
    cohort = Cohort()
    infants = [cohort.infant(**fields).tell(story) for story in stories]
    return [{row["code"]: row for row in mine} for mine in found("milestone_attainment", infants, cohort)]


LAST_LOOK = [
    ("280 milestone sitting_without_support not_yet", "not_yet"),
    ("281 milestone sitting_without_support not_yet", "not_yet_past_limit"),
    ("281 milestone sitting_without_support emerging", "not_yet_past_limit"),
    ("280 milestone sitting_without_support achieved", "on_time"),
    ("281 milestone sitting_without_support achieved", "undecided"),
    ("280 milestone sitting_without_support not_yet; 281 milestone sitting_without_support achieved", "undecided"),
    ("281 milestone sitting_without_support not_yet; 300 milestone sitting_without_support achieved", "late"),
    ("281 milestone sitting_without_support emerging; 300 milestone sitting_without_support achieved", "late"),
    ("200 milestone sitting_without_support achieved; 300 milestone sitting_without_support achieved", "on_time"),
    ("200 milestone sitting_without_support achieved; 300 milestone sitting_without_support lost", "lost"),
    ("200 milestone sitting_without_support achieved; 300 milestone sitting_without_support not_yet", "contradicted"),
    ("200 milestone sitting_without_support lost; 300 milestone sitting_without_support not_yet", "lost"),
    ("200 milestone sitting_without_support lost; 300 milestone sitting_without_support achieved", "regained"),
    ("300 milestone sitting_without_support regained", "regained"),
]


def test_the_last_look_has_the_state() -> None:
    told = states(SITS, [(story, 280) for story, _ in LAST_LOOK])
    assert [(story, list(by_age.values())[-1]) for (story, _), by_age in zip(LAST_LOOK, told, strict=True)] == LAST_LOOK


def test_only_the_99th_centile_is_a_flag_for_referral() -> None:
    cohort = Cohort()
    infant = cohort.infant().tell("281 milestone sitting_without_support not_yet")
    infant.tell("183 milestone rolling not_yet")
    (mine,) = found("milestone_states", [infant], cohort)
    told = {(row["code"], row["scale"]): (row["state"], row["is_referral_flag"]) for row in mine}
    assert told == {
        (SITS, "who_2006"): ("not_yet_past_limit", True),
        (SITS, "cdc_2022"): ("not_yet_past_limit", False),
        ("rolling", "cdc_2022"): ("not_yet_past_limit", False),
    }


LIMITS = [
    (WEEKS_37, 281, "not_yet_past_limit"),
    (WEEKS_36, 281, "not_yet"),
    (WEEKS_36, 302, "not_yet"),
    (WEEKS_36, 303, "not_yet_past_limit"),
    (WEEKS_28, 364, "not_yet"),
    (WEEKS_28, 365, "not_yet_past_limit"),
    (None, 281, "not_yet_past_limit"),
]


def test_the_limit_of_a_preterm_infant_is_later_by_the_correction() -> None:
    told = states(SITS, [(f"{age} milestone {SITS} not_yet", gestation) for gestation, age, _ in LIMITS])
    assert told == [{age: state} for _, age, state in LIMITS]


def test_both_ages_are_kept_and_the_corrected_one_is_used_until_24_months() -> None:
    cohort = Cohort()
    preterm, unknown = cohort.infant(gestation_total_days=WEEKS_28), cohort.infant(gestation_total_days=None)
    for age, months in ((730, 23), (731, 24)):
        preterm.milestone("walking_alone", age, "not_yet", age_months=months)
        unknown.milestone("walking_alone", age, "not_yet", age_months=months)
    told = [
        [(r["age_days"], r["corrected_age_days"], r["age_used"]) for r in mine if r["scale"] == "who_2006"]
        for mine in found("milestone_states", [preterm, unknown], cohort)
    ]
    assert told == [
        [(730, 646, "corrected"), (731, 647, "chronological")],
        [(730, None, "gestation_unknown"), (731, None, "gestation_unknown")],
    ]


def test_nobody_is_late_by_the_step_at_24_months() -> None:
    """With a limit of 23 months, 700 days, a child 84 days early is past it at 784 days, not when correction ends."""
    cohort = Cohort()
    infant = cohort.infant(gestation_total_days=WEEKS_28)
    for age, months in ((730, 23), (731, 24), (784, 25), (785, 25)):
        infant.milestone("walking_alone", age, "not_yet", age_months=months)
    name = "research.milestone_states"
    connection = cohort.build(name)
    connection.execute(
        "UPDATE definitions.milestone_ages SET months = 23 WHERE milestone = 'walking_alone' AND centile = 99"
    )
    connection.execute(f"CREATE OR REPLACE TABLE {name} AS {dict(research_models((name,)))[name]}")
    told = rows(connection, f"SELECT age_days, state FROM {name} WHERE scale = 'who_2006' ORDER BY age_days")
    connection.close()
    assert [(row["age_days"], row["state"]) for row in told] == [
        (730, "not_yet"),
        (731, "not_yet"),
        (784, "not_yet"),
        (785, "not_yet_past_limit"),
    ]


def test_what_was_not_looked_for_is_not_observed() -> None:
    (mine,) = attainment(f"200 milestone {SITS} not_yet")
    assert {row["state"] for code, row in mine.items() if code != SITS} == {"not_observed"}
    assert mine[SITS]["state"] == "not_yet"
    assert {"social_smile", "head_control", "rolling", "babbling", "walking_alone"} <= set(mine)
    assert mine["rolling"]["attained_by_age_days"] is None


def test_attainment_is_an_interval_that_stays_through_loss_and_return() -> None:
    first_sight, between, through, loss_first = attainment(
        "200 milestone rolling achieved",
        "100 milestone rolling not_yet; 150 milestone rolling emerging; 200 milestone rolling achieved",
        "150 milestone rolling not_yet; 200 milestone rolling achieved; 250 milestone rolling lost;"
        "300 milestone rolling not_yet; 350 milestone rolling regained",
        "250 milestone rolling lost",
    )
    every = (first_sight, between, through, loss_first)
    ends = [(mine["rolling"]["attained_after_age_days"], mine["rolling"]["attained_by_age_days"]) for mine in every]
    assert ends == [(0, 200), (150, 200), (150, 200), (0, 250)]
    assert [mine["rolling"]["state"] for mine in (through, loss_first)] == ["regained", "lost"]
    assert through["rolling"]["losses"] == 1
    assert loss_first["rolling"]["first_status"] == "lost"


def test_corrected_ages_stand_beside_the_chronological_ones() -> None:
    (mine,) = attainment(
        "150 milestone rolling not_yet; 200 milestone rolling achieved; 100 milestone social_smile achieved",
        gestation_total_days=WEEKS_36,
    )
    ends = ("attained_after_corrected_age_days", "attained_by_corrected_age_days")
    assert [mine["rolling"][end] for end in ends] == [128, 178]
    assert [mine["social_smile"][end] for end in ends] == [0, 78]


def test_what_a_caregiver_recalls_narrows_no_interval() -> None:
    cohort = Cohort()
    infant = cohort.infant()
    infant.milestone("rolling", 200, "achieved", attained_age_days=160)
    (mine,) = found("milestone_attainment", [infant], cohort)
    (row,) = (row for row in mine if row["code"] == "rolling")
    assert (row["attained_after_age_days"], row["attained_by_age_days"], row["recalled_age_days"]) == (0, 200, 160)


def test_of_two_statuses_on_one_day_the_loss_counts() -> None:
    stories = [
        ("180 milestone rolling achieved; 180 milestone rolling lost", 280),
        ("180 milestone rolling not_yet; 180 milestone rolling achieved", 280),
    ]
    assert states("rolling", stories, "cdc_2022") == [{180: "lost"}, {180: "on_time"}]


def test_each_loss_is_a_row_with_its_own_return() -> None:
    cohort = Cohort()
    infant = cohort.infant().tell(
        "200 milestone rolling achieved; 250 milestone rolling lost; 260 dose; 280 milestone rolling lost;"
        "300 milestone rolling regained; 350 milestone rolling lost; 250 milestone babbling lost;"
        "200 milestone head_control achieved; 260 milestone head_control not_yet"
    )
    (mine,) = found("milestone_losses", [infant], cohort)
    told = {
        (row["code"], row["lost_after_age_days"], row["lost_by_age_days"]): (
            row["state"],
            row["lost_by_study_day"],
            row["regained_after_age_days"],
            row["regained_by_age_days"],
            row["regained_by_study_day"],
        )
        for row in mine
    }
    assert told == {
        ("rolling", 200, 250): ("regained", -10, 280, 300, 40),
        ("rolling", 300, 350): ("lost", 90, 350, None, None),
        ("babbling", None, 250): ("lost", -10, 250, None, None),
    }
