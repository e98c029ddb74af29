"""What became of replays: from the batches in hand, or read back from the lake, with the same answer.

What became of a site's own deliveries is judgements.py's.
"""

from collections.abc import Iterable
from typing import NamedTuple

from deltalake import DeltaTable

from contracts.events import KIND_OF
from contracts.judge import Refusal
from contracts.pseudonyms import Role, pseudonym
from lake.judgements import files_with, hexes, read
from lake.rows import Batch
from lake.schema import REFUSED
from lake.storage import Storage

_COLUMNS = [
    *("site", "topic_uuid", "partition", "offset", "origin_topic_uuid", "origin_partition", "origin_offset"),
    *("id_hi", "id_lo", "subject_hi", "subject_lo"),
]
_OF_REFUSED = ["rule", "path", "reported_kind"]


class Replayed(NamedTuple):
    """One replay that names its origin, with keys as 32 hex digits where they are known."""

    site: str
    offset: int
    """In the replay topic."""
    topic_uuid: str
    """This and the next two: where the delivery stands that was judged again."""
    origin_partition: int
    origin_offset: int
    rule: str | None
    """The rule of the door that refused it; None when it was accepted."""
    path: str
    kind: str | None
    id_key: str | None
    subject_key: str | None


def of_batches(batches: Iterable[Batch]) -> list[Replayed]:
    """What became of the replays that are in hand, by offset."""
    return sorted(replay for batch in batches for replay in _of_batch(batch))


def _of_batch(batch: Batch) -> Iterable[Replayed]:
    for offset, judged, origin in zip(batch.offsets, batch.judged, batch.origins or (), strict=True):
        if origin is None:
            continue
        where = (batch.site_id, offset, origin.topic_uuid, origin.partition, origin.offset)
        keys = _key(batch, "id", judged.id), _key(batch, "subject", judged.subject or None)
        if isinstance(judged, Refusal):
            yield Replayed(*where, judged.rule, judged.path, judged.kind, *keys)
        else:
            yield Replayed(*where, None, "", KIND_OF[type(judged)], *keys)


def _key(batch: Batch, role: Role, value: str | None) -> str | None:
    return None if value is None else pseudonym(batch.site_key, role, value).hex()


def between(
    table: DeltaTable, storage: Storage, topic_uuid: str, partition: int, start: int, end: int
) -> list[Replayed]:
    """What became of the replays from `start` up to but without `end`, from a loaded version of the lake."""
    found = []
    for kind, paths in files_with(table, topic_uuid, partition, start, end).items():
        is_refused = kind == REFUSED
        columns = _COLUMNS + _OF_REFUSED * is_refused
        rows = read(storage, paths, columns, topic_uuid, partition, start, end)
        names = ("site", "offset", "origin_topic_uuid", "origin_partition", "origin_offset")
        told = (
            [rows[name].to_pylist() for name in _OF_REFUSED]
            if is_refused
            else [[value] * len(rows) for value in (None, "", kind)]
        )
        keys = hexes(rows, "id"), hexes(rows, "subject")
        found += [Replayed(*row) for row in zip(*(rows[name].to_pylist() for name in names), *told, *keys, strict=True)]
    return sorted(replay for replay in found if replay.topic_uuid is not None)
