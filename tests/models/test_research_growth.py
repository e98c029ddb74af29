"""Growth as z-scores: each edge of age, position and standard; the published values are in test_growth_standard."""

from decimal import Decimal
from typing import Any

import pytest

from tests.models.built import rows
from tests.models.cohort import Cohort, Infant

Row = dict[str, Any]


def scores(*visits: Row, **subject: Any) -> list[Row]:
    """The rows of one subject's visits; ages in days from birth."""
    cohort = Cohort()
    infant = cohort.infant(**subject)
    return of(infant, *visits)


def of(infant: Infant, *visits: Row) -> list[Row]:
    for visit in visits:
        infant.measured(**visit)
    connection = infant.cohort.build("research.growth")
    found = rows(connection, "FROM research.growth ORDER BY age_days, index")
    connection.close()
    return found


def one(*visits: Row, **subject: Any) -> Row:
    (row,) = scores(*visits, **subject)
    return row


def weight(age: int, grams: int = 8000, **fields: Any) -> Row:
    return {"age": age, "weight_g": grams, **fields}


def length(age: int, cm: str, position: str | None = "lying", **fields: Any) -> Row:
    return {"age": age, "length_cm": Decimal(cm), "position": position, **fields}


# -- what there is a row for ------------------------------------------------------------------------------------------


def test_an_index_has_a_row_when_all_that_it_needs_was_measured() -> None:
    whole = {"weight_g": 8000, "length_cm": 70, "position": "lying", "head_circumference_cm": 44}
    assert {row["index"] for row in scores({"age": 200, **whole})} == {
        "weight_for_age",
        "length_for_age",
        "weight_for_length",
        "bmi_for_age",
        "head_circumference_for_age",
    }
    assert [row["index"] for row in scores(weight(200))] == ["weight_for_age"]
    assert [row["index"] for row in scores({"age": 200, "head_circumference_cm": 44})] == ["head_circumference_for_age"]


def test_the_median_is_zero() -> None:
    assert one(length(0, "49.1477"))["z"] == 0
    assert one(length(0, "49.8842"), sex="male")["z"] == 0
    assert one({"age": 0, "head_circumference_cm": Decimal("33.8787")})["z"] == 0


def test_without_a_sex_there_is_no_z_score() -> None:
    found = one(weight(200), sex="unknown")
    assert (found["z"], found["z_uncorrected"], found["reason"]) == (None, None, "sex_missing")


# -- age --------------------------------------------------------------------------------------------------------------


def test_a_preterm_infant_is_compared_at_its_corrected_age_and_the_other_is_kept() -> None:
    found = one(weight(200), gestation_total_days=210)
    at_birth_age = one(weight(200))
    corrected = one(weight(130))
    assert (found["age_used_days"], found["is_age_corrected"], found["corrected_age_days"]) == (130, True, 130)
    assert (found["z"], found["z_uncorrected"]) == (corrected["z"], at_birth_age["z"])
    assert found["z"] > found["z_uncorrected"]


def test_37_weeks_are_term() -> None:
    assert one(weight(200), gestation_total_days=259)["is_age_corrected"] is False
    assert one(weight(200), gestation_total_days=258)["age_used_days"] == 178


def test_an_unknown_gestation_is_taken_as_term_and_said() -> None:
    found = one(weight(200), gestation_total_days=None)
    assert (found["z"], found["corrected_age_days"]) == (one(weight(200))["z"], None)
    assert found["is_gestation_unknown"]


def test_the_correction_ends_with_the_24th_month_of_life() -> None:
    last, first = scores(weight(730, age_months=23), weight(731, age_months=24), gestation_total_days=210)
    assert (last["age_used_days"], first["age_used_days"]) == (660, 731)
    assert first["z"] == first["z_uncorrected"]
    assert first["corrected_age_days"] == 661


def test_before_40_weeks_after_the_last_menstruation_there_is_no_z_score() -> None:
    before, term = scores(weight(69, 2500), weight(70, 2500), gestation_total_days=210)
    assert (before["z"], before["z_uncorrected"], before["reason"]) == (None, None, "before_term")
    assert (term["age_used_days"], term["reason"]) == (0, None)
    assert term["z"] is not None


def test_an_infant_of_38_weeks_is_compared_from_birth() -> None:
    assert one(weight(0, 3000), gestation_total_days=266)["z"] is not None


def test_the_standard_ends_with_60_months() -> None:
    last, beyond = scores(weight(1826, 18000), weight(1827, 18000))
    assert last["z"] is not None
    assert (beyond["z"], beyond["reason"]) == (None, "beyond_standard")


def test_an_age_to_the_month_is_said_to_be_approximate() -> None:
    assert one(weight(200))["is_age_approximate"] is False
    assert one(weight(200), birth_precision="month")["is_age_approximate"]
    assert one(weight(200, measured_precision="month"))["is_age_approximate"]


# -- position ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("age", "position", "added"),
    [
        (273, "standing", "0"),  # nobody stands before 9 months: taken as lying
        (274, "standing", "0.7"),
        (730, "standing", "0.7"),
        (730, "lying", "0"),
        (731, "standing", "0"),
        (731, "lying", "-0.7"),
        (730, None, "0"),
        (731, None, "0"),
    ],
)
def test_a_length_is_converted_to_the_position_of_the_standard(age: int, position: str | None, added: str) -> None:
    found = one(length(age, "80", position))
    assert (found["added_cm"], found["measured"]) == (Decimal(added), 80 + Decimal(added))
    assert found["is_position_assumed"] is (position is None)
    assert found["is_position_implausible"] is (age == 273)


def test_weight_for_length_takes_the_standard_of_the_position() -> None:
    visits = [{"age": age, "weight_g": 11000, "length_cm": 85, "position": "lying"} for age in (730, 731)]
    lying, standing = (row for row in scores(*visits) if row["index"] == "weight_for_length")
    assert (lying["added_cm"], standing["added_cm"]) == (0, Decimal("-0.7"))
    assert lying["z"] == standing["z"]  # 85.0 cm lying is 84.3 cm standing


@pytest.mark.parametrize(
    ("age", "cm", "reason"),
    [
        (200, "44.9", "beyond_standard"),
        (200, "45", None),
        (200, "110", None),
        (200, "110.01", "beyond_standard"),
        (800, "64.9", "beyond_standard"),
        (800, "65", None),
        (800, "120", None),
        (800, "120.1", "beyond_standard"),
    ],
)
def test_weight_for_length_has_ends(age: int, cm: str, reason: str | None) -> None:
    position = "lying" if age < 731 else "standing"
    found = scores({"age": age, "weight_g": 9000, "length_cm": Decimal(cm), "position": position})
    (row,) = (row for row in found if row["index"] == "weight_for_length")
    assert (row["reason"], row["z"] is None) == (reason, reason is not None)


# -- oedema and the implausible ---------------------------------------------------------------------------------------


def test_in_oedema_weight_says_nothing_and_length_does() -> None:
    whole = {"weight_g": 8000, "length_cm": 70, "position": "lying", "head_circumference_cm": 44}
    found = {row["index"]: row["reason"] for row in scores({"age": 200, **whole, "has_oedema": True})}
    assert found == {
        "weight_for_age": "oedema",
        "weight_for_length": "oedema",
        "bmi_for_age": "oedema",
        "length_for_age": None,
        "head_circumference_for_age": None,
    }
    assert one(weight(200, has_oedema=False))["reason"] is None


# Day 0 of a girl: length 49.1477 with a standard deviation of 1.8627, head 33.8787 with 1.1844.
@pytest.mark.parametrize(
    ("visit", "z", "implausible"),
    [
        (length(0, "60.32"), "6.00", False),
        (length(0, "60.35"), "6.01", True),
        (length(0, "37.96"), "-6.01", True),
        ({"age": 0, "head_circumference_cm": Decimal("39.8")}, "5.00", False),
        ({"age": 0, "head_circumference_cm": Decimal("39.82")}, "5.02", True),
    ],
)
def test_who_s_limits_flag_what_lies_beyond_them(visit: Row, z: str, implausible: bool) -> None:
    found = one(visit)
    assert (found["z"], found["is_implausible"]) == (Decimal(z), implausible)


def test_a_number_without_meaning_stops_nothing() -> None:
    assert scores(weight(1826, 0)) == []
    assert one(weight(1826, 10**15))["z"] is None


# -- visits -----------------------------------------------------------------------------------------------------------


def test_the_nearest_plausible_one_counts_for_baseline_and_visit() -> None:
    infant = Cohort().infant().tell("200 dose")
    ages = (169, 170, 198, 202, 214, 215, 275, 288, 292, 320)
    visits = [weight(age, 200 if age == 288 else 8000) for age in ages]
    found = {row["study_day"]: (row["visit"], row["is_chosen"]) for row in of(infant, *visits)}
    assert found == {
        -31: ("unscheduled", False),
        -30: ("baseline", False),
        -2: ("baseline", True),  # as near as day 2, and earlier
        2: ("baseline", False),
        14: ("baseline", False),
        15: ("unscheduled", False),
        75: ("months_3", False),
        88: ("months_3", False),  # as near as day 92, and implausible
        92: ("months_3", True),
        120: ("months_3", False),
    }


def test_without_treatment_there_is_no_visit() -> None:
    found = one(weight(200))
    assert (found["visit"], found["study_day"], found["is_chosen"]) == (None, None, False)


def test_the_mother_s_treatment_makes_no_baseline() -> None:
    infant = Cohort().infant().tell("200 dose mother")
    (found,) = of(infant, weight(200))
    assert found["visit"] is None
