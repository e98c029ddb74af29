"""Raw events into a lake without Kafka: the same judge, rows and flush as a worker's, from a list of bytes.

    home.ensure_secret(); home.put_site(site)
    record(home, site, [b'{"specversion": ...}', ...])                   # topic UUID made from the site's name
    record(home, site, more)                                             # goes on at the next offset
    record(home, site, more, topic_uuid=..., partition=1, received=datetime(...))
    record_replays(home, [(site, 1, b'{"specversion": ...}')])           # its delivery at offset 1, judged again

What is asserted about the lake belongs to the tests.
"""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from contracts.judge import Refusal, judge
from contracts.pseudonyms import site_key
from contracts.site import Site
from lake.home import REPLAY_TOPIC, Home
from lake.origins import NO_SITE, Origin
from lake.positions import Span
from lake.rows import Batch, tables
from lake.schema import schema
from lake.snapshot import snapshot
from lake.table import Lake

RECEIVED = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
"""When deliveries arrive unless a test says otherwise."""


REPLAY_UUID = "6f1e4a5c-0000-4000-8000-00000000000f"
"""Of the replay topic, of which tests use one partition."""

Replay = tuple[Site, int | None, bytes | None]
"""Of which site's delivery, at which offset of it, with what value; without an offset, one that nobody can place."""


def topic_uuid_of(site: Site) -> str:
    """The UUID that `record` gives a site's topic."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, site.events_topic))


def stored(kind: str, files: Sequence[str], columns: Sequence[str] | None = None) -> pa.Table:
    """What these files of a kind hold, under the newest columns: null where a file is older."""
    # Not by pyarrow.dataset, which loads pandas.
    parts = [pq.ParquetFile(file).read(columns) for file in files]
    table = pa.concat_tables([schema(kind).empty_table(), *parts], promote_options="permissive")
    return table.select(columns or schema(kind).names)


def rows(home: Home, version: int | None = None) -> list[dict[str, Any]]:
    """Every row of the lake, with its partition as `kind`."""
    found = []
    for kind, files in snapshot(home, version).files.items():
        found += [row | {"kind": kind} for row in stored(kind, files).to_pylist()]
    return found


def record(
    home: Home,
    site: Site,
    values: Sequence[bytes | None],
    *,
    topic_uuid: str | None = None,
    partition: int = 0,
    received: datetime = RECEIVED,
) -> int:
    """Judge `values` as deliveries of `site` that arrived at `received`, and flush them; the lake's new version."""
    topic_uuid = topic_uuid or topic_uuid_of(site)
    lake = Lake.open(home.lake, home.secret())
    there = lake.stored(topic_uuid, partition)
    start = there.next_offset if there else 0
    batch = Batch(site, site_key(home.secret(), site.id), topic_uuid, partition)
    for offset, value in enumerate(values, start):
        batch.offsets.append(offset)
        batch.received_ms.append(int(received.timestamp() * 1000))
        batch.sizes.append(None if value is None else len(value))
        batch.judged.append(judge(value, site, received))
    span = Span(
        site.events_topic,
        topic_uuid,
        partition,
        there.next_offset if there else None,
        start + len(batch),
        len(batch),
    )
    return lake.flush([span], tables(batch))


def record_replays(home: Home, replays: Sequence[Replay]) -> int:
    """Judge and flush replays as a worker does; the lake's new version. Each is an hour later than the one before."""
    lake = Lake.open(home.lake, home.secret())
    there = lake.stored(REPLAY_UUID, 0)
    start = there.next_offset if there else 0
    batches = replayed(home.secret(), replays, start)
    parts = defaultdict(list)
    for partition, table in chain.from_iterable(tables(batch).items() for batch in batches.values()):
        parts[partition].append(table)
    by_site = {name: len(batch) for name, batch in batches.items() if name != NO_SITE}
    begin = there.next_offset if there else None
    span = Span(REPLAY_TOPIC, REPLAY_UUID, 0, begin, start + len(replays), len(replays), by_site)
    return lake.flush([span], {partition: pa.concat_tables(found) for partition, found in parts.items()})


def replayed(secret: bytes, replays: Sequence[Replay], start: int = 0) -> dict[str, Batch]:
    """Replays from an offset on as a worker reads them, by site."""
    batches: dict[str, Batch] = {}
    received_ms = int(RECEIVED.timestamp() * 1000)
    for offset, (site, of, value) in enumerate(replays, start):
        known = of is not None
        name = site.id if known else NO_SITE
        key = site_key(secret, site.id)
        batch = batches.setdefault(name, Batch(site if known else None, key, REPLAY_UUID, 0, origins=[]))
        batch.offsets.append(offset)
        batch.received_ms.append(received_ms + (1 + offset) * 3_600_000)
        batch.sizes.append(None if value is None else len(value))
        batch.judged.append(judge(value, site, RECEIVED) if known else Refusal("replay_unreadable", "$"))
        assert batch.origins is not None
        origin = Origin(site.id, site.events_topic, topic_uuid_of(site), 0, of or 0, received_ms)
        batch.origins.append(origin if known else None)
    return batches
