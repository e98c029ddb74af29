"""How far the table is with each topic partition: offsets and counts, which a flush commits together with its rows.

They are application transactions, because those outlive the clean-up of the log. Flushing belongs to lake/table.py.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from deltalake import DeltaTable, Transaction

TOPIC_PROPERTY = "b12.topic."
"""Before a topic's UUID: the property that holds `<topic>/<number of partitions>`, so that positions can be listed."""
SITE_PROPERTY = "b12.site."
"""Before the UUID of a topic of several sites and a site's name: whose counts can be asked for."""


class Span(NamedTuple):
    """What a flush says of one topic partition."""

    topic: str
    topic_uuid: str
    partition: int
    start: int | None
    """The next offset that the lake must hold for the flush to be valid; None: it has none yet."""
    next_offset: int
    received: int
    """Deliveries between the two, counted at the transport."""
    by_site: Mapping[str, int] = {}
    """How many of them are of each site, where a topic is of several. What is missing in the sum is of none."""


class Stored(NamedTuple):
    """How far the lake is with one topic partition."""

    next_offset: int
    received: int
    """Deliveries ever received, counted at the transport."""


def stored(table: DeltaTable, topic_uuid: str, partition: int) -> Stored | None:
    """How far a loaded version of the table is with one topic partition."""
    following = table.transaction_version(_app_id(topic_uuid, partition, "next"))
    received = table.transaction_version(_app_id(topic_uuid, partition, "received"))
    return None if following is None or received is None else Stored(following, received)


def received_of(table: DeltaTable, topic_uuid: str, partition: int, site: str) -> int:
    """How many deliveries of one site a topic partition of several sites ever gave to a loaded version."""
    return int(table.transaction_version(_app_id(topic_uuid, partition, _of_site(site))) or 0)


def topics(table: DeltaTable) -> dict[str, tuple[str, int]]:
    """Name and number of partitions of every topic that a loaded version of the table has rows of, by UUID."""
    found = {}
    for name, value in table.metadata().configuration.items():
        if name.startswith(TOPIC_PROPERTY):
            topic, _, count = value.rpartition("/")
            found[name.removeprefix(TOPIC_PROPERTY)] = (topic, int(count))
    return found


def sites(table: DeltaTable, topic_uuid: str) -> list[str]:
    """The sites that a topic of several has given deliveries of to a loaded version."""
    prefix = f"{SITE_PROPERTY}{topic_uuid}."
    named = table.metadata().configuration
    return sorted(name.removeprefix(prefix) for name in named if name.startswith(prefix))


def transactions(table: DeltaTable, spans: Sequence[Span], before: Sequence[int]) -> Iterator[Transaction]:
    """What a flush of these spans commits; `before` are the counts received until then."""
    for span, count in zip(spans, before, strict=True):
        values = {"next": span.next_offset, "received": count + span.received}
        for site, received in span.by_site.items():
            values[_of_site(site)] = received + received_of(table, span.topic_uuid, span.partition, site)
        for what, value in values.items():
            yield Transaction(_app_id(span.topic_uuid, span.partition, what), value)


def new_names(table: DeltaTable, spans: Sequence[Span]) -> dict[str, str]:
    """The properties by which what these spans speak of can be listed, as far as the table has them not yet."""
    known = topics(table)
    named: dict[str, tuple[str, int]] = {}
    for span in spans:
        _, count = named.get(span.topic_uuid) or known.get(span.topic_uuid) or ("", 0)
        if span.partition >= count:
            named[span.topic_uuid] = (span.topic, span.partition + 1)
    there = table.metadata().configuration
    of_sites = [f"{SITE_PROPERTY}{span.topic_uuid}.{site}" for span in spans for site in span.by_site]
    return {f"{TOPIC_PROPERTY}{topic_uuid}": f"{topic}/{count}" for topic_uuid, (topic, count) in named.items()} | {
        name: "1" for name in of_sites if name not in there
    }


def _app_id(topic_uuid: str, partition: int, what: str) -> str:
    return f"b12/{topic_uuid}/{partition}/{what}"


def _of_site(site: str) -> str:
    return f"received/{site}"
