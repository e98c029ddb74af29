"""Decides whether a worker is stuck: signs that are harmless for a moment, and how long one of them may last.

A pure function of what was seen. How it is seen belongs to streams/lookout.py; ending the worker, to streams/worker.py.
"""

import os
from collections.abc import Hashable, Iterator, Mapping
from typing import NamedTuple

from faust.types import TP

from contracts.errors import UsageError

LONGEST_LOOK = 5.0
"""Seconds that one look may count for: a process that was stopped for a minute has not watched for a minute."""
JOIN_FACTOR = 4
"""How many times longer a worker may take to join its group: others may keep it waiting."""
BUSY_FACTOR = 10
"""How many times longer a sign may last while the intake judges or flushes: a slow flush is no standstill."""


class Partition(NamedTuple):
    """What was seen of one partition that is being read."""

    position: int
    """Offset that the consumer reads next."""
    handed: int
    """The offset behind the last record that the consumer handed over."""
    stored: int
    """The lake's next offset, or where reading began."""


class View(NamedTuple):
    """Kafka's side, when it answered."""

    stable: Mapping[TP, int]
    """Last stable offset of each partition of each registered site whose topic exists."""
    state: str
    """Of the workers' group, as Kafka calls it: `Stable`, `PreparingRebalance`, `Empty`, ..."""
    members: Mapping[str, frozenset[TP]]
    """What each member of the group was dealt."""


class Look(NamedTuple):
    """A worker at one moment."""

    at: float
    """Seconds of a clock that never goes back."""
    ended: tuple[str, ...] = ()
    """Parts of the consumer that have ended, although nobody stopped them."""
    settled: bool = True
    """It has joined and taken its places, and no new deal is under way."""
    deals: int = 1
    """How often it has taken its places."""
    busy: bool = False
    """It is judging or flushing."""
    polls: int = 0
    """How often the consumer was asked for records and answered."""
    member: str = ""
    """What the group calls it."""
    assigned: frozenset[TP] = frozenset()
    """What it takes itself to be dealt."""
    reading: Mapping[TP, Partition] = {}
    """The partitions that are not held."""
    view: View | None = None


class Sign(NamedTuple):
    """Something that means trouble if it lasts."""

    name: str
    mark: Hashable
    """Changes with every progress: another mark is another sign."""
    words: str
    factor: int = 1
    """Of the patience."""


class Stuck(NamedTuple):
    """A sign that lasted too long."""

    sign: Sign
    seconds: int


class Watchdog:
    """Remembers for how long each sign has lasted."""

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._at: float | None = None
        self._lasted: dict[tuple[str, Hashable], tuple[float, float]] = {}
        """Of each sign: seconds at rest, and seconds in all."""

    def stuck(self, look: Look) -> Stuck | None:
        """The first sign that has lasted too long, now that this was seen."""
        if look.ended:
            return Stuck(Sign("ended", look.ended, f"the consumer's {' and '.join(look.ended)} ended"), 0)
        watched = 0.0 if self._at is None else min(look.at - self._at, LONGEST_LOOK)
        self._at = look.at
        before, self._lasted = self._lasted, {}
        found = None
        for sign in signs(look):
            key = (sign.name, sign.mark)
            resting, total = 0.0, 0.0
            if key in before:
                resting, total = before[key]
                total += watched
                resting += 0 if look.busy else watched
            self._lasted[key] = resting, total
            patience = self._patience * sign.factor
            if found is None and (resting >= patience or total >= patience * BUSY_FACTOR):
                found = Stuck(sign, round(total))
        return found


def signs(look: Look) -> Iterator[Sign]:
    """What would be wrong with the worker if it stayed so. Without an answer of Kafka most of it cannot be told."""
    if not look.settled:
        if look.view:
            yield Sign("joining", look.deals, "it does not get its partitions from the group", JOIN_FACTOR)
        return
    if look.assigned:
        yield Sign("polling", look.polls, "the consumer is no longer asked for records")
    for tp, seen in look.reading.items():
        if seen.handed > seen.stored:
            words = f"{_named(tp)}: read up to offset {seen.handed}, but the lake stays at {seen.stored}"
            yield Sign("storing", (tp, seen.stored), words)
    if look.view:
        yield from _beside_kafka(look, look.view)


def _beside_kafka(look: Look, view: View) -> Iterator[Sign]:
    for tp, seen in look.reading.items():
        stable = view.stable.get(tp, 0)
        if seen.position < stable:
            words = f"{_named(tp)}: reading stands at offset {seen.position}, and deliveries wait up to {stable}"
            yield Sign("reading", (tp, seen.position), words)
    if view.state in ("Empty", "Dead") or (view.state == "Stable" and look.member not in view.members):
        yield Sign("membership", look.deals, "Kafka no longer counts it as a member of the group")
    elif view.state == "Stable":
        if view.members[look.member] != look.assigned:
            yield Sign("membership", look.deals, "it reads other partitions than the group dealt it")
        dealt = frozenset[TP]().union(*view.members.values())
        for tp in view.stable.keys() - dealt:
            yield Sign("dealing", tp, f"{_named(tp)} is read by no worker")


def _named(tp: TP) -> str:
    return f"{tp.topic} partition {tp.partition}"


def patience() -> float:
    """How long a worker may stand still, in seconds: `B12_WATCHDOG_SECONDS`, 30 by default."""
    text = os.environ.get("B12_WATCHDOG_SECONDS") or "30"
    if not text.isdecimal() or not 1 <= int(text) <= 3600:
        raise UsageError("B12_WATCHDOG_SECONDS: a whole number of seconds from 1 to 3600")
    return float(text)
