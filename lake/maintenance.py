"""Keeping the table quick: compaction, checkpoints, and the removal of what no version within the retention needs.

Everything here may run beside any number of writers and readers, and again at once. How files become one belongs to
lake/compaction.py; when it was last done, to lake/upkeep.py; erasing a family, to lake/erasure.py.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError, TableNotFoundError

from contracts.errors import EnvironmentProblem
from lake import tombstones, upkeep
from lake.checkpoints import checkpoint
from lake.compaction import HANDY_BYTES, LARGE_BYTES, NO_HOOKS, Compacted, compact, sizes
from lake.damage import read_whole
from lake.erasure import erase
from lake.home import Home
from lake.snapshot import snapshot
from lake.storage import Storage
from lake.table import Lake

COMPACT_EVERY = 50
"""Commits between two compactions: with it the cost of a commit stays flat (measured)."""
CHECKPOINT_EVERY = 10
"""Commits between two checkpoints: every commit and every reader reads each entry of the log since the last (measured:
0.3 ms each, and 30 ms for a checkpoint)."""

Progress = Callable[[str], None]
"""Hears what is being done, in a few words."""


class Maintenance(NamedTuple):
    """What was done. Counts alone: safe to be shown anywhere."""

    version: int
    compacted: Compacted
    removed: int
    """Files that no version within the retention needs."""
    files_before: int
    files_after: int
    """Of the newest version."""
    bytes_before: int
    bytes_after: int
    erased: int = 0
    """Deliveries of families who were erased and of whom something was sent again."""


def maintain(home: Home, progress: Progress = lambda _words: None) -> Maintenance:
    """All of it, for one home's lake. EnvironmentProblem when there is no lake, UsageError for a retention too short.

    What runs at the same time wins or gives way; what was not done then, the next one does.
    """
    kept, erased = upkeep.retention(), tombstones.read(home)
    again = erased.in_files(snapshot(home).files) if erased.counts() else ()
    swept = erase(home.lake, again, progress)
    done = thorough(home.lake, kept, progress)
    upkeep.record(home)
    return done._replace(erased=sum(swept.deliveries.values()))


def between_commits(lake: Lake, before: int) -> None:
    """What a worker does after a commit, when that is due since the version `before`: its cost does not grow with the
    lake.
    """
    if _passed(COMPACT_EVERY, before, lake.version):
        storage = Storage(lake.uri)
        with read_whole(storage.uri):
            compact(DeltaTable(storage.uri), storage, HANDY_BYTES)
    if _passed(CHECKPOINT_EVERY, before, lake.version):
        lake.checkpoint()


def thorough(uri: str, kept: upkeep.Kept, progress: Progress = lambda _words: None) -> Maintenance:
    """Compact into large files, checkpoint, and remove all that is older than what is kept. Only a simulation keeps
    less than a day.
    """
    storage = Storage(uri)
    with read_whole(storage.uri):
        try:
            table = DeltaTable(storage.uri)
        except TableNotFoundError:
            raise EnvironmentProblem(
                f"there is no lake at {storage.uri} yet, so there is nothing to maintain: a worker makes it when the"
                " first deliveries arrive (`b12 up`)"
            ) from None
        before = sizes(table)
        progress(f"compacting {len(before)} files")
        _keep(table, kept)
        compacted = compact(table, storage, LARGE_BYTES)
        progress("writing a checkpoint")
        table.update_incremental()
        checkpoint(table, storage)
        progress("removing files that nothing needs any more")
        removed = table.vacuum(dry_run=False, full=True, post_commithook_properties=NO_HOOKS)
        table.update_incremental()
    after = sizes(table)
    return Maintenance(
        int(table.version()),
        compacted,
        len(removed),
        len(before),
        len(after),
        sum(before.values()),
        sum(after.values()),
    )


def _passed(every: int, before: int, after: int) -> bool:
    """Whether a multiple of it lies among the versions above `before` up to `after`."""
    return before // every != after // every


def _keep(table: DeltaTable, kept: upkeep.Kept) -> None:
    """Tell the table how long it keeps what was replaced; a checkpoint, too, forgets replaced files by it."""
    there = table.metadata().configuration
    wanted = kept.properties()
    if any(there.get(name) != value for name, value in wanted.items()):
        with suppress(CommitFailedError):  # another one told it the same, or the next run does
            table.alter.set_table_properties(wanted, raise_if_not_exists=False, post_commithook_properties=NO_HOOKS)
        table.update_incremental()
