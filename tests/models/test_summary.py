"""Attrition and scorecard over a few real events of two sites, through the whole chain of models."""

import itertools
from collections.abc import Iterator
from typing import Any

import duckdb
import pytest

from contracts.site import Site
from tests.registry_fixture import BLR01, OSL01, built, key
from tests.sample_events import event

BORN = "2025-06-02"
NAMES = ["summary.attrition", "summary.scorecard", "research.explanations"]

_ids = itertools.count(1)


def told(subject: str, kind: str, site: Site = BLR01, **data: Any) -> bytes:
    number = f"{site.id}-{next(_ids)}"
    said = "2026-11-20T12:00:00Z"
    return event(kind, site.id, id=number, record=number, subject=subject, time=said, data=data)


def enrolled(subject: str, site: Site = BLR01, **data: Any) -> bytes:
    given = {"birth": BORN, "mother": f"M-{subject}", "enrolled": "2026-03-14", "plurality": 1} | data
    return told(subject, "enrolment", site, **given)


def lab(subject: str, loinc: str, value: float, unit: str, collected: str, site: Site = BLR01, **data: Any) -> bytes:
    fields = {"loinc": loinc, "value": value, "unit": unit, "collected": collected}
    absent = dict.fromkeys(("reference_low", "reference_high", "limit_low", "limit_high", "separated_minutes"))
    return told(subject, "lab_result", site, **absent, resulted=None, **(fields | data))


def b12(subject: str, pmol_per_l: float, collected: str, site: Site = BLR01) -> bytes:
    return lab(subject, "14685-2", pmol_per_l, "pmol/L", collected, site)


def homocysteine(subject: str, umol_per_l: float, collected: str, site: Site = BLR01) -> bytes:
    return lab(subject, "13965-9", umol_per_l, "umol/L", collected, site)


def dose(subject: str, given: str) -> bytes:
    return told(subject, "dose", given=given, scheduled=None)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """A case who recovers, one who is lost, one without B12 deficiency, and subjects that never count."""
    duplicate = b12("CASE", 100, "2026-03-14")
    deliveries = {
        BLR01: [
            enrolled("CASE"),
            duplicate,
            duplicate,
            homocysteine("CASE", 20, "2026-03-14"),
            dose("CASE", "2026-03-14"),
            homocysteine("CASE", 5, "2026-06-12"),
            enrolled("LOST", mother=None, gestation_weeks=None, gestation_days=None, sex="unknown"),
            lab("LOST", "2132-9", 150, "pg/mL", "2026-03-10"),
            homocysteine("LOST", 12, "2026-03-20"),
            dose("LOST", "2026-03-21"),
            told("LOST", "feeding", mother_diet="vegan", start=BORN, end=None),
            told("LOST", "status", state="lost", effective="2026-04-30", last_contact="2026-04-30"),
            enrolled("GONE"),
            b12("GONE", 90, "2026-03-14"),
            told("GONE", "consent", scopes=["blood", "sharing"], status="withdrawn", effective="2026-04-01"),
            b12("UNKNOWN", 90, "2026-03-14"),
            b"not JSON",
        ],
        OSL01: [enrolled("WELL", OSL01), b12("WELL", 400, "2026-05", OSL01), enrolled("EMPTY", OSL01)],
    }
    with built(tmp_path_factory.mktemp("summary"), deliveries, NAMES) as connection:
        yield connection


def flow(registry: duckdb.DuckDBPyConnection, site: str) -> dict[tuple[str, str], int]:
    found = registry.execute("SELECT step, part, n FROM summary.attrition WHERE site = ?", [site]).fetchall()
    return {(step, part): n for step, part, n in found if n}


def test_the_flow_of_a_site(registry: duckdb.DuckDBPyConnection) -> None:
    assert flow(registry, "BLR01") == {
        ("received", ""): 17,
        ("verdict", "included"): 12,
        ("verdict", "duplicate"): 1,
        ("verdict", "withdrawn"): 2,
        ("verdict", "held"): 1,
        ("verdict", "refused"): 1,
        ("reported", ""): 4,
        ("withdrawn", ""): 1,
        ("not_enrolled", ""): 1,
        ("enrolled", ""): 2,
        ("eligible", ""): 2,
        ("assessable", ""): 2,
        ("class", "definite"): 2,
        ("primary_case", ""): 2,
        ("treated", ""): 2,
        ("baseline", ""): 2,
        ("followed_up", "months_3"): 1,
        ("at_risk", "biochemical:months_3"): 2,
        ("at_risk", "biochemical:months_6"): 2,
        ("at_risk", "biochemical:months_12"): 2,
        ("assessed", "biochemical:months_3"): 1,
        ("recovered", "biochemical:months_3"): 1,
    }


def test_all_sites_are_the_sum_of_the_sites(registry: duckdb.DuckDBPyConnection) -> None:
    whole, first, second = (flow(registry, site) for site in ("all", "BLR01", "OSL01"))
    assert whole == {step: first.get(step, 0) + second.get(step, 0) for step in whole}
    assert second[("class", "none")] == second[("not_assessable", "no_baseline")] == 1


def test_what_is_received_is_the_sum_of_the_verdicts(registry: duckdb.DuckDBPyConnection) -> None:
    found = flow(registry, "all")
    assert found[("received", "")] == sum(n for (step, _), n in found.items() if step == "verdict")


def test_whoever_is_reported_is_enrolled_withdrawn_or_not_enrolled(registry: duckdb.DuckDBPyConnection) -> None:
    found = flow(registry, "all")
    assert found[("reported", "")] == sum(found[(step, "")] for step in ("enrolled", "withdrawn", "not_enrolled"))
    classes = sum(n for (step, _), n in found.items() if step == "class")
    unknown = sum(n for (step, _), n in found.items() if step == "not_assessable")
    assert found[("assessable", "")] == classes
    assert found[("eligible", "")] == classes + unknown


def test_a_step_that_nobody_reached_is_shown_with_its_zero(registry: duckdb.DuckDBPyConnection) -> None:
    rows = registry.execute(
        "SELECT n FROM summary.attrition WHERE site = 'OSL01' AND step IN ('primary_case', 'recovered')"
    ).fetchall()
    assert rows == [(0,)] * 13


def test_no_table_names_a_subject_whose_consent_was_withdrawn(registry: duckdb.DuckDBPyConnection) -> None:
    gone = key(BLR01, "subject", "GONE")
    found = registry.execute("SELECT count(*) FROM research.explanations WHERE subject_key = ?", [gone]).fetchall()
    assert found == [(0,)]


def test_a_mass_unit_and_a_real_calendar_give_the_same_class_and_ages(registry: duckdb.DuckDBPyConnection) -> None:
    rows = registry.execute(
        """
        SELECT class, criteria, index_age_days, treatment_start_age_days
        FROM research.cases WHERE subject_key = ?
        """,
        [key(BLR01, "subject", "LOST")],
    ).fetchall()
    assert rows == [("definite", ["b12_deficient", "homocysteine_raised"], 281, 292)]


def test_the_scorecard_of_a_site(registry: duckdb.DuckDBPyConnection) -> None:
    row = registry.execute("FROM summary.scorecard WHERE site = 'BLR01'")
    names = [column[0] for column in row.description]
    (values,) = row.fetchall()
    card = dict(zip(names, values, strict=True))
    assert (card["received"], card["refused"], card["duplicates"], card["held"]) == (17, 1, 1, 1)
    assert card["refused_fraction"] == pytest.approx(1 / 17)
    assert card["infants"] == 2
    assert card["sex_known_fraction"] == card["gestation_known_fraction"] == card["mother_known_fraction"] == 0.5
    assert card["feeding_known_fraction"] == card["maternal_diet_known_fraction"] == 0.5
    assert card["usable_results_fraction"] == 1
    assert card["followed_months_3_fraction"] == 1  # the one who was lost before is not counted as missed
    assert card["median_days_to_arrival"] == 253


def test_a_month_says_nothing_of_the_days_to_arrival(registry: duckdb.DuckDBPyConnection) -> None:
    rows = registry.execute("SELECT median_days_to_arrival FROM summary.scorecard WHERE site = 'OSL01'").fetchall()
    assert rows == [(None,)]
