"""Two small databases as a build leaves them, to be filled row by row: for tests of what audits a build.

What a build computes is tested in tests/spec and tests/models.
"""

import uuid
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from contracts.events import KINDS
from expectations.release import Table
from lake.schema import schema
from registry.lake_views import SQL_TYPES

_CORE = {
    "subjects": "subject_key UUID, site VARCHAR, person VARCHAR, is_preterm BOOLEAN, age_days INTEGER,"
    " is_synthetic BOOLEAN",
    "doses": "subject_key UUID, site VARCHAR, record_key UUID, person VARCHAR, age_days INTEGER",
    "imaging": "subject_key UUID, site VARCHAR, record_key UUID, age_days INTEGER",
}
_STAGING = {
    "verdicts": "delivery BIGINT, site VARCHAR, kind VARCHAR, verdict VARCHAR",
    "findings": "delivery BIGINT, site VARCHAR, kind VARCHAR, rule VARCHAR, category VARCHAR, severity VARCHAR,"
    " effect VARCHAR, is_confirmed BOOLEAN",
    "consents": "site VARCHAR, subject_key UUID, scope VARCHAR, status VARCHAR",
    "bounds": "site VARCHAR, received BIGINT",
    "sites": "site VARCHAR, consent_basis VARCHAR",
}
_FILES = {"release": "candidate.duckdb", "staging": "operators.duckdb"}
TABLES = (
    Table("staging.verdicts", ("delivery",), ("delivery", "site", "kind", "verdict")),
    *(
        Table(
            f"core.{name}",
            ("subject_key",) if name == "subjects" else ("subject_key", "record_key"),
            tuple(column.split()[0] for column in columns.split(", ")),
        )
        for name, columns in _CORE.items()
    ),
)


class SmallBuild:
    """The databases of one build, every table of them empty at first."""

    def __init__(self, directory: Path) -> None:
        self._files = {name: directory / file for name, file in _FILES.items()}
        for name, content in _empty().items():
            self._files[name].write_bytes(content)
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._deliveries = 0

    @property
    def databases(self) -> dict[str, Path]:
        """Their files by name, which nobody is writing any more."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        return self._files

    def execute(self, statement: str) -> None:
        """Run one statement."""
        if self._connection is None:
            self._connection = _connected(self._files)
        self._connection.execute(statement)

    def current(self, kind: str, site: str, count: int = 1, **values: object) -> None:
        """Add `count` included deliveries of a kind, whose columns are SQL texts or plain values."""
        self.deliver(site, count, kind)
        given = {
            "delivery": f"{self._deliveries - count} + i",
            "site": f"'{site}'",
            **dict.fromkeys(("id_key", "subject_key", "record_key"), "uuid()"),
            "event_time": "now()",
            **values,
        }
        columns = ", ".join(f'{value} AS "{name}"' for name, value in given.items())
        self.execute(f"INSERT INTO staging.current_{kind} BY NAME SELECT {columns} FROM range({count}) AS t (i)")

    def deliver(self, site: str, count: int = 1, kind: str = "dose", verdict: str = "included") -> None:
        """Add deliveries that were received and judged."""
        self.execute(
            f"INSERT INTO staging.verdicts SELECT {self._deliveries} + i, '{site}', '{kind}', '{verdict}'"
            f" FROM range({count}) AS t (i)"
        )
        self.execute(f"INSERT INTO staging.bounds VALUES ('{site}', {count})")
        self._deliveries += count

    def subject(self, site: str = "BLR01", is_synthetic: bool = True) -> uuid.UUID:
        """Add a subject to the release."""
        key = uuid.uuid4()
        self.execute(
            f"INSERT INTO release.core.subjects VALUES ('{key}', '{site}', 'infant', false, 100, {is_synthetic})"
        )
        return key


@cache
def _empty() -> dict[str, bytes]:
    """Both files without a row: made once, for they take longer to make than to check."""
    with TemporaryDirectory() as directory:
        files = {name: Path(directory, file) for name, file in _FILES.items()}
        with _connected(files) as connection:
            for schema_name in ("core", "definitions"):
                connection.execute(f"CREATE SCHEMA release.{schema_name}")
            for name, columns in _CORE.items():
                connection.execute(f"CREATE TABLE release.core.{name} ({columns})")
            for kind in KINDS:
                connection.execute(f"CREATE TABLE staging.current_{kind} ({_columns(kind)})")
            for name, columns in _STAGING.items():
                connection.execute(f"CREATE TABLE staging.{name} ({columns})")
        return {name: file.read_bytes() for name, file in files.items()}


def _connected(files: Mapping[str, Path]) -> duckdb.DuckDBPyConnection:
    """A connection to both databases, under the names that checks use."""
    connection = duckdb.connect(":memory:")
    for name, path in files.items():
        connection.execute(f"ATTACH '{path}' AS {name}")
    return connection


def _columns(kind: str) -> str:
    columns = ["delivery BIGINT"]
    for field in schema(kind):
        if field.name.endswith("_hi"):
            columns.append(f"{field.name.removesuffix('_hi')}_key UUID")
        elif not field.name.endswith("_lo"):
            columns.append(f'"{field.name}" {SQL_TYPES.get(field.type, "VARCHAR")}')
    return ", ".join(columns)
