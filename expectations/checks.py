"""A check of a table and what became of it, as plain data: no Great Expectations, no connection.

Which checks there are stands in suites.py and release.py; running them belongs to runner.py.
"""

from collections.abc import Iterable
from typing import Any, Literal

from msgspec import Struct

Category = Literal["conformance", "completeness", "plausibility"]
"""Kahn et al., eGEMs 2016;4:1244."""
Severity = Literal["critical", "warning", "info"]
Level = Literal["site", "release"]
Outcome = Literal["pass", "fail", "not_applicable", "error"]

NO_ROWS = "expect_no_rows"
"""Of no_rows.py, with one argument: `unexpected_rows_query`, over `{batch}`."""


class Check(Struct, frozen=True, kw_only=True):
    """One question to one table. A critical one of level `site` holds that site, of level `release` the release."""

    name: str
    """Unique within its table."""
    table: str
    """The model that it belongs to, such as `staging.current_dose`."""
    rows: str
    """SELECT of the rows that are asked about, with a column `site` when the level is `site`."""
    asks: str
    """What is true when it passes, in one sentence."""
    category: Category
    severity: Severity
    level: Level
    expectation: str
    """Great Expectations' name of the expectation that decides."""
    arguments: dict[str, Any]
    """Its arguments. They come from the contract, never from data."""
    failing: str | None
    """SQL predicate of a failing row. None: `breaks` is about the rows together, so all of them fail or none does."""
    applies: str = "true"
    """SQL predicate of the rows that are asked at all."""
    breaks: str | None = None
    """SQL aggregate condition under which a site (or the release) fails; a single failing row when None."""
    at_least: int = 1
    """With fewer applicable rows the check says nothing."""

    @property
    def condition(self) -> str:
        """The aggregate condition under which a group of rows fails."""
        return self.breaks or f"{self.count_failing} > 0"

    @property
    def count_applicable(self) -> str:
        """SQL aggregate: rows that were asked."""
        return f"count(*) FILTER (WHERE {self.applies})"

    @property
    def count_failing(self) -> str:
        """SQL aggregate: rows that failed."""
        if self.failing is None:
            return f"CASE WHEN {self.condition} THEN {self.count_applicable} ELSE 0 END"
        return f"count(*) FILTER (WHERE ({self.applies}) AND ({self.failing}))"


class CheckResult(Struct, frozen=True, kw_only=True):
    """What one check found, for one site or for the release. Counts only, never a value."""

    name: str
    table: str
    asks: str
    category: Category
    severity: Severity
    level: Level
    site: str | None
    outcome: Outcome
    applicable: int = 0
    """Rows that were asked."""
    failing: int = 0
    """Of them, rows that failed."""
    error: str | None = None
    """Class of the exception that kept the check from being evaluated."""


def held_sites(results: Iterable[CheckResult]) -> dict[str, list[CheckResult]]:
    """The sites that a critical check of level `site` failed for, with those checks."""
    held: dict[str, list[CheckResult]] = {}
    for result in results:
        if result.level == "site" and result.severity == "critical" and result.outcome == "fail" and result.site:
            held.setdefault(result.site, []).append(result)
    return held


def broken_invariants(results: Iterable[CheckResult]) -> list[CheckResult]:
    """What holds the release: critical checks of its own level, and any critical check that could not be evaluated.

    A check that cannot run says nothing about a site, so no site is held for it.
    """
    return [
        result
        for result in results
        if result.severity == "critical"
        and (result.outcome == "error" or (result.outcome == "fail" and result.level == "release"))
    ]


def share(failing: str, at_most: float, at_least: int, applies: str = "true") -> str:
    """The aggregate condition `more than this share of at least so many rows fails`."""
    asked = f"count(*) FILTER (WHERE {applies})"
    return f"{asked} >= {at_least} AND count(*) FILTER (WHERE ({applies}) AND ({failing})) > {at_most} * {asked}"


def literal(value: str) -> str:
    """A text as an SQL literal."""
    return "'" + value.replace("'", "''") + "'"
