"""What can go wrong, as a deck that a schedule draws from: each mishap does its harm and undoes it.

The mishaps themselves are in the modules of workers, Kafka, sites and the lake; how often they come, and whether the
platform got over them, is tests/faults/schedule.py's.
"""

from collections.abc import Callable
from random import Random
from typing import Literal, NamedTuple

from tests.faults.world import World

Lane = Literal["workers", "kafka", "sites", "lake"]
"""Mishaps of one lane follow each other; those of different lanes may meet."""

OUTLIVED: tuple[Lane, ...] = ("workers", "kafka")
"""Lanes of which every mishap ends something that has to start again."""

Happening = Callable[[World, Random], None]


class Mishap(NamedTuple):
    """One kind of fault."""

    name: str
    lane: Lane
    weight: int
    """How often it is drawn, beside its neighbours in the lane."""
    happens: Happening
    impossible: Callable[[World], str]
    """Why it cannot happen here; empty when it can."""
    nodes: int
    """Brokers that it takes."""
    outlived: bool
    """Whether the next one of its lane waits until the platform is over it: else they would never let it."""


DECK: list[Mishap] = []


def mishap(
    name: str,
    lane: Lane,
    weight: int = 2,
    impossible: Callable[[World], str] = lambda _: "",
    *,
    nodes: int = 1,
    outlived: bool = False,
) -> Callable[[Happening], Happening]:
    """Put a function into the deck."""

    def put(happens: Happening) -> Happening:
        DECK.append(Mishap(name, lane, weight, happens, impossible, nodes, outlived or lane in OUTLIVED))
        return happens

    return put
