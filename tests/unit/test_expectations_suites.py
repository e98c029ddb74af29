"""The checks of a site's current rows, made from the contract: what each category finds, and what it holds."""

from pathlib import Path

import pytest

from contracts.events import DATA
from expectations.checks import Check, CheckResult, held_sites
from expectations.runner import Runner
from expectations.suites import site_checks, thresholds
from tests.small_build import SmallBuild

CHECKS = {(check.table, check.name): check for check in site_checks()}
DOSE = {
    "person": "'infant'",
    "compound": "'cyanocobalamin'",
    "route": "'im'",
    "status": "'given'",
    "given_date": "current_date",
    "given_precision": "'day'",
    "ug": "1000",
}
RESULT = {
    "person": "'infant'",
    "loinc": "'718-7'",
    "value": "11.5",
    "unit": "'g/dL'",
    "specimen": "'venous_whole_blood'",
    "collected_date": "current_date",
    "collected_precision": "'day'",
    "status": "'final'",
}


@pytest.fixture
def build(tmp_path: Path) -> SmallBuild:
    return SmallBuild(tmp_path)


def asked(build: SmallBuild, table: str, *names: str) -> dict[str, CheckResult]:
    checks: list[Check] = [CHECKS[f"staging.{table}", name] for name in names]
    return {result.name: result for result in Runner().run(build.databases, checks, ["BLR01"])}


def test_every_kind_has_its_required_fields_asked_for() -> None:
    assert {table for table, name in CHECKS if name == "required_fields"} == {
        f"staging.current_{kind}" for kind in DATA
    }


def test_names_are_unique_and_every_check_says_what_it_asks() -> None:
    assert len(CHECKS) == len(site_checks())
    assert not [check for check in site_checks() if not check.asks.endswith(".")]


def test_an_empty_lake_passes_nothing_and_fails_nothing(build: SmallBuild) -> None:
    results = Runner().run(build.databases, site_checks(), ["BLR01"])
    assert {result.outcome for result in results} == {"not_applicable"}


def test_conforming_rows_pass_every_check_that_applies(build: SmallBuild) -> None:
    build.current("dose", "BLR01", 30, **DOSE)
    build.current("lab_result", "BLR01", 30, **RESULT)
    results = Runner().run(build.databases, site_checks(), ["BLR01"])
    assert {result.outcome for result in results} == {"pass", "not_applicable", "fail"}
    failed = {result.name for result in results if result.outcome == "fail"}
    assert failed == {"reference_interval_reported", "method_reported"}, "which are for information"
    assert held_sites(results) == {}


def test_conformance_a_code_outside_the_closed_list_holds_the_site(build: SmallBuild) -> None:
    build.current("dose", "BLR01", 5, **{**DOSE, "route": "'ear'"})
    results = asked(build, "current_dose", "route_listed", "status_listed")
    assert {name: result.outcome for name, result in results.items()} == {
        "route_listed": "fail",
        "status_listed": "pass",
    }
    assert list(held_sites(results.values())) == ["BLR01"]


def test_conformance_a_unit_without_a_factor_holds_the_site(build: SmallBuild) -> None:
    build.current("lab_result", "BLR01", 2, **{**RESULT, "unit": "'pmol/L'"})
    result = asked(build, "current_lab_result", "unit_fits_code")["unit_fits_code"]
    assert (result.outcome, result.failing) == ("fail", 2)


def test_conformance_a_list_is_asked_code_by_code(build: SmallBuild) -> None:
    build.current("consent", "BLR01", scopes="['blood', 'everything']", status="'given'")
    assert asked(build, "current_consent", "scopes_listed")["scopes_listed"].outcome == "fail"


def test_conformance_a_code_names_its_system(build: SmallBuild) -> None:
    build.current("condition", "BLR01", code="'ICD10:E53.8'")
    assert asked(build, "current_condition", "code_is_of_a_system")["code_is_of_a_system"].outcome == "pass"
    build.current("condition", "BLR01", code="'E53.8'")
    assert asked(build, "current_condition", "code_is_of_a_system")["code_is_of_a_system"].outcome == "fail"


def test_completeness_is_a_share_of_enough_rows(build: SmallBuild) -> None:
    build.current("enrolment", "BLR01", 9, person="'infant'")
    assert asked(build, "current_enrolment", "gestation_reported")["gestation_reported"].outcome == "not_applicable"
    build.current("enrolment", "BLR01", 5, person="'infant'", gestation_weeks="39")
    result = asked(build, "current_enrolment", "gestation_reported")["gestation_reported"]
    assert (result.outcome, result.severity) == ("fail", "warning")


def test_plausibility_a_unit_that_is_wrong_throughout_holds_the_site(build: SmallBuild) -> None:
    build.current("lab_result", "BLR01", 30, **{**RESULT, "value": "115"})  # g/L sent as g/dL
    results = asked(build, "current_lab_result", "median_haemoglobin_infant")
    assert list(held_sites(results.values())) == ["BLR01"]
    assert results["median_haemoglobin_infant"].failing == 30


def test_plausibility_one_slip_among_many_holds_nobody(build: SmallBuild) -> None:
    build.current("lab_result", "BLR01", 29, **RESULT)
    build.current("lab_result", "BLR01", 1, **{**RESULT, "value": "115"})
    assert (
        asked(build, "current_lab_result", "median_haemoglobin_infant")["median_haemoglobin_infant"].outcome == "pass"
    )


def test_plausibility_open_findings_of_the_row_rules_are_a_warning(build: SmallBuild) -> None:
    build.current("dose", "BLR01", 30, **DOSE)
    build.execute(
        "INSERT INTO staging.findings BY NAME SELECT delivery, kind, 'plausibility' AS category, 'finding' AS effect,"
        " delivery >= 10 AS is_confirmed FROM staging.verdicts WHERE delivery < 20"
    )
    result = asked(build, "current_dose", "row_rules_plausibility")["row_rules_plausibility"]
    assert (result.outcome, result.failing) == ("fail", 10), "confirmed ones do not count"


def test_plausibility_a_quarter_of_hard_rule_breaks_holds_the_site(build: SmallBuild) -> None:
    build.deliver("BLR01", 29)
    build.deliver("BLR01", 11, verdict="quarantined")
    results = asked(build, "verdicts", "share_quarantined", "share_refused")
    assert {name: result.outcome for name, result in results.items()} == {
        "share_quarantined": "fail",
        "share_refused": "pass",
    }
    assert list(held_sites(results.values())) == ["BLR01"]


def test_thresholds_are_read_whole() -> None:
    """An entry of a kind or verdict that does not exist would silently ask nothing."""
    assert {entry["kind"] for entry in thresholds()["share"]} <= set(DATA)
    names = {check.name for check in site_checks()}
    assert {entry["name"] for entry in thresholds()["share"]} <= names
    assert {f"share_{entry['verdict']}" for entry in thresholds()["verdict"]} <= names
    assert {f"median_{entry['analyte']}_{entry['person']}" for entry in thresholds()["median"]} <= names
