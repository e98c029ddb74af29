"""Questions to a release in SQL: read-only, and with no way out of the file.

How an answer is printed belongs to the command line.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from lake.home import Home
from registry import release
from registry.errors import ABOUT_WORDS, NoRelease, QueryFailed

_LOCKED = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}
_BATCH = 10_000


class Answer:
    """The columns of an answer, and its rows as they come."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self._cursor = cursor
        self.columns: tuple[str, ...] = tuple(column[0] for column in cursor.description or ())

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        try:
            while batch := self._cursor.fetchmany(_BATCH):
                yield from batch
        except duckdb.Error as error:
            raise QueryFailed(_said(error)) from None


@contextmanager
def ask(home: Home, sql: str, release_id: str | None = None) -> Iterator[Answer]:
    """The answer of one release (default: the current one) to one query.

    NoRelease when there is none; QueryFailed, in a sentence that holds no value of the data, when it cannot be run.
    """
    known = release.current(home) if release_id is None else release.one(home, release_id)
    with connected(release.release_file(home, known.id)) as connection:
        try:
            if len(connection.extract_statements(sql)) != 1:
                raise QueryFailed("ask one query at a time, like: SELECT count(*) FROM core.subjects")
            answer = Answer(connection.execute(sql))
        except duckdb.Error as error:
            raise QueryFailed(_said(error)) from None
        yield answer


@contextmanager
def connected(file: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that can read this release and nothing else."""
    if not file.exists():
        raise NoRelease(f"{file}: the release's file is gone; it was revoked, or belongs to another home")
    connection = duckdb.connect(str(file), read_only=True, config=_LOCKED)
    try:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET lock_configuration = true")
        yield connection
    finally:
        connection.close()


def _said(error: duckdb.Error) -> str:
    words = re.split(r"\n\s*\n|\nLINE ", str(error), maxsplit=1)[0]
    words = " ".join(words.split())
    if isinstance(error, duckdb.CatalogException) and words.startswith("Catalog Error: Table "):
        words = re.sub(r" Did you mean \"(pg_|duckdb_|sqlite_|information_schema|pragma_).*", "", words)
        words += "; SHOW ALL TABLES lists its tables, and docs/reference/tables.md says what they hold"
    if isinstance(error, ABOUT_WORDS):
        return f"the release cannot answer that: {words}"
    if "read-only" in words or "locked" in words or isinstance(error, duckdb.PermissionException):
        return "the release cannot answer that: a release is read-only, and a query reads nothing beside it"
    return (
        f"the query stopped at a row ({type(error).__name__}): look at its casts and divisions;"
        " try_cast and nullif let it go on"
    )
