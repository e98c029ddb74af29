"""Compares a release with the truth of the synthetic cohort, table by table and row for row.

    differences(connection, release.tables(deliveries, cut_off), secret)    # empty when they agree

The truth itself is b12.demo.truth; what is asserted of a difference belongs to the tests.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

from b12.demo.truth.core import Row
from b12.demo.truth.keys import Key, Least, Ordered
from contracts.pseudonyms import as_uuid, pseudonym, site_key

_COMPARED = {
    "summary.attrition": "WHERE n > 0",
    "research.dti_changes": "WHERE NOT is_derived",
}
"""Which rows the truth speaks of, where it is not all."""


def differences(
    connection: duckdb.DuckDBPyConnection, truth: Mapping[str, Sequence[Row]], secret: bytes
) -> dict[str, list[str]]:
    """What is wrong in each table that differs: rows that the truth lacks (+) and rows that the release lacks (-)."""
    found = {}
    for table, rows in truth.items():
        columns = list(rows[0]) if rows else [column for column, *_ in connection.table(table).description]
        listed = ", ".join(f'"{column}"' for column in columns)
        where = _COMPARED.get(table, "")
        released = Counter(map(_hashable, connection.execute(f"SELECT {listed} FROM {table} {where}").fetchall()))
        expected = Counter(_hashable([_resolved(row[column], secret) for column in columns]) for row in rows)
        if released != expected:
            more = [_shown("+", columns, row) for row in released - expected]
            less = [_shown("-", columns, row) for row in expected - released]
            found[table] = sorted(more + less, key=lambda line: line[2:])
    return found


def _resolved(value: Any, secret: bytes) -> Any:
    """A key as the release shows it, and a list in the order of such keys."""
    if isinstance(value, Key):
        return as_uuid(pseudonym(site_key(secret, value.site), value.role, value.value))
    if isinstance(value, Least):
        return min(_resolved(key, secret) for key in value.keys)
    if isinstance(value, Ordered):
        pairs = sorted((_resolved(by, secret), _resolved(told, secret)) for by, told in value.pairs)
        return [told for _, told in pairs]
    if isinstance(value, (list, tuple)):
        return [_resolved(each, secret) for each in value]
    return value


def _hashable(row: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(tuple(value) if isinstance(value, list) else value for value in row)


def _shown(sign: str, columns: Sequence[str], row: Sequence[Any]) -> str:
    cells = (f"{column}={value}" for column, value in zip(columns, row, strict=True) if value is not None)
    return f"{sign} {', '.join(cells)}"
