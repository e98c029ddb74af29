"""What became of the deliveries of one topic partition between two offsets: from a batch in hand, or read back.

Both give the same answer, so that a receipt that is sent again says what it said before.
"""

from array import array
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import DeltaTable

from contracts.judge import Refusal
from contracts.pseudonyms import joined, pseudonym
from lake.rows import Batch
from lake.schema import REFUSED, schema
from lake.storage import Storage

_PLACE = ("topic_uuid", "partition", "offset")
_REFUSED = [*_PLACE, "rule", "path", "reported_kind", "id_hi", "id_lo", "subject_hi", "subject_lo"]


class Refused(NamedTuple):
    """One refused delivery, with its keys as 32 hex digits where they are known."""

    offset: int
    rule: str
    path: str
    kind: str | None
    id_key: str | None
    subject_key: str | None


class Judgements(NamedTuple):
    """Offsets of the accepted deliveries, and the refused ones; both in ascending order."""

    accepted: "array[int]"
    refused: list[Refused]


def of_batch(batch: Batch) -> Judgements:
    """The judgements of a batch that is in hand."""
    key = batch.site_key
    refused = [
        Refused(
            offset,
            judged.rule,
            judged.path,
            judged.kind,
            pseudonym(key, "id", judged.id).hex() if judged.id is not None else None,
            pseudonym(key, "subject", judged.subject).hex() if judged.subject else None,
        )
        for offset, judged in zip(batch.offsets, batch.judged, strict=True)
        if isinstance(judged, Refusal)
    ]
    gone = {entry.offset for entry in refused}
    accepted = [offset for offset in batch.offsets if offset not in gone]
    for ready in batch.ready:
        accepted += ready.offsets
    return Judgements(array("q", sorted(accepted)), refused)


def between(table: DeltaTable, storage: Storage, topic_uuid: str, partition: int, start: int, end: int) -> Judgements:
    """The judgements of the offsets from `start` up to but without `end`, from a loaded version of the lake."""
    files = files_with(table, topic_uuid, partition, start, end)
    refused = files.pop(REFUSED, [])
    wanted = (topic_uuid, partition, start, end)
    accepted = read(storage, [path for kept in files.values() for path in kept], [*_PLACE], *wanted)["offset"]
    found = read(storage, refused, _REFUSED, *wanted).sort_by("offset")
    columns = ("offset", "rule", "path", "reported_kind")
    return Judgements(
        array("q", sorted(accepted.to_pylist())),
        [
            Refused(offset, rule, path, kind, id_key, subject_key)
            for offset, rule, path, kind, id_key, subject_key in zip(
                *(found[name].to_pylist() for name in columns), hexes(found, "id"), hexes(found, "subject"), strict=True
            )
        ],
    )


def accepted(
    table: DeltaTable,
    storage: Storage,
    columns: Mapping[str, list[str]],
    topic_uuid: str,
    partition: int,
    start: int,
    end: int,
) -> dict[str, pa.Table]:
    """The rows of some kinds in such a range: of each kind, these columns, among which are those of the place."""
    files = files_with(table, topic_uuid, partition, start, end)
    return {
        kind: read(storage, files[kind], names, topic_uuid, partition, start, end, kind)
        for kind, names in columns.items()
        if kind in files
    }


def files_with(table: DeltaTable, topic_uuid: str, partition: int, start: int, end: int) -> dict[str, list[str]]:
    """Paths of the files that may hold rows of the range, by partition of the lake."""
    names = [f"{bound}.{column}" for bound in ("min", "max") for column in _PLACE]
    actions = pa.table(table.get_add_actions(flatten=True))
    found: dict[str, list[str]] = {}
    if actions.num_rows == 0:
        return found
    rows = zip(*(actions[name].to_pylist() for name in ("path", "partition.kind", *names)), strict=True)
    for path, kind, least_topic, least_partition, least_offset, most_topic, most_partition, most_offset in rows:
        # Statistics bound each column alone; a file without them may hold anything.
        if least_topic is not None and not (
            least_topic <= topic_uuid <= most_topic
            and least_partition <= partition <= most_partition
            and least_offset < end
            and most_offset >= start
        ):
            continue
        found.setdefault(kind, []).append(path)
    return found


def read(
    storage: Storage,
    paths: list[str],
    columns: list[str],
    topic_uuid: str,
    partition: int,
    start: int,
    end: int,
    kind: str = REFUSED,
) -> pa.Table:
    """These columns of the rows of the range, all of which that kind's rows have; null where an older file has none."""
    # File by file and not as a dataset: that library alone loads pandas, a third of a worker's start.
    parts = [pa.schema([schema(kind).field(name) for name in columns]).empty_table()]
    for path in paths:
        with storage.files.open_input_file(storage.path(path)) as file:
            parquet = pq.ParquetFile(file)
            groups = _groups_with(parquet.metadata, topic_uuid, partition, start, end)
            rows = parquet.read_row_groups(groups, columns=columns)
        ours = pc.and_(pc.equal(rows["topic_uuid"], topic_uuid), pc.equal(rows["partition"], partition))
        within = pc.and_(pc.greater_equal(rows["offset"], start), pc.less(rows["offset"], end))
        there = [name for name in columns if name in rows.column_names]
        parts.append(rows.filter(pc.and_(ours, within)).select(there))
    return pa.concat_tables(parts, promote_options="default")


def _groups_with(metadata: pq.FileMetaData, topic_uuid: str, partition: int, start: int, end: int) -> list[int]:
    """The row groups that may hold rows of the range: of a large file that is read for its newest rows, a few."""
    index = {metadata.schema.column(number).path: number for number in range(metadata.num_columns)}
    wanted = {"topic_uuid": (topic_uuid, topic_uuid), "partition": (partition, partition), "offset": (start, end - 1)}
    found = []
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        bounds = {name: group.column(index[name]).statistics for name in wanted}
        # Statistics bound each column alone; a group without them may hold anything.
        if all(
            bound is None or not bound.has_min_max or (bound.min <= most and bound.max >= least)
            for bound, (least, most) in ((bounds[name], wanted[name]) for name in wanted)
        ):
            found.append(number)
    return found


def hexes(rows: pa.Table, name: str) -> Iterable[str | None]:
    """The pseudonyms in the two columns of this name, as 32 hex digits."""
    for high, low in zip(rows[f"{name}_hi"].to_pylist(), rows[f"{name}_lo"].to_pylist(), strict=True):
        yield None if high is None or low is None else joined(high, low).hex()
