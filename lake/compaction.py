"""Small files of a kind made into large ones, beside any number of writers; of two compactions at once, one gives way.

When that happens, and the removal of what was replaced, belong to lake/maintenance.py.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

import pyarrow as pa
from deltalake import ColumnProperties, DeltaTable, PostCommitHookProperties, WriterProperties
from deltalake.exceptions import CommitFailedError

from lake import crash
from lake.schema import table_schema
from lake.storage import GROUP_ROWS, LEVEL, Storage, is_key, repetitive

LARGE_BYTES = 128 << 20
"""A file of this size is left alone for good."""
HANDY_BYTES = 256 << 10
"""The same for compactions between commits: what they write is small, however much is there already. Were they to aim
for large files at once, each would write up to LARGE_BYTES of every kind anew for the sake of fifty rows. A flood waits
for it, since parts of full flushes are smaller too: at 1 MB for 6.4 s of the processor every fifty commits, at this for
2.0 (measured on a busy machine), while sixty deliveries a commit leave 224 files after 600 instead of 185."""
NO_HOOKS = PostCommitHookProperties(create_checkpoint=False, cleanup_expired_logs=False)
CLAIM_PROPERTY = "b12.compaction"
"""The table's property that says whose compaction or erasure may commit."""


class Compacted(NamedTuple):
    """What a compaction did."""

    replaced: int = 0
    """Small files."""
    written: int = 0
    """Files that replaced them."""


def compact(table: DeltaTable, storage: Storage, target_bytes: int) -> Compacted:
    """Replace files below the target by fewer. Nothing is done, and nothing committed, where it is not worth it.

    Deliveries keep their order: what is read together arrived together (docs/explanation/lake.md has the figures).
    """
    if not _is_worth(table, target_bytes):
        return Compacted()
    before = set(sizes(table))
    try:
        if not claim(table):
            return Compacted()
        done = table.optimize.compact(
            target_size=target_bytes,
            writer_properties=_writer(table_schema()),
            post_commithook_properties=NO_HOOKS,
        )
    except CommitFailedError:
        table.update_incremental()
        return Compacted()  # another one claimed the table meanwhile, or changed it: what it did stands
    crash.here("compacted")
    # The library syncs nothing. Until this is done, the files that were replaced are the ones that a power failure
    # leaves whole; they stay for the retention.
    storage.sync(set(sizes(table)) - before)
    storage.sync([f"_delta_log/{int(table.version()):020}.json"])
    return Compacted(int(done["numFilesRemoved"]), int(done["numFilesAdded"]))


def sizes(table: DeltaTable) -> dict[str, int]:
    """Bytes of every file of a loaded version, by path."""
    found = pa.table(table.get_add_actions(flatten=True))
    return dict(zip(found["path"].to_pylist(), found["size_bytes"].to_pylist(), strict=True))


def _is_worth(table: DeltaTable, target_bytes: int) -> bool:
    """Whether a kind has two files that one could replace: a claim alone would make a quiet lake's log grow."""
    by_kind: dict[str, list[int]] = defaultdict(list)
    for path, size in sizes(table).items():
        by_kind[path.partition("/")[0]].append(size)
    return any(_two_smallest(found) <= target_bytes for found in by_kind.values() if len(found) > 1)


def _two_smallest(found: Iterable[int]) -> int:
    return sum(sorted(found)[:2])


def claim(table: DeltaTable) -> bool:
    """Make every compaction and erasure under way fail, and load the table as it is after that; False when outrun.

    deltalake (1.6.6) lets two compactions replace the same files by two sets of new ones, and every row is there twice:
    its conflict check passes over files that were removed without a change of data, since
    https://github.com/delta-io/delta-rs/pull/3982, and it writes no application transaction for a compaction. What it
    does check is the metadata. So a claim is a change of metadata: no compaction that started before it can commit
    after it. Goes when deltalake refuses to remove a file twice (a test looks).
    """
    mine = uuid.uuid4().hex
    table.alter.set_table_properties(
        {CLAIM_PROPERTY: mine}, raise_if_not_exists=False, post_commithook_properties=NO_HOOKS
    )
    table.update_incremental()
    return bool(table.metadata().configuration.get(CLAIM_PROPERTY) == mine)


def _writer(columns: pa.Schema) -> WriterProperties:
    """As lake/storage.py writes: dictionaries for codes alone, no statistics of keys."""
    codes = set(repetitive(columns))
    return WriterProperties(
        compression="ZSTD",
        compression_level=LEVEL,
        max_row_group_size=GROUP_ROWS,
        column_properties={
            column.name: ColumnProperties(
                dictionary_enabled=column.name in codes,
                statistics_enabled="NONE" if is_key(column.name) else "CHUNK",
            )
            for column in columns
        },
    )
