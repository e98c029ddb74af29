"""How checks are run: Great Expectations decides, counts say for whom, and no data is not a pass."""

from pathlib import Path

import pytest

from expectations.checks import NO_ROWS, Check, CheckResult, broken_invariants, held_sites, share
from expectations.runner import Runner
from tests.small_build import SmallBuild

SITES = ("BLR01", "DEL01", "NEW01")
ROWS = "SELECT * FROM staging.current_dose"


@pytest.fixture
def build(tmp_path: Path) -> SmallBuild:
    build = SmallBuild(tmp_path)
    build.current("dose", "BLR01", 30, status="'given'", ug="100")
    build.current("dose", "DEL01", 10, status="'given'", ug="100")
    build.current("dose", "DEL01", 20, status="'lost'")
    return build


def a_check(name: str = "amount", **fields: object) -> Check:
    given = {
        "table": "staging.current_dose",
        "rows": ROWS,
        "asks": "It has an amount.",
        "category": "completeness",
        "severity": "critical",
        "level": "site",
        "expectation": "expect_column_values_to_not_be_null",
        "arguments": {"column": "ug"},
        "failing": "ug IS NULL",
    }
    return Check(name=name, **{**given, **fields})


def by_query(query: str, **fields: object) -> Check:
    return a_check(expectation=NO_ROWS, arguments={"unexpected_rows_query": query}, **fields)


def outcomes(results: list[CheckResult]) -> dict[str | None, str]:
    return {result.site: result.outcome for result in results}


def test_a_site_fails_by_its_own_rows_only(build: SmallBuild) -> None:
    results = Runner().run(build.databases, [a_check()], SITES)
    assert outcomes(results) == {"BLR01": "pass", "DEL01": "fail", "NEW01": "not_applicable"}
    assert [(r.applicable, r.failing) for r in results] == [(30, 0), (30, 20), (0, 0)]
    assert list(held_sites(results)) == ["DEL01"]
    assert broken_invariants(results) == []


def test_a_closed_list_is_asked_of_great_expectations_own_expectation(build: SmallBuild) -> None:
    check = a_check(
        expectation="expect_column_values_to_be_in_set",
        arguments={"column": "status", "value_set": ["given"]},
        failing="status NOT IN ('given')",
    )
    assert outcomes(Runner().run(build.databases, [check], SITES))["DEL01"] == "fail"


@pytest.mark.parametrize(("at_most", "outcome"), [(0.5, "fail"), (0.7, "pass")])
def test_a_share_is_counted_within_a_site(build: SmallBuild, at_most: float, outcome: str) -> None:
    breaks = share("ug IS NULL", at_most, 20)
    check = by_query(f"SELECT site FROM {{batch}} GROUP BY site HAVING {breaks}", breaks=breaks, at_least=20)
    assert outcomes(Runner().run(build.databases, [check], SITES)) == {
        "BLR01": "pass",
        "DEL01": outcome,
        "NEW01": "not_applicable",
    }


def test_few_rows_are_no_ground_for_a_share(build: SmallBuild) -> None:
    breaks = share("ug IS NULL", 0.1, 31)
    check = by_query(f"SELECT site FROM {{batch}} GROUP BY site HAVING {breaks}", breaks=breaks, at_least=31)
    assert set(outcomes(Runner().run(build.databases, [check], SITES)).values()) == {"not_applicable"}


def test_a_regular_expression_matches_the_whole_text(build: SmallBuild) -> None:
    failing = "NOT regexp_full_match(status, '[a-z]{1,4}')"
    check = by_query(f"SELECT site FROM {{batch}} WHERE {failing}", failing=failing)
    assert outcomes(Runner().run(build.databases, [check], SITES)) == {
        "BLR01": "fail",
        "DEL01": "fail",
        "NEW01": "not_applicable",
    }


def test_a_check_that_cannot_run_holds_the_release_and_no_site(build: SmallBuild) -> None:
    results = Runner().run(build.databases, [a_check(arguments={"column": "no_such_column"})], SITES)
    assert set(outcomes(results).values()) == {"error"}
    assert held_sites(results) == {}
    assert len(broken_invariants(results)) == 3
    assert {result.error for result in results} == {"MetricError"}


def test_a_verdict_that_the_counts_contradict_is_an_error(build: SmallBuild) -> None:
    results = Runner().run(build.databases, [a_check(failing="false")], SITES)
    assert {result.error for result in results} == {"Disagreement"}


def test_a_check_of_the_release_has_one_result(build: SmallBuild) -> None:
    (result,) = Runner().run(build.databases, [a_check(level="release")])
    assert (result.site, result.outcome, result.applicable, result.failing) == (None, "fail", 60, 20)
    assert broken_invariants([result]) == [result]


def test_nobody_can_write_through_a_check(build: SmallBuild) -> None:
    check = a_check(rows="SELECT 1 AS ug, 'BLR01' AS site FROM (SELECT nextval('s'))", failing="ug IS NULL")
    assert set(outcomes(Runner().run(build.databases, [check], SITES)).values()) == {"error"}


def test_the_files_are_free_when_the_checks_have_run(build: SmallBuild) -> None:
    Runner().run(build.databases, [a_check()], SITES)
    build.execute("CREATE TABLE release.core.later AS SELECT 1")
