"""Workers that are broken on purpose, each in one way, so that the checker can be seen to notice.

    python -m tests.faults.broken NAME=HOME NAME=HOME ...

One process for all: it imports what a worker needs once and forks. It ends the broken ones on SIGTERM, whereupon each
erases whom its history names, and starts one that died by SIGKILL once more. No other test runs these.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import lake.erasure
import lake.table
import streams.intake
import streams.places
import streams.process
import streams.sources
import streams.transport
import streams.worker
from contracts.events import KIND_OF
from contracts.judge import Refusal, is_refusal
from lake import crash
from lake.files import add
from lake.home import Home
from streams.transport import Cursor
from tests.faults import erasing

Breaking = Callable[[], None]


class Order(NamedTuple):
    """One broken worker."""

    breaking: str
    home: Path


def progress_first() -> None:
    """Kafka's committed offset is the progress, it moves before the flush, and then the worker dies once."""
    flush, bounds = streams.intake.Intake._flush, streams.transport.BatchConsumer.bounds

    async def commit_and_flush(self: Any, places: Any) -> Any:
        if places:
            await self._reader.commit_receipts({place.tp: Cursor(place.end, place.topic_uuid) for place in places})
        return await flush(self, places)

    async def committed_bounds(self: Any, partitions: Any) -> Any:
        committed = await self.committed(partitions)
        found = await bounds(self, partitions)
        return {tp: (committed[tp].offset if tp in committed else ends[0], ends[1]) for tp, ends in found.items()}

    streams.intake.Intake._flush = commit_and_flush
    streams.transport.BatchConsumer.bounds = committed_bounds
    streams.intake.start = lambda *known: known[-1][0]
    if not os.environ.get("BORN_AGAIN"):
        os.environ[crash.SETTING] = "before_files"


def skips_the_rows_of_a_flush() -> None:
    """The offsets of the first flush are committed without its rows."""
    commit = lake.table.Lake._commit
    flushes = []

    def skip(self: Any, spans: Any, actions: Any, before: Any) -> Any:
        flushes.append(1)
        return commit(self, spans, actions if len(flushes) > 1 else [], before)

    lake.table.Lake._commit = skip


def repeats_a_flush() -> None:
    """A commit whose outcome is unknown is taken for a failure, and nothing compares the offsets."""
    flush = lake.table.Lake.flush

    def twice(self: Any, spans: Any, tables: Any) -> int:
        flush(self, spans, tables)
        self._commit([], [add(self._storage, partition, table) for partition, table in tables.items()], [])
        return self.version

    lake.table.Lake.flush = twice


def omits_receipts() -> None:
    """Kafka's committed offset moves although no receipt was sent."""
    streams.sources.receipts = lambda *_: []


def lies_in_receipts() -> None:
    """Receipts call everything accepted."""
    receipts = streams.sources.receipts

    def all_good(of: Any, judgements: Any) -> Iterator[bytes]:
        return receipts(of, judgements._replace(refused=[]))

    streams.sources.receipts = all_good


def reads_uncommitted() -> None:
    """What a transaction took back is read like all else."""
    make = streams.transport.aiokafka.AIOKafkaConsumer
    streams.transport.aiokafka.AIOKafkaConsumer = lambda **settings: make(
        **settings | {"isolation_level": "read_uncommitted"}
    )


def counts_twice() -> None:
    """What the transport received is counted once too often."""
    span = streams.places.Span

    def more(*fields: Any, **others: Any) -> Any:
        made = span(*fields, **others)
        return made._replace(received=made.received + 1)

    streams.places.Span = more


def shifts_rows() -> None:
    """Each event of a fetch is filed under the offset of its neighbour."""
    os.environ["B12_FORMS"] = "off"  # else few events get so far
    judged = streams.sources.answers

    def shifted(site: Any, records: Any) -> Any:
        answers = judged(site, records)
        return [*answers[1:], *answers[:1]]

    streams.sources.answers = shifted


def refuses_the_good() -> None:
    """One kind of event is refused, by a rule that does not say so."""
    os.environ["B12_FORMS"] = "off"  # else few events get so far
    judged = streams.sources.answers

    def stern(site: Any, records: Any) -> Any:
        return [
            Refusal("too_large", "$") if not is_refusal(answer) and KIND_OF[type(answer)] == "dose" else answer
            for answer in judged(site, records)
        ]

    streams.sources.answers = stern


def erases_too_little() -> None:
    """An erasure leaves the last row of each file that it finds."""
    theirs = lake.erasure._theirs

    def some(*of: Any) -> list[bool]:
        found = theirs(*of)
        return [one and any(found[place + 1 :]) for place, one in enumerate(found)]

    lake.erasure._theirs = some


def erases_too_much() -> None:
    """An erasure takes a row more of each file in which it finds one."""
    theirs = lake.erasure._theirs

    def more(*of: Any) -> list[bool]:
        found = theirs(*of)
        if any(found) and not all(found):
            found[found.index(False)] = True
        return found

    lake.erasure._theirs = more


def nothing() -> None:
    """A worker as it should be."""


def alters_bytes() -> None:
    """The worker is as it should be: it is what lies between the producer and Kafka that is broken."""


BREAKINGS: dict[str, Breaking] = {
    breaking.__name__: breaking
    for breaking in (
        *(nothing, progress_first, skips_the_rows_of_a_flush, repeats_a_flush, omits_receipts, lies_in_receipts),
        *(reads_uncommitted, counts_twice, shifts_rows, refuses_the_good, alters_bytes),
        *(erases_too_little, erases_too_much),
    )
}


def main(orders: list[Order]) -> None:
    running = {_start(order): order for order in orders}
    stopping: list[int] = []

    def stop(number: int, _: object) -> None:
        stopping.append(number)
        for pid in running:
            os.kill(pid, signal.SIGTERM)

    signal.signal(signal.SIGTERM, stop)
    while running:
        pid, status = os.wait()
        order = running.pop(pid)
        if os.WIFSIGNALED(status) and not stopping:
            os.environ["BORN_AGAIN"] = "1"
            running[_start(order)] = order


def _start(order: Order) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        with (order.home / "logs" / "worker-broken.log").open("ab") as log:
            os.dup2(log.fileno(), 2)
        streams.worker.WORKER_GROUP = f"b12-{order.home.name}"  # so that they need not wait for each other
        BREAKINGS[order.breaking]()
        streams.process.run(Home(order.home))
        erasing.erase(Home(order.home))
    finally:
        os._exit(0)


if __name__ == "__main__":
    pairs = (argument.partition("=") for argument in sys.argv[1:])
    main([Order(breaking, Path(home)) for breaking, _, home in pairs])
