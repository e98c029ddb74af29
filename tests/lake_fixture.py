"""Raw events into a lake without Kafka: the same judge, rows and flush as a worker's, from a list of bytes.

    home.ensure_secret(); home.put_site(site)
    record(home, site, [b'{"specversion": ...}', ...])                   # topic UUID made from the site's name
    record(home, site, more)                                             # goes on at the next offset
    record(home, site, more, topic_uuid=..., partition=1, received=datetime(...))

What is asserted about the lake belongs to the tests.
"""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime

from contracts.judge import judge
from contracts.pseudonyms import site_key
from contracts.site import Site
from lake.home import Home
from lake.rows import Batch, tables
from lake.table import Lake, Span

RECEIVED = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
"""When deliveries arrive unless a test says otherwise."""


def topic_uuid_of(site: Site) -> str:
    """The UUID that `record` gives a site's topic."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, site.events_topic))


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
