"""A lab's table and mapping in a few lines, checked: for tests of what `b12 check` makes of them.

What a test asserts of the outcome belongs to the test.
"""

import tomllib
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from sites import mapping_file
from sites.checking import Report, check_table, unregistered_site
from sites.statement import Statement

NOW = datetime(2026, 6, 1, tzinfo=UTC)
SITE = unregistered_site("BLR01", "Asia/Kolkata")

RESULT = """
subject = "code"
identify = "sample"

[[event]]
name = "b12"
kind = "lab_result"
[event.constants]
person = "infant"
loinc = "2132-9"
unit = "pg/mL"
specimen = "serum"
[event.columns]
value = "b12"
collected = "taken"
"""
"""One B12 result in a row, of the columns code, sample, b12 and taken."""


class Checked:
    """What a check of a table gave."""

    def __init__(self, report: Report, statements: list[Statement]) -> None:
        self.report = report
        self.statements = statements

    @property
    def events(self) -> list[dict[str, Any]]:
        """The good events, decoded."""
        return [msgspec.json.decode(statement.raw) for statement in self.statements]

    @property
    def data(self) -> list[dict[str, Any]]:
        """The data of the good events."""
        return [event["data"] for event in self.events]

    @property
    def problems(self) -> list[tuple[int, str, str]]:
        """Row, column and rule of everything that keeps an event from being sent."""
        return [(p.row, p.column, p.rule) for p in self.report.problems if p.severity == "critical"]


def mapping(text: str) -> mapping_file.Mapping:
    """A mapping from TOML."""
    return mapping_file.parse(tomllib.loads(text, parse_float=Decimal), "lab.toml")


def check(directory: Path, table: str, text: str) -> Checked:
    """Check `table`, the text of a CSV file, with the mapping in `text`."""
    path = directory / "results.csv"
    path.write_text(table, encoding="utf-8")
    return check_file(path, text)


def check_file(path: Path, text: str) -> Checked:
    """Check the table at `path` with the mapping in `text`."""
    report = Report(path)
    return Checked(report, list(check_table(path, mapping(text), SITE, NOW, report)))
