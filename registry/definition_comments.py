"""What each table and column of the schema `definitions` says, as comments in a release.

The words stand in `definitions.yml`; what the tables hold belongs to definitions.py.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

_FILE = Path(__file__).parent / "definitions.yml"


def comments(table: str, columns: Iterable[str]) -> Iterator[str]:
    """The statements that comment a table. What a study adds to the contract's definitions has no comment."""
    if described := described_tables().get(table):
        yield f'COMMENT ON TABLE definitions."{table}" IS {_quoted(described["description"])}'
    for column in columns:
        if meaning := meaning_of(table, column):
            yield f'COMMENT ON COLUMN definitions."{table}"."{column}" IS {_quoted(meaning)}'


def described_tables() -> Mapping[str, Any]:
    """Description and own columns by table."""
    tables: Mapping[str, Any] = _words()["tables"]
    return tables


def meaning_of(table: str, column: str) -> str | None:
    """What a column says in a table; None where nobody wrote it."""
    own = described_tables().get(table, {}).get("columns", {})
    meaning: str | None = own.get(column, _words()["columns"].get(column))
    return meaning


@cache
def _words() -> Mapping[str, Any]:
    words: Mapping[str, Any] = yaml.load(_FILE.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    return words


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
