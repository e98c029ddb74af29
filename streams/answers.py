"""Answering for what is in the lake: which receipts are due, and how far they were sent.

What a receipt says is streams/receipts.py's.
"""

import asyncio
import logging
import time
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from aiokafka.errors import KafkaError
from faust.types import TP

from lake import crash
from lake.table import Lake
from streams.logs import say
from streams.places import Place
from streams.receipts import Producer
from streams.sources import Outcome
from streams.transport import BatchConsumer
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


class Answers:
    """Sends what is due. Kafka's committed offset is the cursor, so whoever owns a partition next goes on from it."""

    def __init__(self, work: Work, lake: Lake, producer: Producer, reader: BatchConsumer) -> None:
        self._work, self._lake, self._producer, self._reader = work, lake, producer, reader

    async def send(self, places: Iterable[Place], flushed: Mapping[TP, Flushed]) -> None:
        """Send the receipts that are due for these places, then move Kafka's committed offsets."""
        answered = {}
        for place in places:
            if place.stored is None or place.answered >= place.stored or time.monotonic() < place.answer_at:
                continue
            end, outcome = await self._due(place, place.stored, flushed.get(place.tp))
            due = await self._work.judge(place.source.receipts, place.answered, end, outcome)
            # All of them are tried: one site's missing topic must not keep the others' receipts back.
            if all([await self._sent(place, topic, values) for topic, values in due]):
                answered[place.tp] = place.answered = end
            else:
                # Nor the deliveries out of the lake.
                place.answer_at = time.monotonic() + SEND_AGAIN_SECONDS
        if answered:
            crash.here("receipts_sent")
            if not await self._reader.commit_receipts(answered):
                say("commit_failed", logging.WARNING, partitions=len(answered))  # a later one makes up for it
            crash.here("offsets_committed")

    async def _sent(self, place: Place, topic: str, values: list[bytes]) -> bool:
        try:
            await asyncio.wait_for(self._producer.send(topic, place.tp.partition, values), SEND_SECONDS)
        except (KafkaError, TimeoutError) as error:
            say("receipts_failed", logging.ERROR, error, topic=topic, partition=place.tp.partition)
            return False
        return True

    async def _due(self, place: Place, end: int, flushed: Flushed | None) -> tuple[int, Outcome]:
        if flushed is not None and (flushed.start is None or place.answered >= flushed.start):
            return end, flushed.outcome
        # After a crash more is due than was flushed just now: ask the lake.
        end = min(end, place.answered + MOST_OFFSETS)
        return end, await self._work.store(place.source.read_back, self._lake, place.answered, end)
