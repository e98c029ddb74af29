"""When what goes wrong: one thread for each lane of mishaps, each with dice of its own that a seed makes fall alike.

A mishap counts when events were acknowledged while it was active: until it is undone, and where workers or brokers
end by it, whose death is undone in a moment, until everything that was acknowledged is in the lake. What a mishap does
is tests/faults/mishaps*.py's.
"""

import threading
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import NamedTuple, get_args

from tests.faults import mishaps_of_kafka, mishaps_of_lake, mishaps_of_sites, mishaps_of_workers
from tests.faults.mishaps import DECK, Lane, Mishap
from tests.faults.world import World

LANES: tuple[Lane, ...] = get_args(Lane)
PARTS = (mishaps_of_kafka, mishaps_of_lake, mishaps_of_sites, mishaps_of_workers)
"""Imported to fill the deck."""
HEAL_SECONDS = 300
"""Beyond which the platform is taken not to get over something; a busy machine needs its time."""
PAUSE_SECONDS = (0.2, 3.0)
"""Between two mishaps of a lane."""


class Done(NamedTuple):
    """One mishap, over."""

    name: str
    acknowledged: int
    """Events that producers got an acknowledgement for meanwhile."""
    seconds: float
    """From its beginning until the platform was over it."""


class Drawn(NamedTuple):
    """The next mishap of a lane."""

    pause: float
    mishap: Mishap
    dice: Random


def drawn(lane: Lane, seed: str, nodes: int) -> Iterator[Drawn]:
    """The mishaps of a lane in their order, without end; the same for the same seed on every machine."""
    dice = Random(f"{seed}/{lane}")
    deck = sorted((mishap for mishap in DECK if mishap.lane == lane and mishap.nodes <= nodes), key=lambda m: m.name)
    while True:
        cards = [mishap for mishap in deck for _ in range(mishap.weight)]
        dice.shuffle(cards)
        for mishap in cards:
            yield Drawn(dice.uniform(*PAUSE_SECONDS), mishap, Random(dice.getrandbits(64)))


class Schedule:
    """All lanes of one run: for its seconds, and on until the least number of mishaps count."""

    def __init__(self, world: World, seed: str, seconds: float, least: int = 0) -> None:
        self._world, self._seed, self._least = world, seed, least
        self._began = time.monotonic()
        self._end = self._began + seconds
        self.done: list[Done] = []
        self.impossible: dict[str, str] = {}
        """What cannot happen here, and why."""
        self.failures: list[str] = []
        """What a mishap itself found, such as a platform that did not get over it."""
        self._threads = [threading.Thread(target=self._run, args=(lane,), name=lane, daemon=True) for lane in LANES]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    @property
    def is_over(self) -> bool:
        """Whether every lane has come to its end."""
        return not any(thread.is_alive() for thread in self._threads)

    @property
    def counted(self) -> int:
        """How many mishaps count."""
        return sum(1 for done in self.done if done.acknowledged)

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.monotonic() - self._began

    def require_progress(self) -> None:
        """Note a failure when the lake stands still although events wait."""
        if self._world.watch.stuck > HEAL_SECONDS and not self.failures:
            self.failures.append(f"a partition saw no commit for {self._world.watch.stuck:.0f} s while events waited")

    def table(self) -> str:
        """How often each mishap happened, and how often it counts."""
        times, counted = Counter(d.name for d in self.done), Counter(d.name for d in self.done if d.acknowledged)
        lines = [f"  {'fault':<50}{'injected':>9}{'counted':>9}{'longest':>9}"]
        for name in sorted(times):
            longest = max(d.seconds for d in self.done if d.name == name)
            lines.append(f"  {name:<50}{times[name]:>9}{counted[name]:>9}{longest:>7.1f} s")
        return "\n".join(lines + [f"  NOT INJECTED: {name}: {why}" for name, why in sorted(self.impossible.items())])

    def _run(self, lane: Lane) -> None:
        try:
            for pause, mishap, dice in drawn(lane, self._seed, len(self._world.brokers.nodes)):
                if self.failures or (time.monotonic() + pause > self._end and self.counted >= self._least):
                    return
                time.sleep(pause)
                if why := mishap.impossible(self._world):
                    self.impossible[mishap.name] = why
                else:
                    self.done.append(self._happen(mishap, dice))
        except Exception:
            self.failures.append(f"{lane}: {traceback.format_exc()}")

    def _happen(self, mishap: Mishap, dice: Random) -> Done:
        watch = self._world.watch
        watch.look()
        began, before = time.monotonic(), watch.acknowledged
        print(f"  {self.seconds:7.1f} s  {mishap.lane}: {mishap.name}", flush=True)
        mishap.happens(self._world, dice)
        ends = watch.ends()
        if mishap.outlived and not self._world.wait_until(lambda: watch.has(ends), HEAL_SECONDS):
            raise AssertionError(f"after {mishap.name} the lake did not catch up within {HEAL_SECONDS} s")
        return Done(mishap.name, watch.acknowledged - before, time.monotonic() - began)
