"""A family who withdrew, erased from everything that this home keeps, in an order that a crash does not harm.

First it counts as erased for good, then the lake loses its rows, a build replaces what was made of them, and older
releases that hold it are removed. Each step may be repeated; what was interrupted goes on where it stopped.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import duckdb

from b12.admin import RETENTION_MS, SEGMENT_MS
from contracts.errors import B12Error
from lake import erasure, tombstones, upkeep
from lake.erasure import Erased
from lake.home import Home
from lake.snapshot import snapshot
from lake.tombstones import Subject
from pipelines.build import run_in_process
from registry import revocation
from registry.revocation import Holding

Progress = Callable[[str], None]


class NotBuilt(B12Error):
    """A build that erasing needs has failed."""


class Remainder(NamedTuple):
    """Something that holds the families still, and until when."""

    what: str
    until: str


def due(home: Home) -> frozenset[Subject]:
    """Families who are out whole by the last build, and erased ones of whom the lake holds something."""
    return revocation.withdrawn(home) | tombstones.read(home).in_files(snapshot(home).files)


def is_built(home: Home) -> bool:
    """Whether the last build read all that the lake holds."""
    if not home.operators.exists():
        return False
    with duckdb.connect(str(home.operators), read_only=True) as connection:
        [(version,)] = connection.execute("SELECT lake_version FROM build").fetchall()
    return bool(version == snapshot(home).version)


def build(home: Home) -> None:
    """Make a release of what the lake holds now. NotBuilt says why that failed."""
    finished = run_in_process(home)
    if finished.release is None:
        raise NotBuilt(
            "; ".join(finished.problems) + "; what was done until here stands: mend it, and run `b12 erase` again"
        )


def erase(
    home: Home, families: frozenset[Subject], progress: Progress = lambda _words: None
) -> tuple[Erased, list[Holding]]:
    """Erase them: what the lake lost, and the releases that were revoked."""
    tombstones.put(home, families)
    done = erasure.erase(home.lake, families, progress)
    progress("building a release without them")
    build(home)
    progress("removing older releases that hold them")
    return done, revocation.revoke(home)


def remainders(now: datetime | None = None) -> list[Remainder]:
    """What no command removes at once."""
    now = now or datetime.now(UTC)
    files = now + upkeep.retention().files
    topics = now + timedelta(milliseconds=RETENTION_MS + SEGMENT_MS)
    return [
        Remainder("files of the lake that were replaced", f"the first maintenance after {files:%Y-%m-%d %H:%M} UTC"),
        Remainder("Kafka's topics: what the sites sent, and were answered", f"{topics:%Y-%m-%d} at the latest"),
        Remainder("backups, and copies of releases that analysts took", "you delete them"),
    ]
