"""Looks after a worker from within: its record under run/, its pages, and the watchdog that ends it when it is stuck.

What is a standstill belongs to streams/watchdog.py; starting a worker again, to a supervisor.
"""

import faulthandler
import logging
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version

from faust.types import TP

from contracts.errors import B12Error
from lake import workers
from lake.home import Home
from streams.health import Health, Pages, port
from streams.logs import say
from streams.lookout import Lookout, site_of
from streams.metrics import Metrics, Standing
from streams.places import Held
from streams.watchdog import Look, Watchdog, patience

BLOCKED_FACTOR = 2
"""How many times the watchdog's patience may pass without a look, before the process ends whatever it is doing."""
START_FACTOR = 10
"""The same before the first look: opening a large lake takes its time."""


class WorkerStuck(B12Error):
    """A worker stands still and cannot mend it. A supervisor starts it again, at the offsets that the lake holds."""

    exit_code = 3


class Guard:
    """Of one worker process, from its first moment to its last."""

    def __init__(self, home: Home, metrics: Metrics) -> None:
        self._home, self._metrics, self._patience = home, metrics, patience()
        self._watchdog = Watchdog(self._patience)
        self._health = Health(metrics)
        self._pages = Pages(self._health, port(workers.own_name()))
        self._me = workers.begun(home, workers.own_name(), self._pages.port, version("b12-registry"))
        self._metrics.standing = Standing(self._me.version, self._me.restarts)
        self._end_unless_looked_at(START_FACTOR)
        say("guarded", worker=self._me.name, port=self._pages.port, restarts=self._me.restarts)

    def waits(self, why: str) -> None:
        """The worker is alive and cannot begin yet."""
        self._alive(why, {})

    def look(self, lookout: Lookout) -> None:
        """Look at the worker and tell how it stands. Raises WorkerStuck when it must end."""
        look = lookout.look()
        why = why_not_ready(look)
        self._metrics.standing = Standing(
            version=self._me.version,
            restarts=self._me.restarts,
            ready=not why,
            partitions=len(look.assigned),
            waiting=lookout.waiting(look),
            held=Counter((site_of(tp.topic), held.reason) for tp, held in lookout.held.items()),
        )
        self._alive(why, lookout.held)
        if stuck := self._watchdog.stuck(look):
            say("stuck", logging.CRITICAL, sign=stuck.sign.name, why=stuck.sign.words, seconds=stuck.seconds)
            raise WorkerStuck(f"it stood still for {stuck.seconds} s: {stuck.sign.words}")

    def stops(self) -> None:
        """The worker is on its way out and looks at nothing any more."""
        faulthandler.cancel_dump_traceback_later()

    def failed(self, why: str) -> None:
        """The worker ends, and nobody asked it to; `why` holds no reported value."""
        self.stops()
        workers.failed(self._home, self._me, why)

    def left(self) -> None:
        """The worker has ended because it was asked to."""
        workers.left(self._home, self._me)

    def _alive(self, why: str, held: Mapping[TP, Held]) -> None:
        self._health.looked(
            why, [{"topic": tp.topic, "partition": tp.partition, **asdict(of)} for tp, of in held.items()]
        )
        workers.alive(self._home, self._me.name)
        self._end_unless_looked_at(BLOCKED_FACTOR)

    def _end_unless_looked_at(self, factor: int) -> None:
        """Else the process writes where each of its threads stands, and ends, even if Python itself is blocked."""
        faulthandler.dump_traceback_later(self._patience * factor, exit=True, file=sys.stderr)


def why_not_ready(look: Look) -> str:
    """Why the worker reads nothing, in a few words; empty when it reads, or would if there were something."""
    if look.view is None:
        return "Kafka does not answer"
    if not look.settled or look.member not in look.view.members:
        return "it is joining the group"
    return ""
