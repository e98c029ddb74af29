"""What a table holds, as one number: equal exactly when the rows are, whatever their order.

When it is asked for, and what follows from it, belongs to release.py.
"""

from collections.abc import Iterable
from hashlib import sha256

import duckdb
import msgspec

RELEASE_SCHEMAS = ("core", "research", "summary", "definitions")


class Content(msgspec.Struct, frozen=True):
    """What one table holds."""

    rows: int
    fingerprint: str
    """32 hex digits over the columns' names and types, the number of rows, and every row."""


def of_release(connection: duckdb.DuckDBPyConnection, catalog: str) -> dict[str, Content]:
    """The content of every table of a release, by `schema.table`."""
    named = connection.execute(
        "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = ? ORDER BY ALL", [catalog]
    ).fetchall()
    return {
        f"{schema}.{table}": of_table(connection, f'{catalog}.{schema}."{table}"')
        for schema, table in named
        if schema in RELEASE_SCHEMAS
    }


def of_table(connection: duckdb.DuckDBPyConnection, table: str) -> Content:
    """The content of one table. Times are read as UTC, so the connection's TimeZone must be UTC."""
    columns = [(row[0], row[1]) for row in connection.execute(f"DESCRIBE {table}").fetchall()]
    # Each value behind its length, so that no two rows have one text; sums do not depend on the order of rows.
    row = " || ".join(
        f"""coalesce(strlen("{name}"::VARCHAR) || ':' || "{name}"::VARCHAR, '~')""" for name, _ in columns
    )
    [(rows, upper, lower)] = connection.execute(
        f"""
        SELECT
            count(*),
            coalesce(sum(md5_number_upper(text)::HUGEINT), 0),
            coalesce(sum(md5_number_lower(text)::HUGEINT), 0)
        FROM (SELECT {row} AS text FROM {table})
        """
    ).fetchall()
    told = f"{columns}|{rows}|{upper}|{lower}"
    return Content(rows, sha256(told.encode()).hexdigest()[:32])


def together(tables: Iterable[tuple[str, Content]]) -> str:
    """One fingerprint of several tables: 64 hex digits."""
    lines = [f"{name} {content.rows} {content.fingerprint}" for name, content in sorted(tables)]
    return sha256("\n".join(lines).encode()).hexdigest()
