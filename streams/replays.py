"""Having dead letters judged again: their records go, byte by byte, to the replay topic with a header of their origin.

Writing one twice doubles nothing, since a delivery and its replays are one event. What workers do with them belongs to
streams/sources.py, which letters there are to lake/dead_letters.py.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

from kafka import KafkaProducer
from kafka.errors import KafkaError, MessageSizeTooLargeError

from contracts.errors import EnvironmentProblem
from lake import dead_letters
from lake.dead_letters import DeadLetters, Letter, Place, State
from lake.home import REPLAY_TOPIC, Home
from lake.origins import NO_SITE, Origin, header, origin_of, without_origin
from lake.snapshot import Snapshot, snapshot
from streams import originals
from streams.originals import Originals

MOST_BYTES = 2 << 20
"""Of a record before compression; the broker has the last word."""
_WINDOW = 500
"""Records that are sent before the oldest must be acknowledged."""
_SECONDS = 30


class Replayed(NamedTuple):
    """What became of the letters that were to be replayed."""

    written: int
    expired: int
    """Kafka deleted the record while the others were being written."""
    too_large: int
    """The broker takes no record of that size, with its header, any more."""


def require_site(home: Home, site: str) -> None:
    """UsageError unless the site is registered here, or stands for the replays that name none."""
    if site != NO_SITE:
        home.site(site)


class Replays:
    """The dead letters of a home, and the way to have them judged again. Make it with `opened`."""

    def __init__(self, home: Home, letters: DeadLetters, records: Originals, topics: Mapping[str, str]) -> None:
        self._home, self._records, self._topics = home, records, topics
        self.letters = letters

    def ready(self, site: str, rule: str | None, *, again: bool) -> list[Letter]:
        """The letters that can be replayed; `again`: also those that a replay brought back under today's contract."""
        states: list[State] = ["open", "judged_again"] if again else ["open"]
        return list(self.letters.letters(site, rule, states))

    def records(self, letters: Sequence[Letter]) -> Iterator[tuple[Letter, Any]]:
        """The letters with their records, None where Kafka has it no more."""
        found = self._records.read(letter.source for letter in letters)
        yield from ((letter, record) for letter, (_, record) in zip(letters, found, strict=True))

    def replay(self, letters: Sequence[Letter], progress: Callable[[int], None] = lambda _: None) -> Replayed:
        """Write the letters to the replay topic; how many Kafka has acknowledged. It may be repeated.

        EnvironmentProblem, with the number that was written, when Kafka fails on the way.
        """
        if not letters:
            return Replayed(0, 0, 0)
        done = Counter[str]()
        sent: deque[Callable[[], str]] = deque()

        def settle(most: int) -> None:
            while len(sent) > most:
                done[sent.popleft()()] += 1
                progress(1)

        try:
            with _producer(self._home) as producer:
                partitions = len(producer.partitions_for(REPLAY_TOPIC))
                for letter, record in self.records(letters):
                    sent.append(self._sent(producer, letter, record, partitions))
                    settle(_WINDOW)
                settle(0)
        except KafkaError as error:
            raise EnvironmentProblem(
                f"Kafka stopped taking replays ({type(error).__name__}): {done['written']:,} of {len(letters):,} are"
                " written; run it again, nothing is doubled by that"
            ) from None
        return Replayed(done["written"], done["expired"], done["too_large"])

    def _sent(self, producer: Any, letter: Letter, record: Any, partitions: int) -> Callable[[], str]:
        """Send one record; what waits for the outcome."""
        if record is None:
            return lambda: "expired"
        own = [(name, value or b"") for name, value in without_origin(record.headers)]
        try:
            future = producer.send(
                REPLAY_TOPIC,
                record.value,
                key="/".join(map(str, letter.origin)).encode(),
                headers=[*own, header(self._origin(letter, record))],
                # The same partition for every replay of a delivery keeps them, and their receipts, in order.
                partition=letter.origin.partition % partitions,
            )
        except MessageSizeTooLargeError:
            return lambda: "too_large"
        return partial(_outcome, future)

    def _origin(self, letter: Letter, record: Any) -> Origin:
        # Of a replay that named a site unknown here, only the record says which.
        named = origin_of(record.headers) if letter.site == NO_SITE else None
        topic = self._topics.get(letter.origin.topic_uuid, "")
        return named or Origin(letter.site, topic, *letter.origin, letter.received_ms)


def _outcome(future: Any) -> str:
    try:
        future.get(_SECONDS)
    except MessageSizeTooLargeError:
        return "too_large"
    return "written"


@contextmanager
def opened(home: Home) -> Iterator[Replays]:
    """The dead letters of the newest version of the lake. EnvironmentProblem without a lake, or without Kafka."""
    pinned = snapshot(home)
    topics = {topic_uuid: position.topic for (topic_uuid, _), position in pinned.positions.items()}
    with (
        originals.opened(home.internal_kafka(), pinned.positions) as records,
        dead_letters.opened(pinned, records.first_offsets, _on_their_way(pinned, records)) as letters,
    ):
        yield Replays(home, letters, records, topics)


def _on_their_way(pinned: Snapshot, records: Originals) -> Iterator[Place]:
    """Origins of the replays that Kafka has and the lake does not."""
    for record in records.unread(REPLAY_TOPIC, pinned.positions):
        if origin := origin_of(record.headers):
            yield Place(origin.topic_uuid, origin.partition, origin.offset)


@contextmanager
def _producer(home: Home) -> Iterator[Any]:
    producer = KafkaProducer(
        **home.internal_kafka().client_settings(),
        acks="all",
        compression_type="gzip",
        linger_ms=5,
        max_block_ms=1000 * _SECONDS,
        max_request_size=MOST_BYTES,
    )
    try:
        yield producer
    finally:
        producer.close(timeout=_SECONDS)
