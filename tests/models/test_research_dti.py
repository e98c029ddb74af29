"""Diffusion imaging before and after: which scan counts, what is compared with what, and what is only shown.

Treatment starts at 200 days in every story, so study day 90 is age 290.
"""

from typing import Any
from uuid import UUID

import pytest

from tests.models.built import rows
from tests.models.cohort import Cohort, Infant

Row = dict[str, Any]
BEFORE, AFTER = 200, 300


@pytest.fixture
def infant() -> Infant:
    return Cohort().infant().tell("200 dose")


def table(name: str, infant: Infant) -> list[Row]:
    connection = infant.cohort.build(f"research.{name}")
    found = rows(connection, f"FROM research.{name} ORDER BY ALL")
    connection.close()
    return found


def scan(infant: Infant, age: int, metrics: str = "fa", value: object = "0.3", **fields: Any) -> UUID:
    key = infant.cohort.key()
    for metric in metrics.split():
        infant.imaged(age, key, metric, value, **fields)
    return key


def chosen(infant: Infant) -> dict[str, UUID]:
    return {row["visit"]: row["scan_key"] for row in table("dti_scans", infant) if row["is_chosen"]}


def change(infant: Infant) -> Row:
    (row,) = table("dti_changes", infant)
    return row


# -- which scan counts ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "visit"),
    [
        (-31, "unscheduled"),
        (-30, "before"),
        (14, "before"),
        (15, "unscheduled"),
        (89, "unscheduled"),
        (90, "after"),
        (365, "after"),
        (366, "unscheduled"),
    ],
)
def test_a_scan_belongs_to_a_window_by_its_day(infant: Infant, day: int, visit: str) -> None:
    scan(infant, 200 + day)
    (found,) = table("dti_scans", infant)
    assert (found["study_day"], found["visit"], found["is_chosen"]) == (day, visit, visit != "unscheduled")


def test_of_the_window_before_the_passed_then_the_fuller_then_the_earlier_scan_counts(infant: Infant) -> None:
    scan(infant, 180, "fa md ad rd", "0.001", quality="warn")
    scan(infant, 190)
    scan(infant, 200, "fa md", "0.001")
    fuller = scan(infant, 195, "fa md", "0.001")
    assert chosen(infant) == {"before": fuller}


def test_after_the_earliest_counts_and_of_one_day_the_fuller(infant: Infant) -> None:
    scan(infant, 290, minute_of_day=500)
    scan(infant, 290, "fa md", "0.001", minute_of_day=620)
    fuller = scan(infant, 290, "fa md", "0.001", minute_of_day=610)
    scan(infant, 380, "fa md ad rd", "0.001")
    assert chosen(infant) == {"after": fuller}


def test_a_failed_scan_is_shown_and_never_chosen(infant: Infant) -> None:
    scan(infant, BEFORE, quality="fail")
    assert [(row["quality"], row["is_usable"]) for row in table("dti_scans", infant)] == [("fail", False)]
    assert chosen(infant) == {}
    assert table("dti_changes", infant) == []


def test_a_scan_of_doubtful_units_alone_is_not_usable(infant: Infant) -> None:
    scan(infant, BEFORE, is_usable=False, unusable_reason="unit_unconfirmed")
    assert chosen(infant) == {}


@pytest.mark.parametrize(
    ("fields", "fact"),
    [
        ({"age": 201}, "day"),
        ({"quality": "warn"}, "quality"),
        ({"scanner_model": "two"}, "scanner_model"),
        ({"field_strength_t": 1}, "field_strength_t"),
        ({"directions": 64}, "directions"),
        ({"voxel_mm": "2.5"}, "voxel_mm"),
        ({"b_values": [0, 700]}, "b_values"),
        ({"sedation": "sedated"}, "sedation"),
    ],
)
def test_the_events_of_one_scan_say_the_same_of_it(infant: Infant, fields: Row, fact: str) -> None:
    said: Row = {"directions": 32, "voxel_mm": 2, "b_values": [0, 1000], "sedation": "none"}
    key = scan(infant, BEFORE, **said)
    age = fields.get("age", BEFORE)
    told = {name: value for name, value in (said | fields).items() if name != "age"}
    infant.imaged(age, key, "md", "0.001", **told)
    (found,) = table("dti_scans", infant)
    assert (found["disagreements"], found["is_usable"], found["is_chosen"]) == ([fact], False, False)


def test_an_event_that_leaves_a_fact_out_contradicts_nothing(infant: Infant) -> None:
    key = scan(infant, BEFORE)
    infant.imaged(BEFORE, key, "md", "0.001", scanner_model=None, field_strength_t=None, quality=None)
    scan(infant, AFTER, "md", "0.001")
    assert [row["disagreements"] for row in table("dti_scans", infant)] == [[], []]
    (found,) = (row for row in table("dti_changes", infant) if row["metric"] == "md")
    assert found["is_in_primary_contrast"]


def test_a_scan_belongs_to_one_subject(infant: Infant) -> None:
    key = scan(infant, BEFORE)
    infant.cohort.infant().tell("200 dose").imaged(BEFORE, key, "fa", "0.3")
    assert [row["disagreements"] for row in table("dti_scans", infant)] == [["subject"], ["subject"]]


def test_the_mother_s_treatment_makes_no_scan_a_baseline() -> None:
    mothers = Cohort().infant().tell("200 dose mother")
    scan(mothers, BEFORE)
    assert [row["visit"] for row in table("dti_scans", mothers)] == [None]


# -- what is compared -------------------------------------------------------------------------------------------------


def test_a_pair_has_its_change_and_the_caveat(infant: Infant) -> None:
    scan(infant, BEFORE, value="0.30")
    scan(infant, AFTER, value="0.38")
    found = change(infant)
    assert float(found["change"]) == pytest.approx(0.08)
    assert (found["reason"], found["is_in_primary_contrast"]) == (None, True)
    assert "not separable from maturation" in found["caveat"]


@pytest.mark.parametrize(
    "other",
    [
        {"method": "tbss"},
        {"side": "right"},
        {"region": "precentral_gyrus"},
        {"atlas": "other"},
        {"atlas_version": "2.0"},
        {"metrics": "md", "value": "0.001"},
    ],
    ids=lambda other: next(iter(other)),
)
def test_like_is_compared_with_like_alone(infant: Infant, other: Row) -> None:
    scan(infant, BEFORE)
    scan(infant, AFTER, **other)
    found = table("dti_changes", infant)
    assert sorted((row["reason"], row["change"]) for row in found) == [("no_baseline", None), ("no_follow_up", None)]
    assert not any(row["is_in_primary_contrast"] for row in found)


@pytest.mark.parametrize(
    ("fields", "flag"),
    [
        ({"scanner_model": "two"}, "is_scanner_changed"),
        ({"field_strength_t": 1}, "is_field_strength_changed"),
        ({"pipeline": "other"}, "is_pipeline_changed"),
        ({"pipeline_version": "7"}, "is_pipeline_changed"),
        ({"pipeline_version": None}, "is_protocol_unknown"),
        ({"scanner_model": None}, "is_protocol_unknown"),
    ],
)
def test_another_protocol_keeps_the_pair_and_leaves_the_primary_contrast(
    infant: Infant, fields: Row, flag: str
) -> None:
    scan(infant, BEFORE)
    scan(infant, AFTER, **fields)
    found = change(infant)
    assert (found["change"], found["reason"], found["is_in_primary_contrast"]) == (0, None, False)
    flags = ("is_scanner_changed", "is_field_strength_changed", "is_pipeline_changed", "is_protocol_unknown")
    assert [name for name in flags if found[name]] == [flag]


def test_several_values_of_one_place_are_no_value(infant: Infant) -> None:
    scan(infant, BEFORE)
    infant.imaged(AFTER, scan(infant, AFTER), "fa", "0.4")
    assert (change(infant)["change"], change(infant)["reason"]) == (None, "several_values")


def both(infant: Infant, age: int, *sides: tuple[str, str]) -> None:
    key = infant.cohort.key()
    for side, value in sides:
        infant.imaged(age, key, "fa", value, side=side)


def test_a_mean_of_both_sides_needs_both_at_both_visits(infant: Infant) -> None:
    both(infant, BEFORE, ("left", "0.2"), ("right", "0.3"))
    both(infant, AFTER, ("left", "0.4"), ("right", "0.7"))
    (mean,) = (row for row in table("dti_changes", infant) if row["is_derived"])
    assert (float(mean["before_value"]), float(mean["after_value"])) == (0.25, 0.55)
    assert (mean["side"], mean["is_in_primary_contrast"]) == ("bilateral_mean", True)


@pytest.mark.parametrize("missing", ["left", "right"])
def test_one_side_is_no_mean_and_a_mean_that_was_sent_is_its_own(infant: Infant, missing: str) -> None:
    both(infant, BEFORE, ("left", "0.2"), ("right", "0.3"), ("bilateral_mean", "0.25"))
    both(infant, AFTER, *[(side, "0.4") for side in ("left", "right", "bilateral_mean") if side != missing])
    found = [row for row in table("dti_changes", infant) if row["side"] == "bilateral_mean"]
    assert [(row["is_derived"], float(row["change"])) for row in found] == [(False, pytest.approx(0.15))]


# -- whether a tensor fits itself -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ad", "md", "rd", "fa", "told"),
    [
        ("0.0015", "0.001100", "0.0009", "0.30", []),
        ("0.0015", "0.001122", "0.0009", "0.30", []),  # 1.96 % apart
        ("0.0015", "0.001123", "0.0009", "0.30", ["is_md_apart"]),  # 2.05 %
        ("0.0009", "0.001100", "0.0012", "0.30", ["is_out_of_order", "is_fa_doubtful"]),
        ("0.0015", "0.001100", "0.0009", "0.60", ["is_fa_doubtful"]),
        ("0.0010", "0.001000", "0.0010", "0.05", []),
    ],
)
def test_md_is_held_hard_and_fa_softly_against_ad_and_rd(
    infant: Infant, ad: str, md: str, rd: str, fa: str, told: list[str]
) -> None:
    for age in (BEFORE, AFTER):
        key = infant.cohort.key()
        for metric, value in (("ad", ad), ("md", md), ("rd", rd), ("fa", fa)):
            infant.imaged(age, key, metric, value)
    tensor, _ = table("dti_tensors", infant)
    assert [name for name in ("is_md_apart", "is_out_of_order", "is_fa_doubtful") if tensor[name]] == told
    hard = bool({"is_md_apart", "is_out_of_order"} & set(told))
    primary = {row["metric"]: row["is_in_primary_contrast"] for row in table("dti_changes", infant)}
    assert primary == {"ad": not hard, "md": not hard, "rd": not hard, "fa": True}
