"""Doses in their order, adherence to what was due, and how infant and mother ate at diagnosis.

Treatment starts at 200 days in every story, so study day 13 is age 213.
"""

from decimal import Decimal
from typing import Any

from tests.models.built import rows
from tests.models.cohort import Cohort, Infant
from tests.models.titled import by_title

Row = dict[str, Any]


def table(name: str, stories: dict[str, str], **cut_offs: int) -> dict[str, list[Row]]:
    cohort = Cohort()
    infants = {
        title: cohort.infant(cut_off_age_days=cut_offs.get(title, 900)).tell(story) for title, story in stories.items()
    }
    with cohort.build(f"research.{name}") as connection:
        return by_title(connection, infants, f"FROM research.{name}")


def days(first: int, last: int, what: str = "dose") -> str:
    return "; ".join(f"{age} {what}" for age in range(first, last + 1))


# -- doses ------------------------------------------------------------------------------------------------------------


def test_the_doses_of_an_infant_stand_in_their_order_with_those_that_were_missed() -> None:
    story = "200@600 dose; 200@540 dose maintenance 5ug; 207 dose missed; 214 dose refused; 230 dose po"
    found = table("dose_series", {"one": story + "; 203 dose mother; 204 dose iron"})["one"]
    assert [
        (row["dose_number"], row["study_day"], row["status"], row["since_given_days"], row["is_therapeutic"])
        for row in sorted(found, key=lambda row: row["dose_number"])
    ] == [
        (1, 0, "given", None, False),
        (2, 0, "given", 0, True),
        (3, 7, "missed", 7, False),
        (4, 14, "refused", 14, False),
        (5, 30, "given", 30, True),
    ]


def test_a_dose_without_any_date_has_no_place() -> None:
    cohort = Cohort()
    infant = cohort.infant().tell("200 dose; 210 dose")
    infant.dose(0, status="missed", ug=None, age_days=None)
    with cohort.build("research.dose_series", "research.adherence") as connection:
        found = rows(connection, "FROM research.dose_series ORDER BY dose_number NULLS LAST")
        (adherence,) = rows(connection, "FROM research.adherence")
    assert [row["dose_number"] for row in found] == [1, 2, None]
    assert (adherence["doses_due"], adherence["doses_given"], adherence["longest_gap_days"]) == (3, 2, 10)


# -- adherence --------------------------------------------------------------------------------------------------------


def test_what_was_given_is_counted_against_what_the_site_said_was_due() -> None:
    found = table(
        "adherence",
        {
            "all": "200 dose; 207 dose",
            "half": "200 dose; 207 dose missed; 214 dose; 221 dose refused",
            "the longest gap ends where a dose was due": "200 dose; 210 dose; 240 dose missed",
            "none": "200 dose missed",
            "the mother's alone": "200 dose mother; 207 dose mother missed",
            "iron alone": "200 dose iron",
        },
    )
    told = {title: [(r["doses_given"], r["doses_due"], r["longest_gap_days"]) for r in f] for title, f in found.items()}
    assert told == {
        "all": [(2, 2, 7)],
        "half": [(2, 4, 14)],
        "the longest gap ends where a dose was due": [(2, 3, 30)],
        "none": [(0, 1, None)],
        "the mother's alone": [],
        "iron alone": [],
    }
    assert found["half"][0]["given_share"] == Decimal("0.5")
    assert (found["half"][0]["doses_missed"], found["half"][0]["doses_refused"]) == (1, 1)


REGIMENS = {
    "fourteen days": (days(200, 213), "daily_injections"),
    "ten of fourteen": (days(200, 209), "daily_injections"),
    "nine of them": (days(200, 208), "daily_weekly_monthly"),
    "five": (days(200, 204), "daily_weekly_monthly"),
    "four": (days(200, 203), None),
    "five of which one on day 13": (days(200, 203) + "; 213 dose", "daily_weekly_monthly"),
    "and one on day 14": (days(200, 203) + "; 214 dose", None),
    "seven of which four missed": (days(200, 202) + "; " + days(203, 206, "dose missed"), "daily_weekly_monthly"),
    "missed maintenance": (days(200, 203) + "; 204 dose maintenance missed", None),
    "ten by mouth": (days(200, 209, "dose po"), None),
    "five of 500": (days(200, 204, "dose po 500ug"), "five_of_500"),
    "five of 499": (days(200, 204, "dose po 499ug"), None),
    "one of 400": ("200 dose 400ug; 207 dose po maintenance 2.5ug", "single_of_400"),
    "one of 1,000": ("200 dose", None),
    "to the mother": (days(200, 213, "dose mother"), None),
}


def test_a_regimen_is_told_by_the_therapeutic_doses_of_days_0_to_13() -> None:
    found = table("regimen_steps", {title: story for title, (story, _) in REGIMENS.items()})
    told = {title: next(iter({row["regimen"] for row in rows}), None) for title, rows in found.items()}
    assert told == {title: regimen for title, (_, regimen) in REGIMENS.items()}


WEEK = days(200, 206)
"""Of the regimen that goes on with four doses on days 7 to 41 and five on days 42 to 201."""

STEPS = [
    (206, WEEK, []),
    (207, days(200, 202) + "; " + days(203, 206, "dose refused"), [(7, 3)]),
    (207, WEEK, [(7, 7)]),
    (241, WEEK, [(7, 7)]),
    (242, WEEK, [(7, 7), (4, 0)]),
    (242, WEEK + "; 207 dose; 241 dose", [(7, 7), (4, 2)]),
    (242, WEEK + "; 242 dose", [(7, 7), (4, 0)]),
    (242, days(200, 208), [(7, 7), (4, 2)]),
    (242, WEEK + "; 210 dose mother", [(7, 7), (4, 0)]),
    (401, WEEK, [(7, 7), (4, 0)]),
    (402, WEEK, [(7, 7), (4, 0), (5, 0)]),
    (402, WEEK + "; 241 status moved", [(7, 7)]),
    (402, WEEK + "; 242 status moved", [(7, 7), (4, 0)]),
    (402, WEEK + "; 230 status died", [(7, 7)]),
]


def test_a_step_counts_when_it_is_over_and_the_infant_had_not_left() -> None:
    names = [f"as of {cut_off}: {story[-40:]}" for cut_off, story, _ in STEPS]
    stories = {name: story for name, (_, story, _) in zip(names, STEPS, strict=True)}
    cut_offs = {name: cut_off for name, (cut_off, _, _) in zip(names, STEPS, strict=True)}
    found = table("regimen_steps", stories, **cut_offs)
    told = {
        name: [(row["doses_due"], row["doses_met"]) for row in sorted(rows, key=lambda row: row["step_order"])]
        for name, rows in found.items()
    }
    assert told == {name: steps for name, (_, _, steps) in zip(names, STEPS, strict=True)}


def test_more_doses_than_a_step_asks_for_do_not_make_up_for_another() -> None:
    (row,) = table("adherence", {"one": days(200, 206) + "; " + days(207, 212)}, one=242)["one"]
    assert (row["regimen"], row["regimen_doses_due"]) == ("daily_injections", 14)
    (row,) = table("adherence", {"one": days(200, 205) + "; " + days(215, 224)}, one=242)["one"]
    assert (row["regimen_doses_due"], row["regimen_doses_met"]) == (11, 10)
    assert row["regimen_share"].quantize(Decimal("0.001")) == Decimal("0.909")


# -- at diagnosis -----------------------------------------------------------------------------------------------------

INDEX = "150 b12=100 homocysteine=20; "

AT_DIAGNOSIS = {
    "ended the day before": (INDEX + "0-149 fed exclusive vegan", (150, True, None, None, None)),
    "ends on the day": (INDEX + "0-150 fed exclusive vegan", (150, True, "exclusive", "vegan", True)),
    "begins on the day": (INDEX + "150- fed exclusive omnivore", (150, True, "exclusive", "omnivore", False)),
    "begins the day after": (INDEX + "151- fed exclusive vegan", (150, True, None, None, None)),
    "the latest that tells": (
        INDEX + "0- fed exclusive lacto_vegetarian; 120- fed mixed",
        (150, True, "mixed", "lacto_vegetarian", True),
    ),
    "reported by the site": (INDEX + "0-160 fed exclusive; 161- fed mixed", (161, False, "mixed", None, None)),
    "no case": ("0- fed exclusive", None),
    "the mother's deficiency": ("150 mother b12=100; 0- fed exclusive", None),
}


def test_the_period_that_holds_the_day_of_diagnosis_tells_how_infant_and_mother_ate() -> None:
    cohort = Cohort()
    infants = {
        title: cohort.infant(diagnosed_age_days=161 if title == "reported by the site" else None).tell(story)
        for title, (story, _) in AT_DIAGNOSIS.items()
    }
    with cohort.build("research.feeding_at_diagnosis") as connection:
        found = by_title(connection, infants, "FROM research.feeding_at_diagnosis")
    names = ("diagnosis_age_days", "is_index_date", "infant_feeding", "mother_diet", "is_mother_vegetarian")
    told = {title: [tuple(row[name] for name in names) for row in rows] for title, rows in found.items()}
    assert told == {title: [answer] if answer else [] for title, (_, answer) in AT_DIAGNOSIS.items()}
    assert found["begins the day after"][0]["record_keys"] == []


# -- mothers ----------------------------------------------------------------------------------------------------------


def twins(cohort: Cohort, *, apart: int = 0) -> tuple[Infant, Infant]:
    """Children of one mother, the second born so many days earlier."""
    mother = cohort.key()
    return (
        cohort.infant(family_key=mother, cut_off_age_days=900),
        cohort.infant(family_key=mother, cut_off_age_days=900 + apart),
    )


def test_what_is_reported_under_both_twins_is_one_value_of_their_mother() -> None:
    cohort = Cohort()
    one, other = twins(cohort)
    for twin in (one, other):
        twin.tell("100 mother b12=90; 100 mother b12=90; 130 mother b12=200; 100 b12=120; 0- fed exclusive vegan")
        twin.tell("200 dose mother; 207 dose mother missed; 221 dose mother")
        twin.add("feeding", infant="exclusive", start_age_days=150, end_age_days=159, maternal_b12_ug_per_day=2)
    other.tell("131 mother b12=200")
    with cohort.build("research.maternal_results", "research.maternal_adherence", "research.maternal_intake") as found:
        results = rows(found, "FROM research.maternal_results ORDER BY value, ages")
        doses = rows(found, "FROM research.maternal_doses ORDER BY series_day")
        adherence = rows(found, "FROM research.maternal_adherence")
        intake = rows(found, "FROM research.maternal_intake ORDER BY period_days NULLS FIRST")
    assert [(row["value"], row["ages"]) for row in results] == [
        (90, [100, 100]),
        (90, [100, 100]),
        (200, [130, 130]),
        (200, [131]),
    ]
    assert all(len(row["subject_keys"]) == len(row["record_keys"]) == len(row["ages"]) for row in results)
    assert [(row["series_day"], row["status"], row["since_given_days"]) for row in doses] == [
        (0, "given", None),
        (7, "missed", 7),
        (21, "given", 21),
    ]
    assert [(r["doses_given"], r["doses_due"], r["longest_gap_days"]) for r in adherence] == [(2, 3, 21)]
    assert [(r["mother_diet"], r["maternal_b12_ug_per_day"], r["period_days"]) for r in intake] == [
        ("vegan", None, None),
        (None, 2, 10),
    ]


def test_siblings_of_different_ages_share_what_was_measured_on_one_day() -> None:
    cohort = Cohort()
    younger, older = twins(cohort, apart=100)
    younger.tell("30 mother b12=90; 100 dose mother")
    older.tell("130 mother b12=90; 200 dose mother")
    with cohort.build("research.maternal_results", "research.maternal_doses") as found:
        (result,) = rows(found, "FROM research.maternal_results")
        (dose,) = rows(found, "FROM research.maternal_doses")
    assert (result["ages"], dose["ages"]) == ([30, 130], [100, 200])


def test_without_a_mother_s_code_nobody_shares() -> None:
    cohort = Cohort()
    for _ in range(2):
        cohort.infant().tell("100 mother b12=90; 200 dose mother")
    with cohort.build("research.maternal_results", "research.maternal_doses") as found:
        assert len(rows(found, "FROM research.maternal_results")) == 2
        assert len(rows(found, "FROM research.maternal_doses")) == 2
