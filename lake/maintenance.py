"""Keeping the table quick: small files made into large ones, checkpoints, and the removal of what no version needs.

Everything here may run beside any number of writers; of two that run at once, one gives way.
"""

import uuid
from collections import Counter
from typing import NamedTuple

import pyarrow as pa
from deltalake import ColumnProperties, DeltaTable, PostCommitHookProperties, WriterProperties
from deltalake.exceptions import CommitFailedError, TableNotFoundError

from contracts.errors import EnvironmentProblem
from lake import crash
from lake.damage import read_whole
from lake.home import Home
from lake.schema import table_schema
from lake.storage import LEVEL, Storage, is_key, repetitive

EVERY = 50
"""Commits between two compactions: with it the cost of a commit stays flat (measured)."""
TARGET_BYTES = 128 << 20
_NO_HOOKS = PostCommitHookProperties(create_checkpoint=False, cleanup_expired_logs=False)
CLAIM_PROPERTY = "b12.compaction"
"""The table's property that says whose compaction may commit."""
RETENTION_HOURS = 7 * 24
"""Removed files stay readable this long, for builds that pinned an older version. Never less than a day: a removal
during a slow flush would take files that its commit is about to name."""


class Maintenance(NamedTuple):
    """What was done."""

    version: int
    compacted: int
    """Small files that were replaced."""
    written: int
    """Files that replaced them."""
    removed: int
    """Files that no version within the retention needs."""


def maintain(lake: Home | str, *, remove: bool = True) -> Maintenance:
    """Compact, checkpoint and, unless told otherwise, remove; EnvironmentProblem when there is no lake."""
    storage = Storage(lake.lake if isinstance(lake, Home) else lake)
    with read_whole(storage.uri):
        try:
            table = DeltaTable(storage.uri)
        except TableNotFoundError:
            raise EnvironmentProblem(
                f"there is no lake at {storage.uri} yet, so there is nothing to maintain"
            ) from None
        compacted, written = _compact(table, storage)
        table.create_checkpoint()
        table.cleanup_metadata()
        removed = table.vacuum(retention_hours=RETENTION_HOURS, dry_run=False, full=True) if remove else []
        table.update_incremental()
    return Maintenance(int(table.version()), compacted, written, len(removed))


def due(before: int, after: int) -> bool:
    """Whether a multiple of EVERY lies among the versions above `before` up to `after`."""
    return before // EVERY != after // EVERY


def _compact(table: DeltaTable, storage: Storage) -> tuple[int, int]:
    if not _is_worth(table):
        return 0, 0
    before = _paths(table)
    try:
        if not _claim(table):
            return 0, 0
        done = table.optimize.compact(
            target_size=TARGET_BYTES,
            writer_properties=_writer(table_schema()),
            post_commithook_properties=_NO_HOOKS,
        )
    except CommitFailedError:
        table.update_incremental()
        return 0, 0  # another one claimed the table meanwhile, or changed it: what it did stands
    crash.here("compacted")
    # The library syncs nothing. Until this is done, the files that were replaced are the ones that a power failure
    # leaves whole; they stay for the retention.
    storage.sync(_paths(table) - before)
    storage.sync([f"_delta_log/{int(table.version()):020}.json"])
    return int(done["numFilesRemoved"]), int(done["numFilesAdded"])


def _is_worth(table: DeltaTable) -> bool:
    """Whether a kind has two files that one could replace: a claim alone would make a quiet lake's log grow."""
    files = pa.table(table.get_add_actions(flatten=True)).select(["partition.kind", "size_bytes"])
    small = (
        kind
        for kind, size in zip(*(column.to_pylist() for column in files.columns), strict=True)
        if size < TARGET_BYTES
    )
    return any(count > 1 for count in Counter(small).values())


def _claim(table: DeltaTable) -> bool:
    """Make every compaction that is under way fail, and load the table as it is after that; False when outrun.

    deltalake (1.6.6) lets two compactions replace the same files by two sets of new ones, and every row is there twice:
    its conflict check passes over files that were removed without a change of data, since
    https://github.com/delta-io/delta-rs/pull/3982, and it writes no application transaction for a compaction. What it
    does check is the metadata. So a claim is a change of metadata: no compaction that started before it can commit
    after it. Goes when deltalake refuses to remove a file twice (a test looks).
    """
    mine = uuid.uuid4().hex
    table.alter.set_table_properties(
        {CLAIM_PROPERTY: mine}, raise_if_not_exists=False, post_commithook_properties=_NO_HOOKS
    )
    table.update_incremental()
    return bool(table.metadata().configuration.get(CLAIM_PROPERTY) == mine)


def _paths(table: DeltaTable) -> set[str]:
    return set(pa.table(table.get_add_actions(flatten=True))["path"].to_pylist())


def _writer(columns: pa.Schema) -> WriterProperties:
    """As lake/storage.py writes: dictionaries for codes alone, no statistics of keys."""
    codes = set(repetitive(columns))
    return WriterProperties(
        compression="ZSTD",
        compression_level=LEVEL,
        column_properties={
            column.name: ColumnProperties(
                dictionary_enabled=column.name in codes,
                statistics_enabled="NONE" if is_key(column.name) else "CHUNK",
            )
            for column in columns
        },
    )
