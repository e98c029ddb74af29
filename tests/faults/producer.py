"""One site's producer as a process of its own: sends its seeded history at a rate until SIGTERM or SIGKILL.

    python -m tests.faults.producer '{"kafka": {...}, "site": "FLT01", "topic_uuid": ..., "run": ..., "seed": ..., ...}'

On SIGTERM it waits for the last acknowledgements; SIGUSR1 makes it send a flood at once. What is sent is
tests/faults/history.py's, what is written down tests/faults/ledger.py's.
"""

import json
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from confluent_kafka import Message, Producer

from tests.faults.history import Planned, Value, events
from tests.faults.ledger import Ledger, digest

TICK_SECONDS = 0.02
FLOOD = 20_000
ORDERS = {signal.SIGTERM, signal.SIGUSR1}
"""What it is told by. Whoever starts it blocks them, so that none ends it before it knows what they mean."""
CLOSE_SECONDS = 120.0
"""For the last acknowledgements: longer than a broker needs to come back."""

IDEMPOTENT = {
    "enable.idempotence": True,
    "linger.ms": 5,
    "message.timeout.ms": 600_000,  # a broker that is down for a while is no reason to give an event up
    "reconnect.backoff.max.ms": 1_000,
    "log_level": 2,
}


class Order(NamedTuple):
    """What one run of a producer is to do."""

    kafka: dict[str, Any]
    """librdkafka's settings."""
    site: str
    topic: str
    topic_uuid: str
    partitions: int
    run: str
    seed: str
    rate: float
    """Events a second."""
    ledger: str


class Sender:
    """Sends events to the partitions of a topic by turns, and writes down both sides of each."""

    def __init__(self, order: Order, *, wire: Callable[[Value], Value] = lambda value: value, **settings: Any) -> None:
        """`wire` is what happens to an event on its way."""
        self._order, self._wire = order, wire
        self._producer = Producer(IDEMPOTENT | order.kafka | settings)
        self._ledger = Ledger(Path(order.ledger), order.site, order.topic_uuid, order.run)
        self._acknowledged: list[tuple[int, int, str]] = []
        self._count = 0

    @property
    def producer(self) -> Producer:
        return self._producer

    def send(self, planned: list[Planned], partition: int | None = None) -> None:
        self._ledger.sent(planned)
        for event in planned:
            self._count += 1
            where = self._count % self._order.partitions if partition is None else partition
            value, note = self._wire(event.value), partial(self._note, digest(event.value))
            while True:
                try:
                    self._producer.produce(self._order.topic, value, partition=where, on_delivery=note)
                    break
                except BufferError:  # the broker is away or slow
                    self.look(0.1)

    def look(self, seconds: float = 0) -> None:
        """Let acknowledgements come in for a while, and write them down."""
        self._producer.poll(seconds)
        self.write_down()

    def write_down(self) -> None:
        done, self._acknowledged = self._acknowledged, []
        self._ledger.acknowledged(done)

    def forget(self) -> None:
        """Write down no acknowledgement of a transaction that was not committed for certain."""
        self._acknowledged = []

    def finish(self, seconds: float = CLOSE_SECONDS) -> int:
        """Wait for the last acknowledgements; how many events got none."""
        left = self._producer.flush(seconds)
        self.write_down()
        self._ledger.close()
        return int(left)

    def _note(self, sent: str, error: object, message: Message) -> None:
        if error is None:
            self._acknowledged.append((message.partition(), message.offset(), sent))


def main(order: Order) -> int:
    """Send until asked to stop; 0 when everything was acknowledged."""
    stopping: list[int] = []
    floods: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stopping.append(number))
    signal.signal(signal.SIGUSR1, lambda number, _: floods.append(number))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ORDERS)
    sender = Sender(order)
    history = events(order.site, order.run, order.seed)
    began, sent = time.monotonic(), 0
    while not stopping:
        due = int((time.monotonic() - began) * order.rate)
        sender.send(list(islice(history, max(due - sent, 0))))
        sent = max(due, sent)
        if floods:
            floods.clear()
            for _ in range(FLOOD // 1000):
                sender.send(list(islice(history, 1000)))
        sender.look(TICK_SECONDS)
    return min(sender.finish(), 1)


if __name__ == "__main__":
    sys.exit(main(Order(**json.loads(sys.argv[1]))))
