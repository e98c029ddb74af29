"""Research models built over small core tables, in memory; which rows those hold does not belong here."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import sqlglot
from sqlglot import exp

from registry import definitions
from tests.models.core_tables import CORE, STAGING

MODELS = Path(definitions.__file__).parent / "models"


def build(told: dict[str, list[dict[str, Any]]], names: tuple[str, ...], defined: str) -> duckdb.DuckDBPyConnection:
    """The research models (or those named and what they read) over core tables of these rows, in memory.

    `defined` is SQL that changes the definitions before.
    """
    connection = duckdb.connect()
    connection.execute("CREATE SCHEMA staging; CREATE SCHEMA core; CREATE SCHEMA research")
    models = research_models(names)
    read = {name for model, _ in models for name in _read_by(model)}
    _define(connection, {name.removeprefix("definitions.") for name in read})
    if defined:
        connection.execute(defined)
    tables = {f"core.{table}": columns for table, columns in CORE.items()}
    tables |= {f"staging.{table}": columns for table, columns in STAGING.items() if f"staging.{table}" in read}
    for table, columns in tables.items():
        cast = ", ".join(f'"{name}"::{kind} AS "{name}"' for name, kind in columns.items())
        given = _as_text(columns, told[table.partition(".")[2]])
        connection.register("given", given)
        connection.execute(f"CREATE TABLE {table} AS SELECT {cast} FROM given")
        connection.unregister("given")
    for name, sql in models:
        connection.execute(f"CREATE TABLE {name} AS {sql}")
    return connection


@cache
def research_models(names: tuple[str, ...] = ()) -> tuple[tuple[str, str], ...]:
    """Name and SQL of each research model (or of those named and what they read), each behind what it reads.

    A name like `staging.follow_up_due` is one of the operators' models, which read the research models.
    """
    found = {f"research.{path.stem}": path.read_text(encoding="utf-8") for path in (MODELS / "research").glob("*.sql")}
    found |= {name: _file(name).read_text(encoding="utf-8") for name in _of_operators() if names}
    ordered: list[str] = []

    def place(name: str) -> None:
        for read in sorted(_read_by(name) & found.keys()):
            place(read)
        if name not in ordered:
            ordered.append(name)

    for name in sorted(names or found):
        place(name)
    return tuple((name, found[name]) for name in ordered)


@cache
def _read_by(model: str) -> frozenset[str]:
    """Names of the tables that a research model reads."""
    sql = _file(model).read_text(encoding="utf-8")
    tables = sqlglot.parse_one(sql, dialect="duckdb").find_all(exp.Table)
    return frozenset(f"{table.db}.{table.name}" for table in tables)


def _file(model: str) -> Path:
    layer, _, name = model.partition(".")
    return MODELS / ("operators" if layer == "staging" else layer) / f"{name}.sql"


def _of_operators() -> list[str]:
    return [f"staging.{path.stem}" for path in sorted((MODELS / "operators").glob("*.sql"))]


def _define(connection: duckdb.DuckDBPyConnection, read: set[str]) -> None:
    """The definitions that are read, as the registry loads them but from memory: tests build many small cohorts."""
    connection.execute("CREATE SCHEMA definitions")
    for name, given in _definition_tables().items():
        if name not in read:
            continue
        connection.register("given", given)
        connection.execute(f'CREATE TABLE definitions."{name}" AS FROM given')
        connection.unregister("given")


@cache
def _definition_tables() -> dict[str, pa.Table]:
    connection = duckdb.connect()
    definitions.load(connection)
    found = {
        table.name: connection.sql(f'FROM definitions."{table.name}"').to_arrow_table()
        for table in definitions.tables()
    }
    connection.close()
    return found


def _as_text(columns: Iterable[str], given: list[dict[str, Any]]) -> pa.Table:
    """Rows as text columns: faster into DuckDB than one by one, and read exactly by a cast."""
    texts = {column: [None if row.get(column) is None else str(row[column]) for row in given] for column in columns}
    return pa.table({column: pa.array(values, pa.string()) for column, values in texts.items()})


def rows(connection: duckdb.DuckDBPyConnection, query: str, *parameters: object) -> list[dict[str, Any]]:
    """The rows of a query by column."""
    cursor = connection.execute(query, list(parameters))
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
