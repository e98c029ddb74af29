"""Workers as they run in production, watched from outside: processor time, memory, and when what became durable.

What they are given to do belongs to the measurements.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from lake.home import Home

_TICKS = os.sysconf("SC_CLK_TCK")
_END_SECONDS = 60


class Worker:
    """One `b12 worker`."""

    def __init__(self, home: Home) -> None:
        self.started = time.time()
        environment = os.environ | {"B12_HOME": str(home.path)}
        with (home.logs / "worker.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "b12.cli", "worker"], env=environment, stdout=log, stderr=log
            )

    @property
    def cpu_seconds(self) -> float:
        """User and system time so far."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    @property
    def most_resident_mb(self) -> float:
        """The most memory that it ever had."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(_END_SECONDS)


@contextmanager
def working(home: Home, count: int = 1) -> Iterator[Sequence[Worker]]:
    """So many workers on a home."""
    workers = [Worker(home) for _ in range(count)]
    try:
        yield workers
    finally:
        for worker in workers:
            worker.stop()


class Commit(NamedTuple):
    """One entry of the lake's log."""

    at: float
    """Seconds since 1970."""
    reached: dict[tuple[str, int], int]
    """The next offset, by UUID of the topic and partition."""


def commits(home: Home) -> list[Commit]:
    """Every commit that moved an offset, from the log itself: nobody had to ask the lake while it was measured."""
    found = []
    for path in sorted(Path(home.lake, "_delta_log").glob("*.json")):
        actions = [json.loads(line) for line in path.read_text().splitlines()]
        moved = [action["txn"] for action in actions if "txn" in action]
        reached = {}
        for name, version in ((txn["appId"], txn["version"]) for txn in moved):
            _, topic_uuid, partition, what = name.split("/", 3)
            if what == "next":
                reached[topic_uuid, int(partition)] = version
        if reached:
            found.append(Commit(path.stat().st_mtime, reached))
    return found


def durable_at(log: Sequence[Commit], topic_uuid: str, partition: int, offsets: Sequence[int]) -> list[float]:
    """When each of these offsets, in ascending order, was in the lake for good."""
    steps = [
        (commit.reached[topic_uuid, partition], commit.at)
        for commit in log
        if (topic_uuid, partition) in commit.reached
    ]
    times, upto = [], iter(steps)
    reached, at = next(upto, (0, 0.0))
    for offset in offsets:
        while reached <= offset:
            reached, at = next(upto)
        times.append(at)
    return times


def wait_for(home: Home, topic_uuid: str, offsets: dict[int, int], seconds: float) -> None:
    """Until the lake has these next offsets of the topic's partitions. TimeoutError when it takes too long."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        reached: dict[tuple[str, int], int] = {}
        for commit in commits(home):
            reached |= commit.reached
        if all(reached.get((topic_uuid, partition), 0) >= offset for partition, offset in offsets.items()):
            return
        time.sleep(0.5)
    raise TimeoutError(f"the workers did not store all of {topic_uuid} within {seconds:.0f} s")
