"""Answering for what is in the lake: which alerts and receipts are due, and how far they were sent.

What a receipt says is streams/receipts.py's, which alerts there are streams/alerts.py's.
"""

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pyarrow as pa
from aiokafka.errors import KafkaError
from faust.types import TP

from lake import crash
from lake.table import Lake
from streams.alerts import Raised, columns
from streams.logs import say
from streams.metrics import Metrics
from streams.places import Place
from streams.receipts import Producer
from streams.site_alerts import SiteAlerts, digest, listed, rules_of
from streams.sources import Outcome, Source
from streams.transport import BatchConsumer, Cursor
from streams.work import Work

SEND_SECONDS = 10.0
SEND_AGAIN_SECONDS = 30.0
"""Between two attempts to send the receipts of a partition."""
MOST_OFFSETS = 1_000_000
"""That receipts are rebuilt for at once, after a crash."""


class Flushed(NamedTuple):
    """What a flush stored of one partition."""

    start: int | None
    """The lake's next offset before; None when it had none."""
    outcome: Outcome
    alerts: list[Raised]


class Answers:
    """Sends what is due. Kafka's committed offset is the cursor, so whoever owns a partition next goes on from it."""

    def __init__(self, work: Work, lake: Lake, producer: Producer, reader: BatchConsumer, metrics: Metrics) -> None:
        self._work, self._lake, self._producer, self._reader = work, lake, producer, reader
        self._metrics = metrics

    async def send(self, places: Sequence[Place], flushed: Mapping[TP, Flushed], *, last: bool = False) -> None:
        """Send the alerts and receipts that are due for these places, then move Kafka's committed offsets.

        `last`: nothing comes after it, so no alert may wait for others.
        """
        # Side by side: with many partitions the next flush would have to wait for many answers of Kafka's.
        await asyncio.gather(*(self._answer(place, flushed.get(place.tp), last=last) for place in places))
        answered = {place.tp: Cursor(place.told, place.topic_uuid) for place in places if place.told > place.committed}
        if answered:
            crash.here("receipts_sent")
            if not await self._reader.commit_receipts(answered):
                say("commit_failed", logging.WARNING, partitions=len(answered))  # the next flush tries again
                return
            for place in places:
                if place.tp in answered:
                    place.committed = answered[place.tp].offset
            crash.here("offsets_committed")

    async def _answer(self, place: Place, flushed: Flushed | None, *, last: bool) -> None:
        if place.stored is None or time.monotonic() < place.answer_at:
            return
        if not await self._have_all(place, place.stored, flushed, last=last):
            # What is due next is made from the lake again.
            place.answer_at = time.monotonic() + SEND_AGAIN_SECONDS

    async def _have_all(self, place: Place, stored: int, flushed: Flushed | None, *, last: bool) -> bool:
        """Send what is due for one place; whether Kafka has all of it."""
        alerts = place.source.alerts
        if place.answered < stored:
            end, outcome, found = await self._due(place, stored, flushed)
            due = await self._work.judge(place.source.receipts, place.answered, end, outcome)
            sending = [self._sent(place, topic, values) for topic, values in due]
            if alerts and found:
                sending.append(self._alerted(place, alerts, alerts.take(found)))
            # All of them are tried: one site's missing topic must not keep the others' receipts back.
            if not all(await asyncio.gather(*sending)):
                return False
            place.answered = end
        return alerts is None or await self._digested(place, alerts, alerts.due(at_once=last))

    async def _alerted(self, place: Place, alerts: SiteAlerts, found: list[Raised]) -> bool:
        if not await self._sent(place, alerts.site.alerts_topic, listed(found)):
            return False
        self._metrics.alerts(alerts.site.id, rules_of(found))
        return True

    async def _digested(self, place: Place, alerts: SiteAlerts, held: list[Raised]) -> bool:
        if not held:
            return True
        if not await self._sent(place, alerts.site.alerts_topic, [digest(alerts.site, held)]):
            return False
        alerts.told(held)
        self._metrics.held_alerts(alerts.site.id, rules_of(held))
        return True

    async def _sent(self, place: Place, topic: str, values: list[bytes]) -> bool:
        try:
            await asyncio.wait_for(self._producer.send(topic, place.tp.partition, values), SEND_SECONDS)
        except (KafkaError, TimeoutError) as error:
            say("receipts_failed", logging.ERROR, error, topic=topic, partition=place.tp.partition)
            return False
        return True

    async def _due(self, place: Place, end: int, flushed: Flushed | None) -> tuple[int, Outcome, list[Raised]]:
        if flushed is not None and (flushed.start is None or place.answered >= flushed.start):
            return end, flushed.outcome, flushed.alerts
        # After a crash more is due than was flushed just now: ask the lake.
        end = min(end, place.answered + MOST_OFFSETS)
        outcome, found = await self._work.store(_read_back, place.source, self._lake, place.answered, end)
        return end, outcome, place.source.alerts_in([found])


def _read_back(source: Source, lake: Lake, start: int, end: int) -> tuple[Outcome, dict[str, pa.Table]]:
    found = lake.rows(columns(), source.topic_uuid, source.partition, start, end) if source.alerts else {}
    return source.read_back(lake, start, end), found
