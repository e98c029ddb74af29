"""Families who have withdrawn, and the older releases that still hold one: found, and their files removed.

The manifest stays and says so. Taking a family out of the lake is lake/erasure.py's; what the topics and the backups
keep does not belong here.
"""

from datetime import UTC, datetime
from typing import NamedTuple

import duckdb
import msgspec

from contracts.errors import EnvironmentProblem
from lake import settings_file, tombstones
from lake.home import Home
from lake.storage import sync
from lake.tombstones import Subject
from registry import manifest, release
from registry.errors import NoRelease


class Holding(NamedTuple):
    """A release with families who have withdrawn since."""

    release: str
    families: int


def withdrawn(home: Home) -> frozenset[Subject]:
    """The families of whom, as of the last build, nothing may be used any more: without the scope of its enrolment,
    nothing of a family counts. NoRelease before the first build.
    """
    files = {"now": release.release_file(home, release.current(home).id), "operators": home.operators}
    for file in files.values():
        if not file.exists():
            raise NoRelease(f"{file}: it is gone, so who has withdrawn cannot be told; `b12 build` makes it again")
    with duckdb.connect() as connection:
        for name, file in files.items():
            connection.execute(f"ATTACH {_quoted(str(file))} AS {name} (READ_ONLY)")
        rows = connection.execute("""
            SELECT DISTINCT b.site, b.subject_key
            FROM operators.barred AS b
            INNER JOIN now.definitions.consent_scope AS c ON b.scope = c.scope AND c.kind = 'enrolment'
            WHERE b.verdict = 'withdrawn'
        """).fetchall()
    return frozenset(Subject(site, key.bytes) for site, key in rows)


def holding(home: Home) -> list[Holding]:
    """Releases before the current one that hold families who have withdrawn by the last build, or were erased.

    Oldest first. EnvironmentProblem when the current release holds one itself: a build has to replace it first.
    """
    now = release.current(home)
    out, erased = withdrawn(home), tombstones.read(home)
    found = []
    for each in release.history(home):
        if release.release_file(home, each.id).exists():
            held = _subjects(home, each.id)
            if families := len((held & out) | erased.among(held)):
                found.append(Holding(each.id, families))
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


def _subjects(home: Home, release_id: str) -> frozenset[Subject]:
    with duckdb.connect(str(release.release_file(home, release_id)), read_only=True) as connection:
        rows = connection.execute("SELECT site, subject_key FROM core.subjects").fetchall()
    return frozenset(Subject(site, key.bytes) for site, key in rows)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
