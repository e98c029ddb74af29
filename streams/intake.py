"""The intake: judges fetches, keeps what is judged until the next flush, and answers for what was flushed.

Order of effects: rows and offsets are in the lake for good, then alerts and receipts are sent and acknowledged, then
Kafka's committed offset moves. Anything that goes wrong before the lake leads back to the offset that the lake holds.
How records arrive belongs to streams/transport.py, how they are stored to lake/table.py.
"""

import asyncio
import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, islice

from faust.types import TP

from contracts.errors import EnvironmentProblem
from contracts.site import Site
from lake.home import REPLAY_TOPIC, Home
from lake.positions import Stored
from lake.table import Fenced, Lake
from streams.answers import Answers, Flushed
from streams.cluster import Cluster
from streams.logs import say
from streams.metrics import Metrics
from streams.places import Held, Place, start
from streams.receipts import Producer
from streams.sources import ReplayTopic, SiteTopic, Source
from streams.transport import BatchConsumer, Fetch, Grant
from streams.work import Work, stored

FLUSH_SECONDS = 1.0
FLUSH_ROWS = 50_000
FLUSH_BYTES = 64 << 20
"""In hand, when a flush is due; with twice as many, judging waits for it."""
FENCES = 5
"""Fences in a row that can still be rebalances."""
RETRY_SECONDS = 2.0
"""Between two looks at partitions that are held."""
PATIENCE_SECONDS = 10.0
"""For a fetch that was handed over and never arrived, while nothing else goes on."""


class Intake:
    """All partitions of one worker. Its methods run on one event loop."""

    def __init__(
        self, home: Home, lake: Lake, cluster: Cluster, producer: Producer, reader: BatchConsumer, metrics: Metrics
    ) -> None:
        self.sites: dict[str, Site] = {}
        """By events topic."""
        self.deals = 0
        """How often places were taken after a rebalance."""
        self.settled = False
        """Places are taken, and nobody has taken them away since."""
        self._home, self._lake, self._cluster, self._reader = home, lake, cluster, reader
        self._metrics = metrics
        self._secret = home.secret()
        self._work = Work()
        self._answers = Answers(self._work, lake, producer, reader, metrics)
        self._places: dict[TP, Place] = {}
        self._held: dict[TP, Held] = {}
        self._lock = asyncio.Lock()
        """Held while places are taken and while a flush is under way."""
        self._flushed_at = self._looked_at = time.monotonic()
        self._fences = 0
        self._accepting = 0
        self._open = True

    def register(self, sites: Mapping[str, Site]) -> None:
        """Know these sites, by events topic, from now on."""
        self.sites = dict(sites)
        for place in self._places.values():
            place.source.know(self.sites)

    # What others may see of it

    @property
    def places(self) -> Mapping[TP, Place]:
        """The partitions that are read."""
        return self._places

    @property
    def held(self) -> Mapping[TP, Held]:
        """The partitions that are not, although they are this worker's."""
        return self._held

    @property
    def busy(self) -> bool:
        """Is it judging or flushing, or taking places?"""
        return self._accepting > 0 or self._lock.locked()

    # Places: taken on assignment, dropped on revocation, taken again when a chain breaks or a fence was met.

    async def take(self, partitions: Iterable[TP]) -> None:
        """Start to read every assigned partition, and forget all others."""
        self.drop()
        async with self._lock:  # a flush of before the rebalance may be under way; the offset to read is behind it
            self.drop()
            await self._take(partitions)
            self.deals += 1
            self.settled = True

    def drop(self) -> None:
        """Forget every place and what is buffered: another worker may own the partitions from now on."""
        self.settled = False
        self._places.clear()
        self._held.clear()

    async def _take(self, partitions: Iterable[TP]) -> None:
        wanted = [tp for tp in partitions if tp.topic in self.sites or tp.topic == REPLAY_TOPIC]
        for tp in wanted:
            self._places.pop(tp, None)
        if not wanted:
            return
        uuids = await self._work.store(self._cluster.topic_uuids, {tp.topic for tp in wanted})
        known = [tp for tp in wanted if tp.topic in uuids]
        bounds = await self._reader.bounds(known)
        committed = await self._reader.committed(known)
        grants = {}
        for tp in wanted:
            uuid = uuids.get(tp.topic, "")
            there = await self._work.store(self._lake.stored, uuid, tp.partition)
            offset = start(self._home, tp, uuid, there, bounds.get(tp))
            if isinstance(offset, Held):
                self._hold(tp, offset)
                continue
            self._held.pop(tp, None)
            cursor = committed.get(tp)
            answered = cursor.offset if cursor and cursor.topic_uuid == uuid else None
            place = self._place(tp, uuid, there, offset, answered)
            self._places[tp], grants[tp] = place, Grant(offset, place.lease)
            say("reading", topic=tp.topic, partition=tp.partition, uuid=uuid, offset=offset, stored=place.stored)
        await self._reader.grant(grants)

    def _place(self, tp: TP, uuid: str, there: Stored | None, offset: int, answered: int | None) -> Place:
        upto = there.next_offset if there else None
        if answered is None:
            # Nobody lived to say so: all that the lake has is answered, also what Kafka has deleted since.
            answered = offset if upto is None else 0
        # A lake that was restored from a backup stands below what was answered: those are judged anew.
        answered = min(answered, offset if upto is None else upto)
        return Place(
            tp=tp,
            topic_uuid=uuid,
            lease=self._reader.new_lease(),
            stored=upto,
            began=offset,
            end=offset,
            answered=answered,
            committed=answered,
            source=self._source(tp, uuid),
        )

    def _source(self, tp: TP, uuid: str) -> Source:
        if tp.topic != REPLAY_TOPIC:
            return SiteTopic(self.sites[tp.topic], self._secret, uuid, tp.partition)
        replays = ReplayTopic(self._home, self._secret, uuid, tp.partition)
        replays.know(self.sites)
        return replays

    def _hold(self, tp: TP, held: Held) -> None:
        if self._held.get(tp) != held:
            self._held[tp] = held
            where = {"topic": tp.topic, "partition": tp.partition}
            say("held", logging.ERROR, **where, reason=held.reason, wanted=held.wanted, offered=held.offered)

    # Fetches

    async def accept(self, fetch: Fetch) -> None:
        """Judge a fetch and keep it for the next flush; drop it when it is not the next of its partition's chain."""
        place = self._places.get(fetch.tp)
        if not self._open or place is None or place.lease != fetch.lease:
            return
        if fetch.start != place.end:
            await self._mend(place)
            return
        self._accepting += 1
        try:
            await self._keep(place, fetch)
        finally:
            self._accepting -= 1

    async def _keep(self, place: Place, fetch: Fetch) -> None:
        batches = await self._work.judge(place.source.judged, fetch.records)
        if not self._open or self._places.get(fetch.tp) is not place:
            return  # taken away while it was being judged
        place.keep(batches, fetch.end)
        while self._is_full(2):
            await self.flush()

    async def _mend(self, place: Place) -> None:
        """A fetch before this one is missing, whoever lost it: read again from what the lake holds."""
        say("chain_broken", logging.WARNING, topic=place.tp.topic, partition=place.tp.partition)
        async with self._lock:
            if self._places.get(place.tp) is place:
                await self._reader.withdraw([place.tp])
                await self._take([place.tp])

    def _is_full(self, times: int = 1) -> bool:
        places = self._places.values()
        rows, size = sum(p.rows for p in places), sum(p.bytes for p in places)
        return rows >= times * FLUSH_ROWS or size >= times * FLUSH_BYTES

    # Effects

    async def tick(self) -> None:
        """To be called a few times a second: flush when it is due, answer what is due, look after held partitions."""
        now = time.monotonic()
        if now - self._flushed_at >= FLUSH_SECONDS or self._is_full():
            await self.flush()
        lost = self._reader.lost()
        if now - self._looked_at >= RETRY_SECONDS or lost:
            self._looked_at = now
            async with self._lock:
                await self._take([*(tp for tp in lost if tp in self._places), *self._held])
            await self._mend_tails(now)

    async def _mend_tails(self, now: float) -> None:
        """Find the fetches that got lost on their way and that no later fetch will betray."""
        handed = self._reader.handed_over()
        for place in list(self._places.values()):
            grant = handed.get(place.tp)
            missing = grant is not None and grant.lease == place.lease and grant.offset > place.end
            if not missing or self._accepting or place.behind_at != place.end:
                place.behind_at, place.behind_since = place.end if missing else -1, now
            elif now - place.behind_since >= PATIENCE_SECONDS:
                await self._mend(place)

    async def close(self) -> None:
        """Take no more fetches, and flush and answer what is there."""
        self._open = False
        await self.flush()

    async def flush(self) -> None:
        """Store what is buffered and answer for it. Raises when the worker cannot go on."""
        async with self._lock:
            self._flushed_at = time.monotonic()
            flushed = await self._flush([place for place in self._places.values() if place.rows])
            await self._answers.send(list(self._places.values()), flushed, last=not self._open)

    async def _flush(self, places: Sequence[Place]) -> dict[TP, Flushed]:
        if not places:
            return {}
        uuids = await self._work.store(self._cluster.topic_uuids, {place.tp.topic for place in places})
        # Asked after the records were fetched: they are of this topic, not of one made again under its name.
        remade = [place.tp for place in places if uuids.get(place.tp.topic, place.topic_uuid) != place.topic_uuid]
        if remade:
            for tp in remade:
                say("topic_remade", logging.WARNING, topic=tp.topic, partition=tp.partition)
            await self._take(remade)
        places = [place for place in places if self._places.get(place.tp) is place]
        spans = [place.span for place in places]
        batches = [place.emptied() for place in places]
        if not spans:
            return {}
        try:
            kept = list(chain.from_iterable(batches))
            done = await self._work.store(stored, self._lake, spans, kept, self._metrics)
        except Fenced:
            await self._fenced([place.tp for place in places])
            return {}
        self._fences = 0
        flushed = {}
        tables = iter(done.tables)
        for place, span, emptied in zip(places, spans, batches, strict=True):
            alerts = await self._work.judge(place.source.alerts_in, list(islice(tables, len(emptied))))
            flushed[place.tp] = Flushed(span.start, place.source.outcome(emptied), alerts)
            place.stored = span.next_offset
        say("flushed", version=done.version, rows=sum(span.received for span in spans), partitions=len(spans))
        return flushed

    async def _fenced(self, partitions: Sequence[TP]) -> None:
        self._fences += 1
        say("fenced", logging.WARNING, partitions=len(partitions), in_a_row=self._fences)
        if self._fences > FENCES:
            raise EnvironmentProblem(
                f"the lake at {self._home.lake} moved on under this worker {self._fences} times in a row: a second"
                " deployment, on another Kafka cluster or with another consumer group, seems to write to the same lake;"
                " stop one of the two"
            )
        await self._take([tp for tp in partitions if tp in self._places])
