"""Older releases that still hold a family who has withdrawn: found, and their files removed.

The manifest stays and says so. What the lake, the topics and the backups keep does not belong here.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import NamedTuple

import duckdb
import msgspec

from contracts.errors import EnvironmentProblem
from lake import settings_file
from lake.home import Home
from lake.storage import sync
from registry import manifest, release
from registry.errors import NoRelease


class Holding(NamedTuple):
    """A release with families who have withdrawn since."""

    release: str
    families: int


def holding(home: Home) -> list[Holding]:
    """Releases before the current one that hold families of whom, as of the last build, nothing may be used any more.

    Oldest first. EnvironmentProblem when the current release holds one itself: a build has to replace it first.
    """
    now = release.current(home)
    with _withdrawn(home, now.id) as connection:
        found = [
            Holding(each.id, families)
            for each in release.history(home)
            if release.release_file(home, each.id).exists() and (families := _held(connection, home, each.id))
        ]
    if any(each.release == now.id for each in found):
        raise EnvironmentProblem(
            f"{now.id}: the current release holds families who have withdrawn since; run `b12 build`, then this again"
        )
    return found


def revoke(home: Home) -> list[Holding]:
    """Remove the files of those releases for good; their manifests say when. BuildRunning during a build."""
    with release.exclusive(home):
        found = holding(home)
        for each in found:
            file = release.release_file(home, each.release)
            told = msgspec.structs.replace(release.one(home, each.release), revoked=datetime.now(UTC))
            settings_file.write_bytes(file.with_suffix(".json"), manifest.encoded(told))
            file.unlink()
            sync(home.releases)
    return found


@contextmanager
def _withdrawn(home: Home, current: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with the table `gone`: without the scope of its enrolment, nothing of a family counts."""
    files = {"now": release.release_file(home, current), "operators": home.operators}
    for file in files.values():
        if not file.exists():
            raise NoRelease(f"{file}: it is gone, so who has withdrawn cannot be told; `b12 build` makes it again")
    with duckdb.connect() as connection:
        for name, file in files.items():
            connection.execute(f"ATTACH {_quoted(str(file))} AS {name} (READ_ONLY)")
        connection.execute("""
            CREATE TABLE gone AS
            SELECT DISTINCT b.site, b.subject_key
            FROM operators.barred AS b
            INNER JOIN now.definitions.consent_scope AS c ON b.scope = c.scope AND c.kind = 'enrolment'
            WHERE b.verdict = 'withdrawn'
        """)
        connection.execute("DETACH now")
        yield connection


def _held(connection: duckdb.DuckDBPyConnection, home: Home, release_id: str) -> int:
    connection.execute(f"ATTACH {_quoted(str(release.release_file(home, release_id)))} AS looked_at (READ_ONLY)")
    try:
        [(families,)] = connection.execute("""
            SELECT count(*)
            FROM looked_at.core.subjects AS s
            SEMI JOIN gone AS g ON s.site = g.site AND s.subject_key = g.subject_key
        """).fetchall()
    finally:
        connection.execute("DETACH looked_at")
    return int(families)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
