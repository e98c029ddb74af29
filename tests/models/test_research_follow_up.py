"""Baseline, visits and recovery: each window at its edge, and each reason why something cannot be assessed.

Treatment starts at 200 days in every story, so study day 75 is age 275.
"""

from typing import Any

from tests.models.built import rows
from tests.models.cohort import Cohort
from tests.models.titled import by_title, expected

Row = dict[str, Any]

B12 = "200 dose; 199 b12=100; "
CASE = B12 + "199 homocysteine=20; "


def table(name: str, stories: dict[str, str], **cut_offs: int) -> dict[str, list[Row]]:
    """Rows of a research table by story; the cut-off is at 900 days unless it is given for the story."""
    cohort = Cohort()
    infants = {
        title: cohort.infant(cut_off_age_days=cut_offs.get(title, 900)).tell(story) for title, story in stories.items()
    }
    with cohort.build(f"research.{name}") as connection:
        return by_title(connection, infants, f"FROM research.{name}")


def one(found: list[Row], **fields: object) -> Row:
    (row,) = (row for row in found if fields.items() <= row.items())
    return row


# -- windows ----------------------------------------------------------------------------------------------------------

DAYS = {
    169: "unscheduled",
    170: "baseline",
    200: "baseline",
    201: "post_dose",
    214: "post_dose",
    215: "unscheduled",
    274: "unscheduled",
    275: "months_3",
    320: "months_3",
    321: "unscheduled",
    349: "unscheduled",
    350: "months_6",
    410: "months_6",
    411: "unscheduled",
    529: "unscheduled",
    530: "months_12",
    620: "months_12",
    621: "unscheduled",
}
BLOOD_COUNT_DAYS = {169: "unscheduled", 170: "baseline", 203: "baseline", 204: "post_dose", 214: "post_dose"}


def test_each_day_belongs_to_one_window() -> None:
    stories = {f"{age}": f"200 dose; {age} homocysteine=8" for age in DAYS}
    stories |= {f"blood count {age}": f"200 dose; {age} haemoglobin=90" for age in BLOOD_COUNT_DAYS}
    found = {title: told["visit"] for title, (told,) in table("visit_markers", stories).items()}
    assert found == {f"{age}": visit for age, visit in DAYS.items()} | {
        f"blood count {age}": visit for age, visit in BLOOD_COUNT_DAYS.items()
    }


def test_on_the_first_day_the_time_tells_and_without_it_blood_comes_first() -> None:
    found = table(
        "visit_markers",
        {
            "no times": "200 dose; 200 mma=2",
            "one time": "200@600 dose; 200 mma=2",
            "before": "200@600 dose; 200@599 mma=2",
            "after": "200@600 dose; 200@601 mma=2",
            "after the first of two": "200@600 dose; 200@900 dose; 200@700 mma=2",
        },
    )
    assert {title for title, (told,) in found.items() if told["visit"] == "post_dose"} == {
        "after",
        "after the first of two",
    }
    assert {title for title, (told,) in found.items() if told["is_order_assumed"]} == {"no times", "one time"}


def test_of_several_in_a_window_one_counts() -> None:
    found = table(
        "visit_markers",
        {
            "the nearest to the target": CASE + "280 mma=1; 292 mma=2; 300 mma=3",
            "the earlier of two equally near": CASE + "280 mma=2; 300 mma=3",
            "the draw with most markers": CASE + "290@600 mma=1; 290@500 mma=2 b12=500; 290@700 mma=3",
            "a usable one": CASE + "290 mma=1!preliminary; 300 mma=2",
            "before the dose the last": CASE + "180 mma=3; 190 mma=1; 199 mma=2; 201 mma=4",
        },
    )
    for title, told in found.items():
        values = [row["value"] for row in told if row["is_chosen"] and row["analyte"] == "mma"]
        assert (title, values) == (title, [2])


def test_in_one_draw_a_vein_then_the_newest_then_the_greater_key_counts() -> None:
    cohort = Cohort()
    infant = cohort.infant().tell("200 dose")
    infant.lab("haemoglobin", 100, 290, specimen="capillary_whole_blood", event_time_rank=9)
    infant.lab("haemoglobin", 101, 290, event_time_rank=1)
    infant.lab("mcv", 81, 290, event_time_rank=2)
    infant.lab("mcv", 80, 290, event_time_rank=1)
    infant.lab("mma", 1, 290)
    infant.lab("mma", 2, 290)
    connection = cohort.build("research.visit_markers")
    found = rows(connection, "SELECT analyte, value FROM research.visit_markers WHERE is_chosen")
    connection.close()
    assert {row["analyte"]: row["value"] for row in found} == {"haemoglobin": 101, "mcv": 81, "mma": 2}


# -- what is due ------------------------------------------------------------------------------------------------------

DUE = [
    (274, "", "not_due", "not_due"),
    (275, "", "due", "not_due"),
    (320, "", "due", "not_due"),
    (321, "", "missed", "no_follow_up"),
    (321, "270 mma=1", "missed", "out_of_window"),
    (321, "275 mma=1", "in_window", None),
    (900, "320 haemoglobin=100", "in_window", None),
    (900, "320 status died", "not_expected", "died"),
    (900, "321 status died", "missed", "no_follow_up"),
    (900, "250 status moved", "not_expected", "lost"),
    (900, "250 status lost", "not_expected", "lost"),
    (900, "250 status lost; 300 status alive", "missed", "no_follow_up"),
    (900, "250 status completed", "not_expected", "no_follow_up"),
    (900, "250 status died; 240 status alive", "not_expected", "died"),
    (274, "250 status died", "not_expected", "died"),
]


def test_what_is_due_at_3_months() -> None:
    names = [f"as of {cut_off}: {story}" for cut_off, story, _, _ in DUE]
    stories = {name: CASE + story for name, (_, story, _, _) in zip(names, DUE, strict=True)}
    cut_offs = {name: cut_off for name, (cut_off, *_) in zip(names, DUE, strict=True)}
    found = table("follow_up", stories, **cut_offs)
    told = {name: one(rows, visit="months_3") for name, rows in found.items()}
    assert {name: (row["state"], row["reason"]) for name, row in told.items()} == {
        name: (state, reason) for name, (_, _, state, reason) in zip(names, DUE, strict=True)
    }


def test_every_treated_infant_has_a_baseline_and_three_visits_and_no_other_has_any() -> None:
    found = table(
        "follow_up",
        {
            "treated": CASE + "290 b12=>1476 mma=0.2; 300 mcv=80",
            "untreated": "199 b12=100",
            "mother": "199 b12=100; 200 dose mother",
            "without a baseline": "200 dose; 201 b12=100",
        },
    )
    visits = sorted(found["treated"], key=lambda row: row["visit_order"])
    assert [row["visit"] for row in visits] == ["baseline", "months_3", "months_6", "months_12"]
    assert found["untreated"] == found["mother"] == []
    empty = one(found["without a baseline"], visit="baseline")
    assert (empty["state"], empty["reason"]) == ("missed", "no_baseline")
    told = visits[1]
    assert (told["b12_pmol_per_l"], told["b12_comparator"], told["mcv_fl"]) == (1476, ">", 80)
    assert (told["first_study_day"], told["last_study_day"], told["markers"]) == (90, 100, 3)
    assert told["homocysteine_umol_per_l"] is None


# -- recovery ---------------------------------------------------------------------------------------------------------

# What happened, and the state at 3 months or the reason why there is none.
BIOCHEMICAL = {
    "at the target of 6.5": (CASE + "290 homocysteine=6.5", "recovered"),
    "just above it, but halved": (CASE + "290 homocysteine=6.6", "improved"),
    "exactly halved": (CASE + "290 homocysteine=10", "improved"),
    "less than halved": (CASE + "290 homocysteine=10.1", "not_recovered"),
    "below a bound": (CASE + "290 homocysteine=<5", "recovered"),
    "below a bound that leaves recovery open": (CASE + "290 homocysteine=<9", "improved"),
    "below a bound that leaves all open": (CASE + "290 homocysteine=<15", "censored_undecidable"),
    "one was abnormal": (CASE + "199 mma=1; 290 homocysteine=6", "recovered"),
    "one was abnormal, the other now is": (CASE + "199 mma=1; 290 homocysteine=6 mma=2", "improved"),
    "both, one not measured again": (CASE + "199 mma=4; 290 homocysteine=5", "improved"),
    "both, one still raised": (CASE + "199 mma=4; 290 homocysteine=5 mma=3", "not_recovered"),
    "both, both within": (CASE + "199 mma=4; 290 homocysteine=5 mma=1", "recovered"),
    "neither was abnormal": (B12 + "199 homocysteine=6 mma=1; 290 homocysteine=9", "not_affected"),
    "abnormal for recovery, not for a case": (B12 + "199 homocysteine=7; 290 homocysteine=5", "recovered"),
    "B12 alone at baseline": (B12 + "290 homocysteine=5", "b12_only"),
    "B12 alone at the visit": (CASE + "290 b12=900", "b12_only"),
    "nothing at baseline": ("200 dose; 201 b12=100; 290 homocysteine=5", "no_baseline"),
    "1 day after the dose": ("200 dose; 201 b12=100 homocysteine=20; 290 homocysteine=5", "baseline_post_dose"),
    "14 days after the dose": (B12 + "214 homocysteine=20; 290 homocysteine=5", "baseline_post_dose"),
    "15 days after the dose": (B12 + "215 homocysteine=20; 290 homocysteine=5", "b12_only"),
    "before, and another one after the dose": (CASE + "203 mma=4; 290 homocysteine=5", "recovered"),
    "nothing at the visit": (CASE, "no_follow_up"),
    "between the windows": (CASE + "330 homocysteine=5", "out_of_window"),
    "a blood count only": (CASE + "290 haemoglobin=120", "no_follow_up"),
    "died": (CASE + "250 status died", "died"),
    "moved": (CASE + "250 status moved", "lost"),
    "a doubtful unit at baseline": (B12 + "199 homocysteine=20!unit_unconfirmed", "unit_unconfirmed"),
    "an open bound at baseline": (B12 + "199 homocysteine=<9; 290 homocysteine=5", "censored_undecidable"),
    "low folate at the visit": (CASE + "290 homocysteine=5 folate=3", "no_follow_up"),
    "the mother's values": (CASE + "290 mother homocysteine=5 mma=0.1", "no_follow_up"),
    "the mother's beside the infant's": (CASE + "290 homocysteine=5; 290 mother homocysteine=50 mma=9", "recovered"),
}

ANAEMIC = B12 + "199 haemoglobin=90; "
LARGE = B12 + "199 haemoglobin=110 mcv=100; "
HAEMATOLOGICAL = {
    "at the cut-off": (ANAEMIC + "290 haemoglobin=105", "recovered"),
    "below it, 10 g/L more": (ANAEMIC + "290 haemoglobin=100", "improved"),
    "below it, less than 10 g/L more": (ANAEMIC + "290 haemoglobin=99.9", "not_recovered"),
    "on day 3": (B12 + "203 haemoglobin=90; 290 haemoglobin=110", "recovered"),
    "on day 4": (B12 + "204 haemoglobin=90; 290 haemoglobin=110", "baseline_post_dose"),
    "large cells": (LARGE + "290 haemoglobin=112 mcv=95", "recovered"),
    "large cells still": (LARGE + "290 haemoglobin=112 mcv=96", "not_recovered"),
    "large cells not measured again": (LARGE + "290 haemoglobin=112", "no_follow_up"),
    "large cells, no haemoglobin": (LARGE + "290 mcv=90", "no_follow_up"),
    "small cells later mean iron": (ANAEMIC + "290 haemoglobin=110 mcv=60", "recovered"),
    "large cells for the first time": (ANAEMIC + "199 mcv=90; 290 haemoglobin=110 mcv=99", "recovered"),
    "no anaemia": (B12 + "199 haemoglobin=105 mcv=80; 290 haemoglobin=90", "not_affected"),
    "no blood count": (CASE + "290 haemoglobin=90", "no_baseline"),
    "transfused 90 days before": (ANAEMIC + "200 transfused; 290 haemoglobin=110", "transfused"),
    "transfused 91 days before": (ANAEMIC + "199 transfused; 290 haemoglobin=110", "recovered"),
    "transfused before the baseline": (ANAEMIC + "198 transfused; 290 haemoglobin=110", "transfused"),
    "the mother was transfused": (ANAEMIC + "200 transfused mother; 290 haemoglobin=110", "recovered"),
    "the mother's blood count": (ANAEMIC + "290 mother haemoglobin=140", "no_follow_up"),
}


def states(dimension: str, stories: dict[str, tuple[str, str]]) -> dict[str, str]:
    found = table("recovery", {title: story for title, (story, _) in stories.items()})
    told = {title: one(rows, visit="months_3", dimension=dimension) for title, rows in found.items()}
    assert all((row["state"] == "not_assessable") == (row["reason"] is not None) for row in told.values())
    return {title: row["reason"] or row["state"] for title, row in told.items()}


def test_biochemical_recovery_at_3_months() -> None:
    assert states("biochemical", BIOCHEMICAL) == expected(BIOCHEMICAL)


def test_haematological_recovery_at_3_months() -> None:
    assert states("haematological", HAEMATOLOGICAL) == expected(HAEMATOLOGICAL)


def test_at_risk_is_known_unknown_or_not() -> None:
    stories = {"yes": CASE, "no": B12 + "199 homocysteine=5", "unknown": B12, "after": B12 + "203 mma=4"}
    found = {
        title: one(rows, visit="months_3", dimension="biochemical")["is_at_risk"]
        for title, rows in table("recovery", stories).items()
    }
    assert found == {"yes": True, "no": False, "unknown": None, "after": True}


def test_what_is_not_due_yet_is_not_assessable() -> None:
    told = one(table("recovery", {"one": CASE}, one=300)["one"], visit="months_3", dimension="biochemical")
    assert (told["is_at_risk"], told["state"], told["reason"]) == (True, "not_assessable", "not_due")


def test_haemoglobin_under_6_months_has_no_cut_off() -> None:
    stories = {
        "before": "100 dose; 99 b12=100 haemoglobin=80 mcv=85; 190 haemoglobin=110",
        "before, with large cells": "100 dose; 99 b12=100 haemoglobin=80 mcv=99; 190 haemoglobin=110 mcv=85",
        "before and after": "70 dose; 69 b12=100 mcv=99; 160 haemoglobin=110 mcv=85",
    }
    found = {
        title: one(rows, visit="months_3", dimension="haematological")
        for title, rows in table("recovery", stories).items()
    }
    assert {title: (row["is_at_risk"], row["reason"] or row["state"]) for title, row in found.items()} == {
        "before": (None, "no_cut_off"),
        "before, with large cells": (True, "recovered"),
        "before and after": (True, "no_cut_off"),
    }


def test_haemoglobin_is_compared_as_at_sea_level_before_and_after() -> None:
    cohort = Cohort()
    story = B12 + "199 haemoglobin=108; 290 haemoglobin=112"
    low, high = (cohort.infant(elevation_m=metres).tell(story) for metres in (0, 2240))
    connection = cohort.build("research.recovery")
    found = rows(connection, "FROM research.recovery WHERE visit = 'months_3' AND dimension = 'haematological'")
    connection.close()
    assert one(found, subject_key=low.key)["state"] == "not_affected"
    assert one(found, subject_key=high.key)["state"] == "not_recovered"


def test_a_limit_that_changed_with_age_is_flagged() -> None:
    stories = {
        "changed": "300 dose; 299 b12=100 mma=2 homocysteine=20; 390 mma=0.8 homocysteine=5",
        "same": CASE + "199 mma=2; 290 homocysteine=5 mma=1",
    }
    found = {
        title: one(rows, visit="months_3", dimension="biochemical")
        for title, rows in table("recovery", stories).items()
    }
    assert (found["changed"]["state"], found["changed"]["is_reference_band_changed"]) == ("improved", True)
    assert (found["same"]["state"], found["same"]["is_reference_band_changed"]) == ("recovered", False)


def test_recovery_is_asked_of_treated_cases_only() -> None:
    found = table(
        "recovery",
        {
            "case": CASE + "290 homocysteine=5; 295 mma=0.2",
            "untreated": "199 b12=100 homocysteine=20",
            "none": "199 b12=300; 200 dose",
            "suspected": "200 dose; 195 sign tremor; 0- fed exclusive",
        },
    )
    assert {title for title, told in found.items() if told} == {"case", "suspected"}
    assert {row["is_primary_case"] for row in found["case"]} == {True}
    assert {row["is_primary_case"] for row in found["suspected"]} == {False}
    assert len(found["case"]) == 13  # four dimensions at three visits, and imaging
    told = one(found["case"], visit="months_3", dimension="biochemical")
    assert (told["study_day"], told["age_days"]) == (95, 295)  # of the latest marker
