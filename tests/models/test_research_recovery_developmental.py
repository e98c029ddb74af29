"""Developmental recovery: scores within one instrument, edition, domain and kind, each at its edge.

Treatment starts at 200 days in every story, so study day 90 is age 290.
"""

from typing import Any

import pytest

from tests.models.cohort import Cohort
from tests.models.titled import answers, expected, recoveries, told

CASE = "200 dose; 199 b12=100 homocysteine=20; "
LOW = CASE + "199 score 70; "
MOTOR = "bayley:iii:motor:composite"
MENTAL = "dasii:1997:mental:ratio_dq"

AT_3_MONTHS = {
    "at the cut-off": (LOW + "290 score 85", "recovered"),
    "below it, 15 more": (CASE + "199 score 69; 290 score 84", "improved"),
    "below it, 14 more": (LOW + "290 score 84", "not_recovered"),
    "84 before": (CASE + "199 score 84; 290 score 85", "recovered"),
    "85 before": (CASE + "199 score 85; 290 score 60", "not_affected"),
    # 1.96 x sqrt 2 x 3 = 8.316
    "9 more, by the error of measurement": (CASE + "199 score 70 sem=3; 290 score 79 sem=3", "improved"),
    "8 more, by the error of measurement": (CASE + "199 score 70 sem=3; 290 score 78 sem=3", "not_recovered"),
    "of two errors the greater": (CASE + "199 score 60 sem=3; 290 score 70 sem=4", "not_recovered"),
    "30 days before": (CASE + "170 score 70; 290 score 85", "recovered"),
    "31 days before": (CASE + "169 score 70; 290 score 85", "no_baseline"),
    "14 days after": (CASE + "214 score 70; 290 score 85", "recovered"),
    "15 days after": (CASE + "215 score 70; 290 score 85", "no_baseline"),
    "of two baselines the nearer": (CASE + "180 score 90; 205 score 70; 290 score 85", "recovered"),
    "of two at the visit the nearer to day 90": (LOW + "285 score 90; 291 score 70", "not_recovered"),
    "of two equally near the earlier": (LOW + "289 score 90; 291 score 70", "recovered"),
    "another edition": (LOW + "290 score 95 bayley:4:cognitive:composite", "edition_changed"),
    "another instrument": (LOW + f"290 score 95 {MENTAL}", "instrument_changed"),
    "another kind of score": (LOW + "290 score 9 bayley:iii:cognitive:scaled", "instrument_changed"),
    "another domain": (LOW + f"290 score 95 {MOTOR}", "no_follow_up"),
    "untestable before": (CASE + "199 score untestable; 290 score 70", "untestable"),
    "untestable after": (LOW + "290 score untestable", "untestable"),
    "refused before": (CASE + "199 score refused; 290 score 70", "no_baseline"),
    "refused after": (LOW + "290 score refused", "no_follow_up"),
    "untestable one day, scored another": (LOW + "290 score untestable; 293 score 90", "recovered"),
    "normal, and another domain untestable": (CASE + f"199 score 95; 199 score untestable {MOTOR}", "untestable"),
    "a quotient": (CASE + f"199 score 70 {MENTAL}; 290 score 85 {MENTAL}", "recovered"),
    "a kind without cut-off": (
        CASE + "199 score 5 bayley:iii:cognitive:scaled; 290 score 9 bayley:iii:cognitive:scaled",
        "no_cut_off",
    ),
    "a kind without cut-off beside one that has": (
        CASE + "199 score 95; 199 score 5 bayley:iii:cognitive:scaled; 290 score 70",
        "not_affected",
    ),
    "at the floor before, 15 more": (CASE + "199 score 40floor; 290 score 55", "improved"),
    "at the ceiling, which is low": (CASE + "199 score 80ceiling; 290 score 90", "censored_undecidable"),
    "at the ceiling after": (LOW + "290 score 84ceiling", "censored_undecidable"),
    "both domains": (LOW + f"199 score 70 {MOTOR}; 290 score 90; 290 score 90 {MOTOR}", "recovered"),
    "one recovered, one improved": (LOW + f"199 score 50 {MOTOR}; 290 score 90; 290 score 70 {MOTOR}", "improved"),
    "one recovered, one not": (LOW + f"199 score 50 {MOTOR}; 290 score 90; 290 score 55 {MOTOR}", "not_recovered"),
    "one recovered, one not scored": (LOW + f"199 score 50 {MOTOR}; 290 score 90", "improved"),
    "one was not at risk": (LOW + f"199 score 95 {MOTOR}; 290 score 90; 290 score 60 {MOTOR}", "recovered"),
    "nothing after": (LOW, "no_follow_up"),
    "between the windows": (LOW + "330 score 90", "out_of_window"),
    "died": (LOW + "250 status died", "died"),
    "moved": (LOW + "250 status moved", "lost"),
    "nothing before": (CASE + "290 score 90", "no_baseline"),
    "consent does not cover it": (CASE + "200 barred development", "consent_scope"),
    "the mother's values": (LOW + "199 mother b12=90; 290 mother homocysteine=50; 290 score 85", "recovered"),
}


@pytest.fixture(scope="module")
def developmental() -> dict[str, dict[str, Any]]:
    cohort = Cohort()
    infants = told(cohort, AT_3_MONTHS)
    infants["young"] = cohort.infant(cut_off_age_days=300).tell(LOW)
    infants["corrected"] = cohort.infant().tell(CASE + "199 score 70 corrected; 290 score 90")
    return recoveries(cohort, infants, "developmental", "months_3", "research.recovery_domains")


def test_developmental_recovery_at_3_months(developmental: dict[str, dict[str, Any]]) -> None:
    assert answers(developmental, AT_3_MONTHS) == expected(AT_3_MONTHS)


def test_a_visit_that_is_not_due_is_not_assessable(developmental: dict[str, dict[str, Any]]) -> None:
    assert (developmental["young"]["is_at_risk"], developmental["young"]["reason"]) == (True, "not_due")


def test_domains_are_counted_and_not_averaged(developmental: dict[str, dict[str, Any]]) -> None:
    row = developmental["one recovered, one not"]
    assert (row["parts_at_risk"], row["parts_assessed"], row["parts_recovered"]) == (2, 2, 1)
    domains = {d["domain"]: (d["state"], d["change"]) for d in row["parts"]}
    assert domains == {"cognitive": ("recovered", 20), "motor": ("not_recovered", 5)}


def test_norms_read_at_another_age_are_flagged(developmental: dict[str, dict[str, Any]]) -> None:
    (domain,) = developmental["corrected"]["parts"]
    (same,) = developmental["at the cut-off"]["parts"]
    assert (domain["is_age_basis_changed"], same["is_age_basis_changed"]) == (True, False)
