"""Runs checks in Great Expectations on DuckDB and turns its verdicts into counts per site.

Great Expectations decides whether a check passes; one aggregate query per table then says for which site, and
how many rows. Where the two disagree the check is an error, never a pass. What is asked belongs in suites.py.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from expectations.checks import NO_ROWS, Check, CheckResult

if TYPE_CHECKING:
    from expectations.duckdb_source import DuckDBDatasource
    from expectations.gx import ExpectationSuiteValidationResult

RESULT_FORMAT = {"result_format": "BASIC", "partial_unexpected_count": 0}
"""By default Great Expectations puts failing values into its results."""
_NOTHING = (0, 0, False)


class Runner:
    """Runs checks, and keeps what Great Expectations said of them for Data Docs."""

    def __init__(self) -> None:
        self._validated: list[tuple[str, ExpectationSuiteValidationResult]] = []

    def run(
        self,
        databases: Mapping[str, Path],
        checks: Sequence[Check],
        sites: Iterable[str] = (),
        *,
        in_docs: bool = True,
    ) -> list[CheckResult]:
        """Results of every check: per site of `sites` for those of level `site`, else one each.

        `databases` are opened read-only under their catalog names; nobody may be writing them. Raises nothing for a
        check that cannot be evaluated: its outcome is `error`.
        """
        from expectations.duckdb_source import opened

        results: list[CheckResult] = []
        with opened({name: str(path) for name, path in databases.items()}) as source:
            for rows, group in _by_rows(checks).items():
                counted = _counted(source, rows, group)
                # Where no check has a row to ask about there is nothing to decide, and an expectation would pass.
                validation = _validate(source, rows, group) if counted.has_rows else None
                results += _results(group, counted, validation, sorted(sites))
                if validation is not None and in_docs:
                    self._validated.append((group[0].table, validation))
        return results

    def write_docs(self, directory: Path, results: Sequence[CheckResult]) -> None:
        """Replace `directory` by Data Docs of what was run so far, with `results` on the first page."""
        from expectations import data_docs

        data_docs.write(directory, self._validated, results)
        self._validated = []


def _by_rows(checks: Iterable[Check]) -> dict[str, list[Check]]:
    groups: dict[str, list[Check]] = defaultdict(list)
    for check in checks:
        groups[check.rows].append(check)
    return groups


def _validate(source: "DuckDBDatasource", rows: str, checks: list[Check]) -> "ExpectationSuiteValidationResult":
    from expectations import no_rows
    from expectations.gx import ExpectationConfiguration, ExpectationSuite

    assert no_rows  # noqa: S101  # imported so that Great Expectations knows it by its name
    name = checks[0].table
    asset = source.add_query_asset(f"{name} {len(source.assets)}", query=rows)
    suite = ExpectationSuite(
        name=name,
        expectations=[
            ExpectationConfiguration(
                type=check.expectation,
                kwargs=_escaped(check),
                meta={"check": check.name, "category": check.category, "level": check.level},
                description=f"{check.name}: {check.asks}",
                severity=check.severity,
            )
            for check in checks
        ],
    )
    batch = asset.add_batch_definition_whole_table("all").get_batch()
    return batch.validate(suite, result_format=RESULT_FORMAT)


def _escaped(check: Check) -> dict[str, Any]:
    """Great Expectations formats a query: what is not its batch must not look like a field."""
    if check.expectation != NO_ROWS:
        return check.arguments
    query = check.arguments["unexpected_rows_query"].replace("{", "{{").replace("}", "}}")
    return {"unexpected_rows_query": query.replace("{{batch}}", "{batch}")}


def _results(
    checks: list[Check],
    counted: "_Counts",
    validation: "ExpectationSuiteValidationResult | None",
    sites: list[str],
) -> list[CheckResult]:
    verdicts = {result.expectation_config.meta["check"]: result for result in validation.results} if validation else {}
    results = []
    for check in checks:
        found = counted.of(check)
        raised = counted.error
        if verdict := verdicts.get(check.name):
            raised = raised or _raised(verdict.exception_info)
            if not raised and bool(verdict.success) == any(breaks for _, _, breaks in found.values()):
                raised = "Disagreement"
        groups = sorted({*sites, *found}) if check.level == "site" else [None]
        results += [_result(check, site, found.get(site, _NOTHING), raised) for site in groups or [None]]
    return results


def _result(check: Check, site: str | None, found: tuple[int, int, bool], raised: str | None) -> CheckResult:
    applicable, failing, breaks = found
    if raised:
        outcome = "error"
    elif applicable < check.at_least:
        outcome = "not_applicable"
    else:
        outcome = "fail" if breaks else "pass"
    return CheckResult(
        name=check.name,
        table=check.table,
        asks=check.asks,
        category=check.category,
        severity=check.severity,
        level=check.level,
        site=site,
        outcome=outcome,
        applicable=applicable,
        failing=failing,
        error=raised,
    )


class _Counts(NamedTuple):
    """Per site (None: of the whole table) and check: rows asked, rows failing, whether they break it."""

    found: dict[tuple[str, str | None], tuple[int, int, bool]]
    error: str | None = None

    @property
    def has_rows(self) -> bool:
        return self.error is not None or any(applicable for applicable, _, _ in self.found.values())

    def of(self, check: Check) -> dict[str | None, tuple[int, int, bool]]:
        return {site: counts for (name, site), counts in self.found.items() if name == check.name}


def _counted(source: "DuckDBDatasource", rows: str, checks: list[Check]) -> _Counts:
    found: dict[tuple[str, str | None], tuple[int, int, bool]] = {}
    for level, group in (("site", "site"), ("release", "NULL::VARCHAR")):
        asked = [check for check in checks if check.level == level]
        if not asked:
            continue
        columns = ", ".join(
            f"{check.count_applicable}, {check.count_failing}, coalesce({check.condition}, false)" for check in asked
        )
        try:
            groups = source.rows(f"SELECT {group}, {columns} FROM ({rows}) GROUP BY ALL")
        except Exception as error:  # a query that cannot run is the finding; its text may quote a value
            return _Counts({}, type(error).__name__)
        for site, *counts in groups:
            for number, check in enumerate(asked):
                found[check.name, site] = tuple(counts[3 * number : 3 * number + 3])
    return _Counts(found)


def _raised(exception_info: Mapping[str, Any]) -> str | None:
    """The exception's class, when evaluating an expectation raised one; its message may quote a value."""
    if "raised_exception" in exception_info:
        return "EvaluationError" if exception_info["raised_exception"] else None
    return "MetricError" if exception_info else None
