"""How a measurement is taken: both sides in turn, several times, medians and their ratio."""

import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

RUNS = 5


class Comparison(NamedTuple):
    """One measurement beside its peer."""

    what: str
    peer: str
    count: int
    seconds: list[float]
    peer_seconds: list[float]

    def line(self) -> str:
        """One row: events per second of both, spread of ours, and how many times faster we are than the peer."""
        ours, theirs = statistics.median(self.seconds), statistics.median(self.peer_seconds)
        spread = f"{self.count / max(self.seconds):,.0f}-{self.count / min(self.seconds):,.0f}"
        return (
            f"{self.what:<34} {self.count / ours:>10,.0f}/s ({spread})  "
            f"{self.peer:<38} {self.count / theirs:>10,.0f}/s  {theirs / ours:>6.2f}x"
        )


def compare(what: str, ours: Callable[[], None], peer: str, theirs: Callable[[], None], count: int) -> Comparison:
    """Run both in turn, A B A B, after one warm-up of each."""
    ours()
    theirs()
    seconds, peer_seconds = [], []
    for _ in range(RUNS):
        seconds.append(_timed(ours))
        peer_seconds.append(_timed(theirs))
    return Comparison(what, peer, count, seconds, peer_seconds)


def _timed(run: Callable[[], None]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start
