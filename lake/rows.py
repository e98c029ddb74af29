"""Judged deliveries of one topic partition as columns: what the lake keeps of each, under pseudonyms.

How a delivery is judged belongs to contracts.judge; how columns become files of the table, to lake/table.py.
"""

from array import array
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from operator import attrgetter
from sys import byteorder
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
from msgspec import UNSET

from contracts import VERSION
from contracts.content import canonical
from contracts.events import DATA, KIND_OF, Event
from contracts.judge import Refusal
from contracts.pseudonyms import Role, content_digest, pseudonym
from contracts.shapes import Shape, shapes
from contracts.site import Site
from contracts.when import parse_when
from lake.origins import NO_SITE, Origin
from lake.schema import DECIMAL, ORIGIN, REFUSED, TIMESTAMP, schema

Columns = dict[str, pa.Array]

_MICROSECONDS = 1000
"""Kafka's timestamps are milliseconds, the lake's microseconds."""


class Ready(NamedTuple):
    """Accepted deliveries of one kind as rows."""

    kind: str
    table: pa.Table
    offsets: list[int]
    oldest_ms: int
    """When the broker appended the first of them: milliseconds since 1970."""
    bytes: int
    """Of their values together."""


@dataclass(slots=True)
class Batch:
    """Judged deliveries of one site and topic partition in their order, one list per property, all of one length.

    Those that streams/fast accepted are in none of the lists but in `ready`.
    """

    site: Site | None
    """None: replays that name no site of ours. All of them are refused."""
    site_key: bytes
    topic_uuid: str
    partition: int
    offsets: list[int] = field(default_factory=list)
    received_ms: list[int] = field(default_factory=list)
    """When the broker appended each: milliseconds since 1970."""
    sizes: list[int | None] = field(default_factory=list)
    """Bytes of each value; None when it had none."""
    judged: list[Event | Refusal] = field(default_factory=list)
    origins: list[Origin | None] | None = None
    """Of the replay topic alone: which delivery each repeats, where that could be told."""
    ready: list[Ready] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.offsets) + sum(len(ready.offsets) for ready in self.ready)

    @property
    def bytes(self) -> int:
        """Of all values together."""
        return sum(filter(None, self.sizes)) + sum(ready.bytes for ready in self.ready)

    @property
    def oldest_ms(self) -> int | None:
        """When the broker appended the first of all; None of an empty batch."""
        return min([*self.received_ms[:1], *(ready.oldest_ms for ready in self.ready)], default=None)

    @property
    def site_id(self) -> str:
        return NO_SITE if self.site is None else self.site.id

    def extend(self, later: "Batch") -> None:
        """Take in what came after it, of the same site and partition."""
        self.site = later.site
        self.offsets += later.offsets
        self.received_ms += later.received_ms
        self.sizes += later.sizes
        self.judged += later.judged
        if self.origins is not None and later.origins is not None:
            self.origins += later.origins
        self.ready += later.ready


def tables(batch: Batch) -> dict[str, pa.Table]:
    """One table per partition of the lake that the batch touches, with exactly that partition's columns.

    Every delivery is in exactly one of them; those of the lists stand in the order of the batch.
    """
    found: dict[str, list[pa.Table]] = defaultdict(list)
    for ready in batch.ready:
        found[ready.kind].append(ready.table)
    places: dict[str, list[int]] = defaultdict(list)
    for place, judged in enumerate(batch.judged):
        places[KIND_OF.get(type(judged), REFUSED)].append(place)
    for partition, chosen in places.items():
        found[partition].append(_table(batch, partition, chosen))
    return {partition: pa.concat_tables(parts) for partition, parts in found.items()}


def _table(batch: Batch, partition: str, chosen: list[int]) -> pa.Table:
    judged = [batch.judged[place] for place in chosen]
    columns = _delivered(batch, chosen) | _origins(batch, chosen)
    if partition == REFUSED:
        columns |= _refusals(judged, batch, [batch.sizes[place] for place in chosen])
    else:
        columns |= _envelopes(judged, batch.site_key)
        statements = [event.data for event in judged if not isinstance(event, Refusal)]
        for name, shape in shapes(DATA[partition]).items():
            values = list(map(attrgetter(name), statements))
            columns |= _KEEPERS[shape](name, values, batch)
    wanted = schema(partition)
    return pa.Table.from_arrays([columns[column.name] for column in wanted], schema=wanted)


def _delivered(batch: Batch, chosen: list[int]) -> Columns:
    count = len(chosen)
    received = array("q", [batch.received_ms[place] * _MICROSECONDS for place in chosen])
    return {
        "site": pa.repeat(batch.site_id, count),
        "topic_uuid": pa.repeat(batch.topic_uuid, count),
        "partition": pa.repeat(pa.scalar(batch.partition, pa.int32()), count),
        "offset": _int64(array("q", [batch.offsets[place] for place in chosen])),
        "received_at": _int64(received).view(TIMESTAMP),
        "contract": pa.repeat(VERSION, count),
    }


def _origins(batch: Batch, chosen: list[int]) -> Columns:
    if batch.origins is None:
        kinds = {name: schema(REFUSED).field(name).type for name in ORIGIN}
        return {name: pa.nulls(len(chosen), kind) for name, kind in kinds.items()}
    origins = [batch.origins[place] for place in chosen]
    received = [None if origin is None else origin.received_ms * _MICROSECONDS for origin in origins]
    return {
        "origin_topic_uuid": pa.array([origin and origin.topic_uuid for origin in origins], pa.string()),
        "origin_partition": pa.array([origin and origin.partition for origin in origins], pa.int32()),
        "origin_offset": pa.array([origin and origin.offset for origin in origins], pa.int64()),
        "origin_received_at": pa.array(received, pa.int64()).view(TIMESTAMP),
    }


def _envelopes(events: Sequence[Any], key: bytes) -> Columns:
    ids = [event.id for event in events]
    records = [event.id if event.record is UNSET else event.record for event in events]
    return {
        "event_time": pa.array([event.time for event in events], TIMESTAMP),
        **_halves("id", [pseudonym(key, "id", value) for value in ids]),
        **_halves("subject", [remembered(key, "subject", event.subject) for event in events]),
        **_halves("record", [pseudonym(key, "record", value) for value in records]),
        **_halves("content", [content_digest(key, canonical(event)) for event in events]),
    }


def _refusals(refusals: Sequence[Any], batch: Batch, sizes: list[int | None]) -> Columns:
    count = len(refusals)
    key = batch.site_key
    return {
        "event_time": pa.nulls(count, TIMESTAMP),
        **_halves("id", [pseudonym(key, "id", r.id) if r.id is not None else None for r in refusals]),
        **_halves("subject", [remembered(key, "subject", r.subject) if r.subject else None for r in refusals]),
        **_halves("record", [None] * count),
        **_halves("content", [None] * count),
        "rule": pa.array([r.rule for r in refusals], pa.string()),
        "path": pa.array([r.path for r in refusals], pa.string()),
        "reported_kind": pa.array([r.kind for r in refusals], pa.string()),
        "size_bytes": pa.array(sizes, pa.int64()),
    }


@lru_cache(maxsize=131_072)
def remembered(key: bytes, role: Role, value: str) -> bytes:
    """Subjects, mothers and scans come back again and again; ids and records do not."""
    return pseudonym(key, role, value)


def _halves(name: str, digests: Sequence[bytes | None]) -> Columns:
    """The two columns of a pseudonym: its halves as signed integers, high half first."""
    missing = [digest is None for digest in digests]
    numbers = array("q", b"".join(digest or bytes(16) for digest in digests))
    if byteorder == "little":
        numbers.byteswap()
    high, low = _int64(numbers[::2]), _int64(numbers[1::2])
    if any(missing):
        present = pa.array([not gone for gone in missing])
        nothing = pa.scalar(None, pa.int64())
        high, low = (pc.if_else(present, half, nothing) for half in (high, low))
    return {f"{name}_hi": high, f"{name}_lo": low}


def _int64(numbers: "array[int]") -> pa.Array:
    return pa.Array.from_buffers(pa.int64(), len(numbers), [None, pa.py_buffer(numbers)])


# How each shape of field is kept (see contracts.shapes). Each takes the field's name, values and the batch.


@cache
def _plain(kind: pa.DataType) -> Callable[[str, list[Any], Batch], Columns]:
    return lambda name, values, _: {name: pa.array(values, kind)}


def _decimals(name: str, values: list[Any], _: Batch) -> Columns:
    texts = [None if value is None else f"{value:f}" for value in values]
    return {name: pa.array(values, DECIMAL), f"{name}_text": pa.array(texts, pa.string())}


def _whens(name: str, values: list[Any], batch: Batch) -> Columns:
    zone = _site(batch).zone
    whens = [(None, None, None) if text is None else parse_when(text, zone) for text in values]
    dates, moments, precisions = zip(*whens, strict=True)
    return {
        f"{name}_date": pa.array(dates, pa.date32()),
        f"{name}_at": pa.array(moments, TIMESTAMP),
        f"{name}_precision": pa.array(precisions, pa.string()),
    }


def _hashed(role: Role) -> Callable[[str, list[Any], Batch], Columns]:
    def keep(name: str, values: list[Any], batch: Batch) -> Columns:
        key = batch.site_key
        return _halves(name, [None if value is None else remembered(key, role, value) for value in values])

    return keep


def _listed(name: str, values: list[Any], batch: Batch) -> Columns:
    registered = frozenset(_site(batch).lab_codes)
    return {name: pa.array([value if value in registered else None for value in values], pa.string())}


def _site(batch: Batch) -> Site:
    assert batch.site is not None  # noqa: S101  # nothing is accepted of no site
    return batch.site


def _lists(name: str, values: list[Any], _: Batch) -> Columns:
    return {name: pa.array([[str(item) for item in value] for value in values], pa.list_(pa.string()))}


_KEEPERS: dict[Shape, Callable[[str, list[Any], Batch], Columns]] = {
    "str": _plain(pa.string()),
    "int": _plain(pa.int32()),
    "bool": _plain(pa.bool_()),
    "decimal": _decimals,
    "when": _whens,
    "mother": _hashed("mother"),
    "scan": _hashed("scan"),
    "record": _hashed("record"),
    "listed": _listed,
    "list": _lists,
}
