"""A disk that is full or may not be written, compactions that die or run twice, and families erased meanwhile."""

import os
import subprocess
import sys
import time
from random import Random

from lake import crash
from tests.faults import disk, erasing, ledger
from tests.faults.compaction import one_compaction
from tests.faults.history import SUBJECTS
from tests.faults.mishaps import mishap
from tests.faults.world import World

ERASE_SECONDS = 120
"""For an erasure to come through between compactions."""


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


@mishap("erasure killed and run again", "lake", 4)
def erasure_killed(world: World, dice: Random) -> None:
    site = dice.choice(world.feeds).site.id
    ledger.erase(world.history, site, (f"{site}-S{number:03d}" for number in dice.sample(range(SUBJECTS), 3)))
    moment = dice.choice(("erasure_written", "erased"))
    _erasure(world, **{crash.SETTING: moment})
    if not world.wait_until(lambda: _erasure(world) == 0, ERASE_SECONDS):
        raise AssertionError(f"no erasure came to its end within {ERASE_SECONDS} s: see erasure.log")


def _erasure(world: World, **settings: str) -> int:
    """Erase everybody who was ever to be erased here; the exit code."""
    with (world.home.logs / "erasure.log").open("ab") as log:
        environment = {**os.environ, "B12_HOME": str(world.home.path), **settings}
        command = [sys.executable, "-m", erasing.__name__]
        return subprocess.run(command, env=environment, stdout=log, stderr=log, check=False).returncode
