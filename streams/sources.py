"""What a partition is read as: deliveries of one site, or replays of many sites' deliveries.

Each knows how its records are judged and what is answered for them. When that is done belongs to streams/intake.py and
streams/answers.py, how a replay is written to streams/replays.py.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Protocol

import pyarrow as pa

from contracts.events import Event
from contracts.judge import Refusal, judge
from contracts.pseudonyms import site_key
from contracts.site import Site
from lake.home import Home
from lake.judgements import Judgements, of_batch
from lake.origins import Origin, origin_of, without_origin
from lake.replayed import Replayed, of_batches
from lake.rows import Batch
from lake.table import Lake
from streams.alerts import Raised, raised
from streams.fast import compiled, quick
from streams.logs import say
from streams.receipts import Range, receipts, replay_receipts
from streams.records import Record
from streams.site_alerts import SiteAlerts

Outcome = Judgements | list[Replayed]
_Accept = Callable[[Batch, Site, Sequence[Record]], Sequence[Record]]


class Source(Protocol):
    """One topic partition. Its methods run on the thread that judges, but for `know` and `read_back`."""

    topic_uuid: str
    partition: int
    is_shared: bool
    """Whether its deliveries are of several sites."""
    alerts: SiteAlerts | None
    """What is told at once; None: nothing ever is."""

    def know(self, sites: Mapping[str, Site]) -> None:
        """Judge by these sites, given by their events topic, from now on."""

    def judged(self, records: Sequence[Record]) -> list[Batch]:
        """Records judged: a batch for each site, together as many as there are records."""

    def alerts_in(self, found: Sequence[Mapping[str, pa.Table]]) -> list[Raised]:
        """The alerts among rows of the lake, by kind, as each batch in hand gave them."""

    def outcome(self, batches: Sequence[Batch]) -> Outcome:
        """What became of the deliveries in hand."""

    def read_back(self, lake: Lake, start: int, end: int) -> Outcome:
        """The same from the lake, of the offsets from `start` up to but without `end`."""

    def receipts(self, start: int, end: int, outcome: Outcome) -> list[tuple[str, list[bytes]]]:
        """What is due for these offsets: topics, and the messages to each."""


class SiteTopic:
    """A site's own topic. Nothing in a record but its value and headers of CloudEvents is looked at."""

    is_shared = False

    def __init__(self, site: Site, secret: bytes, topic_uuid: str, partition: int) -> None:
        self.site, self.topic_uuid, self.partition = site, topic_uuid, partition
        self._key = site_key(secret, site.id)
        self._quick_ways = _quick_ways()
        self.alerts: SiteAlerts | None = SiteAlerts(site)

    def know(self, sites: Mapping[str, Site]) -> None:
        self.site = sites.get(self.site.events_topic, self.site)

    def alerts_in(self, found: Sequence[Mapping[str, pa.Table]]) -> list[Raised]:
        try:
            return [alert for tables in found for alert in raised(self.site, tables)]
        except Exception as error:  # a fault of ours must not keep deliveries from the lake
            say("alerts_failed", logging.ERROR, error, topic=self.site.events_topic, partition=self.partition)
            return []

    def judged(self, records: Sequence[Record]) -> list[Batch]:
        site = self.site
        batch = _batch(site, self._key, self, [], [])
        rest = records
        try:
            for accept in self._quick_ways:
                rest = accept(batch, site, rest)
        except Exception as error:  # a fault of ours must not stop what the judge can do alone
            say("forms_failed", logging.ERROR, error, topic=site.events_topic, partition=self.partition)
            batch.ready.clear()
            rest = records
        batch.extend(_batch(site, self._key, self, rest, answers(site, rest)))
        return [batch]

    def outcome(self, batches: Sequence[Batch]) -> Judgements:
        [batch] = batches
        return of_batch(batch)

    def read_back(self, lake: Lake, start: int, end: int) -> Judgements:
        return lake.judgements(self.topic_uuid, self.partition, start, end)

    def receipts(self, start: int, end: int, outcome: Outcome) -> list[tuple[str, list[bytes]]]:
        assert isinstance(outcome, Judgements)  # noqa: S101  # its own answer
        of = Range(self.site, self.topic_uuid, self.partition, start, end)
        return [(self.site.receipts_topic, list(receipts(of, outcome)))]


class ReplayTopic:
    """The replay topic: each record is judged as the delivery of its origin's site, at its origin's time.

    What is judged again is old news: it alerts nobody.
    """

    is_shared = True
    alerts: SiteAlerts | None = None

    def __init__(self, home: Home, secret: bytes, topic_uuid: str, partition: int) -> None:
        self.topic_uuid, self.partition = topic_uuid, partition
        self._home, self._secret = home, secret
        self._sites: dict[str, Site] = {}

    def know(self, sites: Mapping[str, Site]) -> None:
        self._sites = {site.id: site for site in sites.values()}

    def judged(self, records: Sequence[Record]) -> list[Batch]:
        named = [(record, origin_of(record.headers)) for record in records]
        if {origin.site for _, origin in named if origin} - self._sites.keys():
            self._sites = {**self._sites, **self._home.sites()}  # a site may be younger than the last look at them
        groups: dict[str, list[tuple[Record, Origin | None]]] = {}
        for record, origin in named:
            known = origin is not None and origin.site in self._sites
            groups.setdefault(origin.site if origin and known else "", []).append((record, origin))
        return [self._judged(self._sites.get(name), group) for name, group in groups.items()]

    def _judged(self, site: Site | None, group: Sequence[tuple[Record, Origin | None]]) -> Batch:
        again = [_judged_again(site, record, origin) for record, origin in group]
        key = site_key(self._secret, site.id) if site else b""
        batch = _batch(site, key, self, [record for record, _ in group], again)
        batch.origins = [origin for _, origin in group]
        return batch

    def alerts_in(self, found: Sequence[Mapping[str, pa.Table]]) -> list[Raised]:  # noqa: ARG002  # as every source
        return []

    def outcome(self, batches: Sequence[Batch]) -> list[Replayed]:
        return of_batches(batches)

    def read_back(self, lake: Lake, start: int, end: int) -> list[Replayed]:
        return lake.replayed(self.topic_uuid, self.partition, start, end)

    def receipts(self, start: int, end: int, outcome: Outcome) -> list[tuple[str, list[bytes]]]:
        assert isinstance(outcome, list)  # noqa: S101  # its own answer
        return [
            (self._sites[name].receipts_topic, list(replay_receipts(name, replays)))
            for name, replays in groupby((r for r in outcome if start <= r.offset < end), key=lambda r: r.site)
            if name in self._sites
        ]


def _quick_ways() -> list[_Accept]:
    """What accepts events before the judge is asked, each what the one before it left."""
    match compiled.way():
        case "compiled":
            return [compiled.Compiled().accept, quick.accept]
        case "off":
            return []
        case _:
            return [quick.accept]


def answers(site: Site, records: Sequence[Record]) -> list[Event | Refusal]:
    """The judge's answer to each of the records of a site's own topic."""
    found = []
    stamp, received = -1, datetime.fromtimestamp(0, UTC)
    for record in records:
        if record.timestamp != stamp:  # the broker stamps a batch of records, not each
            stamp, received = record.timestamp, _moment(record.timestamp)
        found.append(judge(record.value, site, received, record.headers))
    return found


def _judged_again(site: Site | None, record: Record, origin: Origin | None) -> Event | Refusal:
    if origin is None:
        return Refusal("replay_unreadable", "$")
    if site is None:
        return Refusal("replay_of_no_site", "$")
    return judge(record.value, site, _moment(origin.received_ms), without_origin(record.headers))


def _batch(
    site: Site | None, key: bytes, source: Source, records: Sequence[Record], judged: list[Event | Refusal]
) -> Batch:
    return Batch(
        site,
        key,
        source.topic_uuid,
        source.partition,
        [record.offset for record in records],
        [record.timestamp for record in records],
        [None if record.value is None else len(record.value) for record in records],
        judged,
    )


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
