"""The timeline: every event of mother and child, with its age, its study day, its verdict and its record."""

from pathlib import Path
from typing import Any

import pytest

from contracts.events import KINDS
from tests.registry_fixture import BLR01, built, key
from tests.sample_events import event, one_of_each

TIME, LATER = "2026-04-20T08:00:00Z", "2026-04-21T08:00:00Z"
LAB = {"resulted": None, "value": 200, "loinc": "14685-2", "unit": "pmol/L", "local_code": None}
BLANK = {"reference_low": None, "reference_high": None, "limit_low": None, "limit_high": None}


def said(kind: str, record: str, subject: str = "s", time: str = TIME, **data: Any) -> bytes:
    return event(kind, id=f"{record}-{time}", record=record, subject=subject, time=time, data=data)


def enrolment(subject: str = "s") -> bytes:
    dates = {"birth": "2025-06-02", "enrolled": "2025-12-02", "diagnosed": None, "symptom_onset": None}
    return said("enrolment", f"e-{subject}", subject, **dates, mother="M-1")


def lab(record: str, collected: str, time: str = TIME, subject: str = "s", **data: Any) -> bytes:
    return said("lab_result", record, subject, time, **(BLANK | LAB | {"collected": collected} | data))


def dose(record: str, given: str, **data: Any) -> bytes:
    return said("dose", record, given=given, scheduled=None, status="given", purpose="therapeutic", **data)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    events = [
        enrolment(),
        dose("d", "2025-12-10", person="infant"),
        lab("first", "2025-12-02"),
        lab("first", "2025-12-02", LATER, value=210),
        lab("first", "2025-12-02", LATER, value=210),
        lab("hers", "2025-05-01", person="mother"),
        lab("taken-back", "2025-12-03"),
        said("retraction", "r", target_kind="lab_result", target_record="taken-back", time=LATER),
        lab("impossible", "2025-12-04", value=0),
        enrolment("out"),
        lab("held-back", "2025-12-04", subject="out"),
        lab("held-back", "2025-12-04", LATER, subject="out", value=210),
        said("consent", "c", "out", scopes=["blood"], status="withdrawn", effective="2026-01-01"),
        lab("nobody", "2025-12-04", subject="not-enrolled"),
    ]
    with built(tmp_path_factory.mktemp("timeline"), {BLR01: events}, ["research.timeline"]) as connection:
        cursor = connection.execute("FROM research.timeline ORDER BY ALL")
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def rows(told: list[dict[str, Any]], record: str, kind: str = "lab_result") -> list[dict[str, Any]]:
    wanted = key(BLR01, "record", record)
    return [row for row in told if str(row["record_key"]) == wanted and row["kind"] == kind]


def test_mother_and_child_stand_on_one_line_in_age_and_study_days(told: list[dict[str, Any]]) -> None:
    (hers,), (given,) = rows(told, "hers"), rows(told, "d", "dose")
    assert (hers["person"], hers["age_days"], hers["study_day"]) == ("mother", -32, -223)
    assert (given["person"], given["age_days"], given["study_day"]) == ("infant", 191, 0)
    assert hers["subject_key"] == given["subject_key"]
    assert hers["family_key"] == given["family_key"] != hers["subject_key"]
    assert {hers["site"], given["site"]} == {"BLR01"}


def test_each_version_has_its_verdict_and_only_the_current_one_a_day(told: list[dict[str, Any]]) -> None:
    found = {row["verdict"]: (row["age_days"], row["value"], row["reason"]) for row in rows(told, "first")}
    assert found == {"included": (183, 210, None), "superseded": (None, None, "newer_version")}
    assert [(row["verdict"], row["value"]) for row in rows(told, "taken-back")] == [("retracted", None)]
    assert [(row["verdict"], row["reason"]) for row in rows(told, "impossible")] == [("quarantined", "b12_impossible")]


def test_nothing_is_shown_of_whose_consent_is_withdrawn_or_who_is_not_enrolled(told: list[dict[str, Any]]) -> None:
    assert rows(told, "held-back") == rows(told, "nobody") == []
    assert {str(row["subject_key"]) for row in told} == {key(BLR01, "subject", "s")}


def test_every_included_event_of_every_kind_is_there(tmp_path: Path) -> None:
    events = [
        said("enrolment", "e", birth="2025-06-02"),
        *(event(kind_of, id=f"{place}", subject="s") for place, kind_of in enumerate(KINDS) if kind_of != "enrolment"),
    ]
    assert len(events) == len(one_of_each())
    with built(tmp_path, {BLR01: events}, ["research.timeline"]) as connection:
        missing = connection.execute(
            "SELECT d.kind FROM staging.deliveries AS d JOIN staging.verdicts AS v USING (delivery)"
            " ANTI JOIN research.timeline AS t ON d.kind = t.kind AND d.record_key = t.record_key"
            " AND v.verdict = t.verdict WHERE v.verdict <> 'replayed'"
        ).fetchall()
        [(kinds,)] = connection.execute("SELECT count(DISTINCT kind) FROM research.timeline").fetchall()
    assert missing == []
    assert kinds == len(events)
