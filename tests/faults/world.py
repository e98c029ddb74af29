"""Everything that a run consists of: brokers, workers, producers, the compaction loop and the lake's disk.

It starts them, keeps them running and ends them. What goes wrong is tests/faults/mishaps*.py's, and when,
tests/faults/schedule.py's.
"""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any, TypeVar

from b12 import admin
from lake.home import WORKER_GROUP, Home
from tests.faults.brokers import Brokers
from tests.faults.compaction import Compaction
from tests.faults.crew import Slot
from tests.faults.disk import Disk
from tests.faults.feeds import PARTITIONS, Feed
from tests.faults.patience import patiently
from tests.faults.watch import Watch

TICK_SECONDS = 0.5
MAINTAIN_SECONDS = 5.0
"""Between two compactions."""
MOST_SITES = 8
READ_SECONDS = 180
"""For a topic to be read to its end, whatever else goes wrong meanwhile."""

_Result = TypeVar("_Result")


class World:
    """The parts of one run. Faults may use it from several threads."""

    def __init__(self, home: Home, *, nodes: int, workers: int, sites: int, rate: float, seed: str, disk: bool) -> None:
        self.home, self.seed, self._rate = home, seed, rate / sites
        self.history = home.path / "history"
        self.history.mkdir(parents=True)
        self.disk = Disk(home.path / "lake") if disk else None
        self.brokers = Brokers(home, nodes)
        self.slots = [Slot(home, number) for number in range(workers)]
        self.feeds: list[Feed] = []
        self.watch = Watch(home.lake, self.history)
        self.compaction = Compaction(home)
        self._planned_sites = sites
        self._ended = threading.Event()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Everything is up inside, and gone afterwards."""
        keeper = threading.Thread(target=self._keep, name="keeper")
        try:
            self.home.ensure_secret()
            self.brokers.start()
            for _ in range(self._planned_sites):
                self.add_site()
            for slot in self.slots:
                slot.start()
            keeper.start()
            if not self.wait_until(self._flows, READ_SECONDS):
                raise AssertionError("nothing came into the lake, although nothing was wrong yet")
            self.watch.forget()
            yield
        finally:
            self._ended.set()
            for part in (*self.slots, self.compaction, *self.feeds, self.brokers):
                part.close()
            if keeper.is_alive():
                keeper.join()

    def add_site(self) -> Feed:
        """Register one more site; its producer starts at once."""
        feed = Feed(self.home, f"FLT{len(self.feeds) + 1:02d}", self.seed, self._rate, self.history)
        self.feeds.append(feed)
        feed.start()
        return feed

    def kafka(self) -> dict[str, object]:
        """kafka-python's settings."""
        return admin.client_settings(self.home.internal_kafka())

    def ask(self, question: Callable[[Any], _Result]) -> _Result:
        """Ask the brokers as an administrator, again and again while they do not answer."""

        def asked() -> _Result:
            with admin.connect(self.home.internal_kafka(), 20) as client:
                return question(client)

        return patiently(asked)

    def command(self, *arguments: str) -> None:
        """Run a command of an operator."""
        subprocess.run([sys.executable, "-m", "b12.cli", "--home", str(self.home.path), *arguments], check=True)

    def empty(self, feed: Feed) -> None:
        """End a site's producer and have its topic read to its end and answered: it is about to be deleted, and the
        cursor of receipts with it."""
        feed.stop()
        ends = feed.keep_log()
        if not self.wait_until(lambda: self.watch.has(ends) and self.is_answered(feed), READ_SECONDS):
            raise AssertionError(f"the topic of {feed.site.id} is not read to its end and answered")

    def is_answered(self, *feeds: Feed) -> bool:
        """Whether Kafka's committed offsets, the cursor of receipts, are where the lake is."""
        offsets = self.ask(lambda client: client.list_group_offsets([WORKER_GROUP]))[WORKER_GROUP]
        committed = {(tp.topic, tp.partition, known.metadata): known.offset for tp, known in offsets.items()}
        return all(
            committed.get((feed.site.events_topic, partition, feed.uuid), 0)
            >= self.watch.stored((feed.uuid, partition))
            for feed in feeds
            for partition in range(PARTITIONS)
        )

    def wait_until(self, holds: Callable[[], bool], seconds: float, pause: float = 0.2) -> bool:
        """Whether something came to hold within so many seconds."""
        end = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > end:
                return False
            time.sleep(pause)
        return True

    def slot(self, dice: Random) -> Slot:
        """One of the workers."""
        return dice.choice(self.slots)

    def _flows(self) -> bool:
        places = [(feed.uuid, partition) for feed in self.feeds for partition in range(PARTITIONS)]
        return all(self.watch.stored(place) for place in places)

    def _keep(self) -> None:
        while not self._ended.wait(TICK_SECONDS):
            for slot in self.slots:
                slot.keep()
            self.compaction.keep()
            self.watch.look()
