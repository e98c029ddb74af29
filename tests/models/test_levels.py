"""The level of a site's results beside its own at another time and the other sites': what is asked, and what is not."""

from datetime import date, timedelta
from math import exp
from typing import Any

import pytest

from contracts.codes import loinc_codes
from contracts.history_rules import history_rules
from tests.models.built import rows
from tests.models.levels_fixture import DAYS, FIRST, SITES, Answer, Result, cohort, levels, slipped, slips, staged

MIDDLE = FIRST + timedelta(days=DAYS // 2)
END = FIRST + timedelta(days=DAYS)
ONE = "CCC01"
RULE = "b12_level_pg_per_ml_as_pmol_per_l"
OTHER_RULE = "b12_level_pmol_per_l_as_pg_per_ml"


def asked(results: list[Result], **told: Any) -> list[tuple[str, str]]:
    """Site and rule of every open question."""
    found = rows(staged(results, **told), "SELECT site, rule FROM staging.questions")
    return [(each["site"], each["rule"]) for each in found]


@pytest.mark.parametrize("seed", range(2))
def test_equal_sites_are_asked_nothing(seed: int) -> None:
    assert asked(cohort(seed)) == []


def test_a_unit_wrong_from_the_beginning_is_found_beside_the_others_and_asked_once() -> None:
    wrong = slipped(cohort(1), ONE)
    assert slips(wrong) == {(ONE, "others")}
    assert asked(wrong) == [(ONE, RULE)]


def test_a_unit_wrong_from_a_day_on_is_found_and_asked_at_the_first_result_since() -> None:
    wrong = slipped(cohort(0, 400), ONE, MIDDLE)
    [row] = [row for row in levels(wrong) if row["rule"] and row["against"] == "itself"]
    assert (row["site"], row["is_later"], row["persons"] + row["persons_against"]) == (ONE, True, 400)
    assert 1.2 < exp(row["log_shift"]) < 1.55
    assert abs((row["from_day"] - MIDDLE).days) < 60
    [hit] = rows(
        staged(wrong), "SELECT l.* FROM staging.questions JOIN staging.current_lab_result AS l USING (delivery)"
    )
    assert (hit["site"], hit["unit"], hit["collected_date"]) == (ONE, "pmol/L", row["from_day"])


def test_a_unit_wrong_until_a_day_is_found_in_what_came_before() -> None:
    right, wrong = cohort(0, 400), slipped(cohort(0, 400), ONE)
    mended = [b if b.collected_date < MIDDLE else a for a, b in zip(right, wrong, strict=True)]
    [row] = [row for row in levels(mended) if row["rule"] and row["against"] == "itself"]
    assert (row["site"], row["is_later"], row["rule"]) == (ONE, False, RULE)


def test_pmol_sent_as_pg_is_found_too() -> None:
    right = [
        each._replace(loinc="2132-9", unit="ng/L", value=round(each.value / 0.737806))
        if each.unit == "pmol/L"
        else each
        for each in cohort(2)
    ]
    wrong = [
        each._replace(value=round(each.value * 0.737806)) if each.site == ONE and each.unit == "ng/L" else each
        for each in right
    ]
    assert asked(right) == []
    assert asked(wrong) == [(ONE, OTHER_RULE)]


def test_mended_results_ask_nothing() -> None:
    right = cohort(1)
    assert asked(slipped(right, ONE)) == [(ONE, RULE)]
    assert asked(slipped(slipped(right, ONE), ONE, factor=1 / 1.35537)) == []


def confirmed(results: list[Result], at: date, **changes: Any) -> Answer:
    """An answer about one result of the level, not the first."""
    record = [each.record_key for each in results if each.site == ONE and each.unit == "pmol/L"][7]
    return Answer(ONE, record, RULE, at)._replace(**changes)


@pytest.mark.parametrize(
    ("changes", "days", "is_open"),
    [
        ({}, 365, False),
        ({}, 366, True),
        ({"until_date": END + timedelta(days=20)}, 20, False),
        ({"until_date": END + timedelta(days=20)}, 21, True),
        ({"until_date": END + timedelta(days=900)}, 800, False),
        ({"rule": OTHER_RULE}, 1, True),
        ({"site": SITES[0]}, 1, True),
        ({"event_time": FIRST - timedelta(days=1)}, 0, True),
    ],
)
def test_an_answer_about_one_result_holds_for_the_level_until_its_day(
    changes: dict[str, Any], days: int, is_open: bool
) -> None:
    wrong = slipped(cohort(1), ONE)
    told = {"answers": [confirmed(wrong, END, **changes)], "cut_off": END + timedelta(days=days)}
    assert asked(wrong, **told) == ([(ONE, RULE)] if is_open else [])


def test_an_answer_from_before_a_level_began_does_not_answer_for_it() -> None:
    wrong = slipped(cohort(0, 400), ONE, MIDDLE)
    early = MIDDLE - timedelta(days=90)
    assert asked(wrong, answers=[confirmed(wrong, early)]) == [(ONE, RULE)]
    assert asked(wrong, answers=[confirmed(wrong, END)]) == []


def test_few_results_or_few_other_sites_ask_nothing() -> None:
    wrong = slipped(cohort(1), ONE)
    few = [each for each in wrong if each.site != ONE or each.delivery // 2 % 200 < 29]
    enough = [each for each in wrong if each.site != ONE or each.delivery // 2 % 200 < 30]
    assert ONE not in {row["site"] for row in levels(few)}
    assert ONE in {row["site"] for row in levels(enough)}
    assert asked([each for each in wrong if each.site in (ONE, *SITES[:2])]) == []


def test_a_factor_that_is_no_unit_s_asks_nothing() -> None:
    assert asked(slipped(cohort(1), ONE, factor=3)) == []
    assert asked(slipped(cohort(1), ONE, factor=1 / 1.35537)) == [], "no unit is read so low in pmol/L"


def test_a_site_that_tests_healthier_infants_is_asked_nothing() -> None:
    """Its B12 is as high as a slip would make it, and its homocysteine is low."""
    others = [each for each in cohort(1, share=0.6) if each.site != ONE]
    healthier = [each._replace(delivery=each.delivery + 10_000) for each in cohort(2, share=0.3) if each.site == ONE]
    silent = [each for each in healthier if each.unit == "pmol/L"]
    assert asked(others + silent) == [(ONE, RULE)], "it would be, if nobody knew of the homocysteine"
    assert asked(others + healthier) == []


def test_a_result_after_a_dose_is_not_read() -> None:
    wrong = slipped(cohort(1), ONE)
    days = {each.subject_key: each.collected_date for each in wrong if each.site == ONE}
    assert asked(wrong, doses=days) == [(ONE, RULE)], "on the day of the first dose it was taken before"
    assert asked(wrong, doses={subject: day - timedelta(days=1) for subject, day in days.items()}) == []


def test_a_person_counts_once_by_the_first_result() -> None:
    right = cohort(1)
    again = [
        each._replace(
            delivery=each.delivery + 10_000, collected_date=each.collected_date + timedelta(days=1), value=9999
        )
        for each in right
        if each.site == ONE
    ]
    assert sorted(map(str, levels(right + again))) == sorted(map(str, levels(right)))


def test_a_mother_s_level_is_hers() -> None:
    right, wrong = cohort(1), slipped(cohort(1), ONE)
    mothers = [each._replace(person="mother", delivery=each.delivery + 10_000) for each in wrong]
    found = [(row["site"], row["person"]) for row in levels(right + mothers) if row["rule"]]
    assert found == [(ONE, "mother")]
    infants = [row for row in levels(right + mothers) if row["person"] == "infant"]
    assert sorted(map(str, infants)) == sorted(map(str, levels(right)))


@pytest.mark.parametrize(
    "changes", [{"comparator": "<"}, {"status": "preliminary"}, {"collected_precision": "month"}], ids=str
)
def test_only_an_exact_result_of_a_known_day_is_read(changes: dict[str, str]) -> None:
    assert levels([each._replace(**changes) for each in slipped(cohort(0), ONE, MIDDLE)]) == []


def test_the_order_of_arrival_changes_nothing() -> None:
    results = slipped(cohort(3), ONE, MIDDLE)
    shuffled = sorted(results, key=lambda each: each.record_key)
    assert sorted(map(str, levels(results))) == sorted(map(str, levels(shuffled)))


def test_the_question_names_the_factor_of_the_contract() -> None:
    factor = f"{1 / loinc_codes()['2132-9'].factors['pg/mL']:.3f}"
    for rule in (RULE, OTHER_RULE):
        question = history_rules()["lab_result", rule]
        assert f"B12 stands a factor {factor} too " in question.fix
