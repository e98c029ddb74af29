"""What did not come, each rule on its first and last day; the mother's events where they are hers to give.

The cut-off is `CUT_OFF` for all; a story says how old the infant is then. A case has its index at 150 days.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.models.built import rows
from tests.models.cohort import CUT_OFF, Cohort
from tests.models.titled import by_title

Row = dict[str, Any]

CASE = "150 b12=100 homocysteine=20; "
TESTED = "150 mother b12=300; "
DOSED = "150 dose; "

# Age at the cut-off, what happened, and which rules miss something.
MISSING: dict[str, tuple[int, str, set[str]]] = {
    "6 days without a dose": (156, CASE + TESTED, set()),
    "7 days": (157, CASE + TESTED, {"untreated_case"}),
    "13 days": (163, CASE + TESTED, {"untreated_case"}),
    "the last day": (247, CASE + TESTED, {"untreated_case"}),
    "too old": (248, CASE + TESTED, set()),
    "treated": (157, CASE + TESTED + "152 dose", set()),
    "a maintenance dose": (157, CASE + TESTED + "152 dose maintenance 5ug", {"untreated_case"}),
    "a dose that was missed": (157, CASE + TESTED + "152 dose missed", {"untreated_case"}),
    "the mother treated": (157, CASE + TESTED + "152 dose mother", {"untreated_case"}),
    "no case": (157, "150 b12=400; " + TESTED, set()),
    "the mother's deficiency": (181, "150 mother b12=90 homocysteine=20", set()),
    "died": (157, CASE + TESTED + "156 status died", set()),
    "found again": (157, CASE + TESTED + "155 status lost; 156 status alive", {"untreated_case"}),
    "29 days, the mother untested": (179, CASE + DOSED, set()),
    "30 days": (180, CASE + DOSED, {"untested_mother"}),
    "her blood count": (180, CASE + DOSED + "150 mother haemoglobin=120", {"untested_mother"}),
    "tested in pregnancy": (180, CASE + DOSED + "0 mother homocysteine=9", set()),
    "she shares nothing": (180, CASE + DOSED + "0 barred mother", set()),
    "the window's last day": (270, CASE + TESTED + DOSED, set()),
    "the day after": (271, CASE + TESTED + DOSED, {"overdue_test"}),
    "13 days after": (284, CASE + TESTED + DOSED, {"overdue_test"}),
    "late, but there": (285, CASE + TESTED + DOSED + "275 mma=1", set()),
    "its last day": (331, CASE + TESTED + DOSED, {"overdue_test"}),
    "older than that": (332, CASE + TESTED + DOSED, set()),
    "moved": (271, CASE + TESTED + DOSED + "271 status moved", set()),
}


def test_what_is_missing_and_since_when() -> None:
    cohort = Cohort()
    infants = {
        title: cohort.infant(cut_off_age_days=cut_off).tell(story) for title, (cut_off, story, _) in MISSING.items()
    }
    with cohort.build("staging.absences") as connection:
        found = by_title(connection, infants, "FROM staging.absences")
    told = {title: {row["rule"] for row in rows} for title, rows in found.items()}
    assert told == {title: rules for title, (*_, rules) in MISSING.items()}
    assert found["7 days"][0]["due_date"] == CUT_OFF
    assert found["13 days after"][0]["overdue_days"] == 13
    assert found["the day after"][0]["about"] == "months_3"
    assert found["30 days"][0]["person"] == "mother"


FOLIC = {
    "alone": ("160 folic", True),
    "B12 on that day": ("160 folic; 160 dose", False),
    "B12 later": ("160 folic; 161 dose", False),
    "B12 180 days before": ("190 folic; 10 dose prophylactic 5ug", False),
    "B12 181 days before": ("191 folic; 10 dose prophylactic 5ug", True),
    "B12 to the mother": ("160 folic; 160 dose mother", True),
    "to the mother": ("160 folic mother", False),
    "missed": ("160 folic missed", False),
}


def test_folic_acid_without_b12_in_a_case() -> None:
    cohort = Cohort()
    infants = {}
    for title, (story, _) in FOLIC.items():
        infant = infants[title] = cohort.infant(cut_off_age_days=200).tell(CASE + TESTED)
        age, *words = story.split("; ")[0].split()
        fields: dict[str, Any] = {"compound": "folic_acid", "is_b12": False, "purpose": None}
        if "missed" in words:
            fields |= {"status": "missed", "age_days": None, "scheduled_age_days": int(age)}
        infant.dose(int(age), **fields | {"person": "mother" if "mother" in words else "infant"})
        infant.tell("; ".join(story.split("; ")[1:]))
    nobody = cohort.infant(cut_off_age_days=200).tell("150 b12=400")
    nobody.dose(160, compound="folic_acid", is_b12=False)
    infants["no case"] = nobody
    with cohort.build("staging.absences") as connection:
        found = by_title(connection, infants, "FROM staging.absences WHERE rule = 'folic_acid_without_b12'")
    assert {title for title, rows in found.items() if rows} == {title for title, (_, yes) in FOLIC.items() if yes}
    assert found["alone"][0]["due_date"] == CUT_OFF - timedelta(200 - 161)


def test_a_mother_of_two_cases_is_missed_once() -> None:
    cohort = Cohort()
    mother = cohort.key()
    for _ in range(2):
        cohort.infant(cut_off_age_days=180, family_key=mother).tell(CASE + DOSED)
    tested = cohort.key()
    for story in (CASE + DOSED, CASE + DOSED + TESTED):
        cohort.infant(cut_off_age_days=180, family_key=tested).tell(story)
    with cohort.build("staging.absences") as connection:
        assert [row["rule"] for row in rows(connection, "FROM staging.absences")] == ["untested_mother"]


def test_a_comparator_is_never_missed() -> None:
    cohort = Cohort()
    cohort.infant(cut_off_age_days=157, person="comparator").tell(CASE)
    cohort.infant(cut_off_age_days=271, person="comparator").tell(CASE + DOSED)
    with cohort.build("staging.absences") as connection:
        assert rows(connection, "FROM staging.absences") == []


def test_a_site_is_silent_by_its_own_days() -> None:
    cohort = Cohort()
    for days in (30, 31, 211, 212):
        cohort.rows["sites"].append({"site": f"S{days}", "time_zone": "Asia/Kolkata"})
        # Half past midnight in India is the day before in UTC. What operators have replayed breaks no silence.
        at = datetime.combine(CUT_OFF - timedelta(days + 1), datetime.min.time(), UTC) + timedelta(hours=19)
        replayed = {"received_at": at + timedelta(20), "origin_topic_uuid": "r"}
        cohort.rows["deliveries"] += [{"site": f"S{days}", **told} for told in ({"received_at": at}, replayed)]
    with cohort.build("staging.absences") as connection:
        found = rows(connection, "FROM staging.absences ORDER BY site")
    assert [(row["site"], row["subject_key"], row["overdue_days"]) for row in found] == [
        ("S211", None, 180),
        ("S31", None, 0),
    ]
