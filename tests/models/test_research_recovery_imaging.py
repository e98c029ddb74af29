"""Recovery in imaging: not assessable without norms of the same protocol, and by them where a study has its own.

Treatment starts at 200 days in every story, so study day 90 is age 290. The norm of FA is 0.40 up to 300 days and 0.50
from then on, with a standard deviation of 0.05; of MD it is 0.0010 with 0.0001.
"""

from typing import Any

import pytest

from tests.models.cohort import Cohort, Infant
from tests.models.titled import answers, by_title, expected, recoveries, told

CASE = "200 dose; 199 b12=100 homocysteine=20; "
LOW = CASE + "199 scan fa=0.34; "

_PROTOCOL = "'corpus_callosum_body', 'midline', 'jhu_neonate', '1.0', 'atlas_roi', 3, 'one', 'one', '1'"
NORMS = f"""
INSERT INTO definitions.imaging_norm VALUES
    ('fa early', 1, 'fa', {_PROTOCOL}, NULL, 0, 300, 0.40, 0.05, ''),
    ('fa late', 1, 'fa', {_PROTOCOL}, NULL, 301, 900, 0.50, 0.05, ''),
    ('md', 1, 'md', {_PROTOCOL}, NULL, 0, 900, 0.0010, 0.0001, ''),
    ('rd of girls', 1, 'rd', {_PROTOCOL}, 'female', 0, 900, 0.0008, 0.0001, '')
"""

WITHOUT_NORMS = {
    "before and after": (LOW + "290 scan fa=0.41", "no_norms"),
    "before alone": (LOW, "no_norms"),
    "after alone": (CASE + "290 scan fa=0.41", "no_baseline"),
    "30 days before": (CASE + "170 scan fa=0.34", "no_norms"),
    "31 days before": (CASE + "169 scan fa=0.34", "no_baseline"),
    "14 days after": (CASE + "214 scan fa=0.34", "no_norms"),
    "15 days after": (CASE + "215 scan fa=0.34", "no_baseline"),
    "failed quality control": (CASE + "199 scan fa=0.34 fail", "no_baseline"),
    "a doubtful unit": (CASE + "199 scan md=1.2 !unit_unconfirmed", "unit_unconfirmed"),
    "consent does not cover it": (CASE + "200 barred imaging", "consent_scope"),
    "consent does not cover development": (CASE + "200 barred development", "no_baseline"),
}

WITH_NORMS = {
    "within the norm after": (LOW + "290 scan fa=0.35", "recovered"),
    "outside it after": (LOW + "290 scan fa=0.349", "not_recovered"),
    "above it after": (LOW + "290 scan fa=0.46", "not_recovered"),
    "one standard deviation below before": (CASE + "199 scan fa=0.35; 290 scan fa=0.30", "not_affected"),
    "grown less than infants do": (LOW + "310 scan fa=0.42", "not_recovered"),
    "diffusivity": (CASE + "199 scan md=0.00111; 290 scan md=0.00110", "recovered"),
    "diffusivity at the limit": (CASE + "199 scan md=0.00110; 290 scan md=0.00130", "not_affected"),
    "axial diffusivity has no rule": (CASE + "199 scan ad=0.0020; 290 scan ad=0.0014", "no_norms"),
    "another pipeline": (LOW.replace("0.34", "0.34 other_pipeline") + "290 scan fa=0.41", "no_norms"),
    "another pipeline after": (LOW + "290 scan fa=0.41 other_pipeline", "no_norms"),
    "one of two metrics": (CASE + "199 scan fa=0.34 md=0.0012; 290 scan fa=0.40 md=0.0012", "not_recovered"),
    "one of two metrics again": (CASE + "199 scan fa=0.34 md=0.0012; 290 scan fa=0.40", "no_norms"),
    "on day 89": (LOW + "289 scan fa=0.41", "out_of_window"),
    "on day 365": (LOW + "565 scan fa=0.50", "recovered"),
    "on day 366": (LOW + "566 scan fa=0.50", "out_of_window"),
    "the earliest usable": (LOW + "290 scan fa=0.50 fail; 300 scan fa=0.30; 310 scan fa=0.50", "not_recovered"),
    "of two before the one that passed": (
        CASE + "190 scan fa=0.34; 195 scan fa=0.40 md=0.001 warn; 290 scan fa=0.4",
        "recovered",
    ),
    "nothing after": (LOW, "no_follow_up"),
    "died": (LOW + "250 status died", "died"),
    "moved": (LOW + "250 status moved", "lost"),
    "the mother's values": (LOW + "290 mother b12=90; 290 scan fa=0.40", "recovered"),
}


def imaging(cohort: Cohort, infants: dict[str, Infant], defined: str = "") -> dict[str, dict[str, Any]]:
    return recoveries(cohort, infants, "imaging", "after", "research.recovery_regions", defined)


@pytest.mark.parametrize(("stories", "defined"), [(WITHOUT_NORMS, ""), (WITH_NORMS, NORMS)], ids=["none", "norms"])
def test_recovery_in_imaging(stories: dict[str, tuple[str, str]], defined: str) -> None:
    cohort = Cohort()
    assert answers(imaging(cohort, told(cohort, stories), defined), stories) == expected(stories)


def test_a_change_stands_beside_its_caveat() -> None:
    cohort = Cohort()
    found = imaging(
        cohort,
        {
            "both": cohort.infant().tell(LOW + "290 scan fa=0.41 other_pipeline"),
            "before": cohort.infant().tell(LOW),
        },
    )
    (both,), (before,) = found["both"]["parts"], found["before"]["parts"]
    assert float(both["change"]) == pytest.approx(0.07)
    assert "maturation" in both["caveat"]
    assert both["is_protocol_changed"]
    assert (before["change"], before["caveat"], before["is_protocol_changed"]) == (None, None, False)


def test_a_norm_by_sex_needs_the_sex() -> None:
    story = CASE + "199 scan rd=0.0010; 290 scan rd=0.0008"
    cohort = Cohort()
    sexes = ("female", "male", "unknown", None)
    infants = {str(sex): cohort.infant(sex=sex).tell(story) for sex in sexes}
    found = imaging(cohort, infants, NORMS)
    assert answers(found, found) == {
        "female": "recovered",
        "male": "no_norms",
        "unknown": "sex_missing",
        "None": "sex_missing",
    }
    with cohort.build("research.time_to_recovery", defined=NORMS) as connection:
        times = by_title(connection, infants, "FROM research.time_to_recovery WHERE dimension = 'imaging'")
    assert [(row["event"], row["lower_study_day"], row["upper_study_day"]) for row in times["female"]] == [
        ("recovered", 0, 90)
    ]
    assert [row["event"] for row in times["unknown"]] == [None]


def test_a_scan_that_is_not_due_is_not_assessable() -> None:
    cohort = Cohort()
    assert imaging(cohort, {"one": cohort.infant(cut_off_age_days=400).tell(LOW)}, NORMS)["one"]["reason"] == "not_due"
