"""The intake: judges fetches, keeps what is judged until the next flush, and answers for what was flushed.

Order of effects: rows and offsets are in the lake for good, then receipts are sent and acknowledged, then Kafka's
committed offset moves. Anything that goes wrong before the lake leads back to the offset that the lake holds.
How records arrive belongs to streams/transport.py, how they are stored to lake/table.py.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol, TypeVar

import pyarrow as pa
from aiokafka.errors import KafkaError
from deltalake.exceptions import DeltaError
from faust.types import TP

from contracts.errors import EnvironmentProblem
from contracts.judge import judge
from contracts.pseudonyms import site_key
from contracts.site import Site
from lake import crash, maintenance
from lake.home import Home
from lake.judgements import Judgements, of_batch
from lake.rows import Batch, tables
from lake.table import Fenced, Lake, Span
from streams.logs import say
from streams.places import Held, Place, start
from streams.receipts import Range, Sender, receipts
from streams.transport import Fetch, Grant

FLUSH_SECONDS = 1.0
FLUSH_ROWS = 50_000
FLUSH_BYTES = 64 << 20
MOST_ANSWERED = 1_000_000
"""Offsets that receipts are rebuilt for at once, after a crash."""
FENCES = 5
"""Fences in a row that can still be rebalances."""
RETRY_SECONDS = 2.0
"""Between two looks at partitions that are held."""
SEND_SECONDS = 10.0
SEND_AGAIN_SECONDS = 30.0
"""Between two attempts to send the receipts of a partition."""
PATIENCE_SECONDS = 10.0
"""For a fetch that was handed over and never arrived, while nothing else goes on."""

_Result = TypeVar("_Result")


class Flushed(NamedTuple):
    """What a flush stored of one partition."""

    start: int | None
    """The lake's next offset before; None when it had none."""
    judgements: Judgements


class Reader(Protocol):
    """What the intake needs of the consumer (streams.transport.BatchConsumer)."""

    def new_lease(self) -> int: ...
    def lost(self) -> set[TP]: ...
    def handed_over(self) -> dict[TP, Grant]: ...
    async def grant(self, grants: Mapping[TP, Grant]) -> None: ...
    async def withdraw(self, partitions: Iterable[TP]) -> None: ...
    async def committed(self, partitions: Iterable[TP]) -> dict[TP, int | None]: ...
    async def bounds(self, partitions: Iterable[TP]) -> dict[TP, tuple[int, int]]: ...
    async def commit_receipts(self, offsets: Mapping[TP, int]) -> bool: ...


class Topics(Protocol):
    """What the intake needs of the cluster (streams.cluster.Cluster)."""

    def topic_uuids(self, names: Iterable[str]) -> dict[str, str]: ...


class Intake:
    """All partitions of one worker. Its methods run on one event loop; blocking work goes to two threads."""

    def __init__(self, home: Home, lake: Lake, topics: Topics, sender: Sender, reader: Reader) -> None:
        self.sites: dict[str, Site] = {}
        """By events topic."""
        self._home, self._lake, self._topics, self._sender, self._reader = home, lake, topics, sender, reader
        self._secret = home.secret()
        self._places: dict[TP, Place] = {}
        self._held: dict[TP, Held] = {}
        self._lock = asyncio.Lock()
        self._judging = ThreadPoolExecutor(1, "judge")
        self._storing = ThreadPoolExecutor(1, "store")
        self._flushed_at = self._looked_at = time.monotonic()
        self._fences = 0
        self._accepting = 0
        self._open = True

    def register(self, sites: Mapping[str, Site]) -> None:
        """Know these sites, by events topic, from now on."""
        self.sites = dict(sites)
        for place in self._places.values():
            place.batch.site = self.sites.get(place.tp.topic, place.site)

    # Places: taken on assignment, dropped on revocation, taken again when a chain breaks or a fence was met.

    async def take(self, partitions: Iterable[TP]) -> None:
        """Start to read every assigned partition, and forget all others."""
        self.drop()
        async with self._lock:  # a flush of before the rebalance may be under way; the offset to read is behind it
            await self._take(partitions)

    def drop(self) -> None:
        """Forget every place and what is buffered: another worker may own the partitions from now on."""
        self._places.clear()
        self._held.clear()

    async def _take(self, partitions: Iterable[TP]) -> None:
        wanted = [tp for tp in partitions if tp.topic in self.sites]
        for tp in wanted:
            self._places.pop(tp, None)
        if not wanted:
            return
        uuids = await self._store(self._topics.topic_uuids, {tp.topic for tp in wanted})
        known = [tp for tp in wanted if tp.topic in uuids]
        bounds = await self._reader.bounds(known)
        committed = await self._reader.committed(known)
        grants = {}
        for tp in wanted:
            uuid = uuids.get(tp.topic)
            stored = await self._store(self._lake.stored, uuid, tp.partition) if uuid else None
            offset = start(self._home, tp, uuid, stored, bounds.get(tp))
            if isinstance(offset, Held) or uuid is None:
                self._hold(tp, offset)
                continue
            self._held.pop(tp, None)
            upto = stored.next_offset if stored else None
            answered = committed.get(tp)
            site = self.sites[tp.topic]
            self._places[tp] = Place(
                tp=tp,
                topic_uuid=uuid,
                lease=self._reader.new_lease(),
                stored=upto,
                end=offset,
                # A lake that was restored from a backup stands below what was answered: those are judged anew.
                answered=min(answered if answered is not None else bounds[tp][0], upto if upto is not None else offset),
                batch=Batch(site, site_key(self._secret, site.id), uuid, tp.partition),
            )
            grants[tp] = Grant(offset, self._places[tp].lease)
            say("reading", topic=tp.topic, partition=tp.partition, uuid=uuid, offset=offset, stored=upto)
        await self._reader.grant(grants)

    def _hold(self, tp: TP, held: "Held | int") -> None:
        if isinstance(held, Held) and self._held.get(tp) != held:
            self._held[tp] = held
            say(
                "held",
                logging.ERROR,
                topic=tp.topic,
                partition=tp.partition,
                reason=held.reason,
                wanted=held.wanted,
                offered=held.offered,
            )

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
        judged = await self._run(self._judging, _judged, place.site, fetch.records)
        if not self._open or self._places.get(fetch.tp) is not place:
            return  # taken away while it was being judged
        batch = place.batch
        batch.offsets += [record.offset for record in fetch.records]
        batch.received_ms += [record.timestamp for record in fetch.records]
        sizes = [None if record.value is None else len(record.value) for record in fetch.records]
        batch.sizes += sizes
        batch.judged += judged
        place.bytes += sum(filter(None, sizes))
        place.end = fetch.end
        while self._is_full():
            await self.flush()

    async def _mend(self, place: Place) -> None:
        """A fetch before this one is missing, whoever lost it: read again from what the lake holds."""
        say("chain_broken", logging.WARNING, topic=place.tp.topic, partition=place.tp.partition)
        async with self._lock:
            if self._places.get(place.tp) is place:
                await self._reader.withdraw([place.tp])
                await self._take([place.tp])

    def _is_full(self) -> bool:
        places = self._places.values()
        return sum(len(p.batch) for p in places) >= FLUSH_ROWS or sum(p.bytes for p in places) >= FLUSH_BYTES

    # Effects

    async def tick(self) -> None:
        """To be called a few times a second: flush by time, answer what is due, look after held partitions."""
        now = time.monotonic()
        if now - self._flushed_at >= FLUSH_SECONDS:
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
            flushed = await self._flush([place for place in self._places.values() if len(place.batch)])
            await self._answer(flushed)

    async def _flush(self, places: Sequence[Place]) -> dict[TP, Flushed]:
        if not places:
            return {}
        uuids = await self._store(self._topics.topic_uuids, {place.tp.topic for place in places})
        # Asked after the records were fetched: they are of this topic, not of one made again under its name.
        remade = [place.tp for place in places if uuids.get(place.tp.topic, place.topic_uuid) != place.topic_uuid]
        if remade:
            for tp in remade:
                say("topic_remade", logging.WARNING, topic=tp.topic, partition=tp.partition)
            await self._take(remade)
        places = [place for place in places if self._places.get(place.tp) is place]
        batches = [place.emptied() for place in places]
        spans = [
            Span(place.tp.topic, place.topic_uuid, place.tp.partition, place.stored, place.end, len(batch))
            for place, batch in zip(places, batches, strict=True)
        ]
        if not spans:
            return {}
        try:
            version = await self._store(_stored, self._lake, spans, batches)
        except Fenced:
            await self._fenced([place.tp for place in places])
            return {}
        self._fences = 0
        flushed = {}
        for place, span, batch in zip(places, spans, batches, strict=True):
            flushed[place.tp] = Flushed(span.start, of_batch(batch))
            place.stored = span.next_offset
        say("flushed", version=version, rows=sum(span.received for span in spans), partitions=len(spans))
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

    async def _answer(self, flushed: Mapping[TP, Flushed]) -> None:
        """Send the receipts that are due, then move Kafka's committed offsets, which say how far they were sent."""
        answered = {}
        for place in list(self._places.values()):
            if place.stored is None or place.answered >= place.stored or time.monotonic() < place.answer_at:
                continue
            now = flushed.get(place.tp)
            if now is not None and (now.start is None or place.answered >= now.start):
                of = _range(place, place.stored)
                judgements = now.judgements
            else:  # after a crash more is due than was flushed just now: ask the lake
                of = _range(place, min(place.stored, place.answered + MOST_ANSWERED))
                judgements = await self._store(self._lake.judgements, of.topic_uuid, of.partition, of.start, of.end)
            values = await self._run(self._judging, _receipts, of, judgements)
            try:
                sending = self._sender.send(place.site.receipts_topic, place.tp.partition, values)
                await asyncio.wait_for(sending, SEND_SECONDS)
            except (KafkaError, TimeoutError) as error:
                # One site's missing topic must not keep the others' deliveries out of the lake.
                place.answer_at = time.monotonic() + SEND_AGAIN_SECONDS
                say("receipts_failed", logging.ERROR, error, topic=place.tp.topic, partition=place.tp.partition)
                continue
            answered[place.tp] = place.answered = of.end
        if answered:
            crash.here("receipts_sent")
            if not await self._reader.commit_receipts(answered):
                say("commit_failed", logging.WARNING, partitions=len(answered))  # a later one makes up for it
            crash.here("offsets_committed")

    # Threads

    async def _store(self, function: Callable[..., _Result], *arguments: Any) -> _Result:
        return await self._run(self._storing, function, *arguments)

    async def _run(self, pool: ThreadPoolExecutor, function: Callable[..., _Result], *arguments: Any) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(pool, function, *arguments)


def _judged(site: Site, records: Sequence[Any]) -> list[Any]:
    judged = []
    stamp, received = -1, datetime.fromtimestamp(0, UTC)
    for record in records:
        if record.timestamp != stamp:  # the broker stamps a batch of records, not each
            stamp, received = record.timestamp, datetime.fromtimestamp(record.timestamp / 1000, UTC)
        judged.append(judge(record.value, site, received, record.headers))
    return judged


def _stored(lake: Lake, spans: Sequence[Span], batches: Sequence[Batch]) -> int:
    parts: dict[str, list[pa.Table]] = {}
    for batch in batches:
        for partition, table in tables(batch).items():
            parts.setdefault(partition, []).append(table)
    before = lake.version
    after = lake.flush(spans, {partition: pa.concat_tables(found) for partition, found in parts.items()})
    if maintenance.due(before, after):
        try:
            maintenance.maintain(lake.uri, remove=False)
        except (DeltaError, OSError) as error:  # what is stored is stored; the next one may do better
            say("maintenance_failed", logging.WARNING, error)
    return after


def _receipts(of: Range, judgements: Judgements) -> list[bytes]:
    return list(receipts(of, judgements))


def _range(place: Place, end: int) -> Range:
    return Range(place.site, place.topic_uuid, place.tp.partition, place.answered, end)
