"""A disk that is full or may not be written, and compactions that die or run twice."""

import time
from random import Random

from lake import crash
from tests.faults import disk
from tests.faults.compaction import one_compaction
from tests.faults.mishaps import mishap
from tests.faults.world import World


def _no_disk(world: World) -> str:
    return "" if world.disk else disk.reason()


# Every worker that writes meanwhile ends by it.
@mishap("disk of the lake full", "lake", 3, _no_disk, outlived=True)
def full(world: World, dice: Random) -> None:
    assert world.disk
    world.disk.fill(dice.choice((0, 4096, 65_536, 1 << 20)))
    try:
        time.sleep(dice.uniform(2, 6))
    finally:
        world.disk.empty()


@mishap("lake read-only", "lake", 3, _no_disk, outlived=True)
def read_only(world: World, dice: Random) -> None:
    assert world.disk
    world.disk.forbid()
    try:
        time.sleep(dice.uniform(2, 6))
    finally:
        world.disk.allow()


@mishap("compaction killed at any moment", "lake", 4)
def compaction_killed(world: World, dice: Random) -> None:
    world.compaction.start()
    time.sleep(dice.uniform(0.3, 1.5))
    world.compaction.kill()


@mishap("compaction killed behind its commit", "lake", 2)
def compaction_killed_at(world: World, dice: Random) -> None:
    one_compaction(world.home, world.home.logs / "compaction.log", **{crash.SETTING: "compacted"}).wait()


@mishap("several compactions at once", "lake", 2)
def compactions_at_once(world: World, dice: Random) -> None:
    for process in [one_compaction(world.home, world.home.logs / "compaction.log") for _ in range(3)]:
        process.wait()
