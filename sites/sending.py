"""Sending statements to Kafka: idempotent, acknowledged by every replica, with one clear sentence when it fails.

What is sent, and what is remembered of it, belongs to `sites.pushing`.
"""

from collections import deque
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, Protocol

from kafka import KafkaProducer
from kafka.errors import KafkaError

from contracts.errors import EnvironmentProblem
from contracts.judge import AHEAD
from sites import connection
from sites.config import LabConfig
from sites.statement import Statement

HEADERS = [("content-type", b"application/cloudevents+json; charset=utf-8")]

_AT_ONCE = 2000
"""Statements under way. kafka-python bounds only their age, so that on a slow line many would be given up."""
_ATTEMPTS = 3

Acknowledge = Callable[[Statement, str], None]
"""Told of each statement that the platform has, with its position."""


class Sender(Protocol):
    """How statements leave the lab."""

    topic_id: str

    def send(self, statements: Iterable[Statement], acknowledged: Acknowledge) -> None:
        """Send all; EnvironmentProblem when the platform does not take them, with what it took told before."""


class KafkaSender:
    """Sends to the topic of one site. EnvironmentProblem at once when the platform cannot be reached."""

    def __init__(self, config: LabConfig) -> None:
        self._config = config
        self.topic_id = str(connection.reach(config).topic_id)

    def send(self, statements: Iterable[Statement], acknowledged: Acknowledge) -> None:
        """See Sender. After a failure the producer is closed and another one replays what was not acknowledged."""
        waiting = iter(statements)
        again: deque[Statement] = deque()
        failures = 0
        while True:
            producer = None
            flying: deque[tuple[Statement, Any]] = deque()
            taken = 0
            try:
                producer = self._producer()
                while (statement := again.popleft() if again else next(waiting, None)) is not None:
                    again.appendleft(statement)
                    flying.append((statement, producer.send(self._config.events_topic, statement.raw, headers=HEADERS)))
                    again.popleft()
                    if len(flying) >= _AT_ONCE:
                        taken += self._settle(flying, acknowledged)
                while flying:
                    taken += self._settle(flying, acknowledged)
                return
            except KafkaError as error:
                # An idempotent producer that may not write fails with an error in the text of another one.
                if "AuthorizationFailed" in f"{type(error).__name__} {error}":
                    raise EnvironmentProblem(
                        f"topic: the user {self._config.username} may not write to {self._config.events_topic}; ask the"
                        " platform's operators whether the site is still enabled"
                    ) from None
                # What is under way may have arrived all the same: sent again under its id it counts once.
                again.extendleft(statement for statement, _ in reversed(flying))
                failures = 1 if taken else failures + 1
                connection.reach(self._config)  # says what is wrong, when it is the line or the login
                if failures == _ATTEMPTS:
                    raise EnvironmentProblem(
                        f"the platform can be reached but takes no events ({type(error).__name__}); ask its operators"
                    ) from None
            finally:
                if producer is not None:
                    # Nothing is under way after success; after a failure what is must not keep the user waiting.
                    producer.close(timeout=1 if flying or again else 10)

    def _producer(self) -> KafkaProducer:
        return KafkaProducer(
            **connection.client_settings(self._config),
            enable_idempotence=True,
            acks="all",
            compression_type="gzip",  # of Python itself, and it makes a slow line eight times as fast
            linger_ms=20,
            batch_size=65_536,
            delivery_timeout_ms=6000,
            max_block_ms=5000,
        )

    def _settle(self, flying: deque[tuple[Statement, Any]], acknowledged: Acknowledge) -> int:
        """Wait for the oldest half of what is under way."""
        count = (len(flying) + 1) // 2
        for _ in range(count):
            statement, future = flying[0]
            stored = future.get(timeout=8)
            _require_clock(statement, stored.timestamp)
            flying.popleft()
            acknowledged(statement, f"{self.topic_id}/{stored.partition}/{stored.offset}")
        return count


def _require_clock(statement: Statement, stored_ms: int) -> None:
    """The broker stamps what it stores: a statement from further ahead would be refused there."""
    ahead = datetime.fromisoformat(statement.time).timestamp() - stored_ms / 1000
    if ahead > AHEAD.total_seconds():
        raise EnvironmentProblem(
            f"this machine's clock, or the time in the events, is {timedelta(seconds=int(ahead))} ahead of the"
            " platform's: set it, then push again. What was sent is refused there"
        )
