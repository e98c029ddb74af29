"""Workers that are killed, that sleep, that come and go, and that come back as somebody else."""

import shutil
import signal
import subprocess
import time
from random import Random

from kafka import TopicPartition

from lake import crash
from tests.faults import variants
from tests.faults.feeds import PARTITIONS
from tests.faults.mishaps import mishap
from tests.faults.world import World

SESSION_SECONDS = 10.0
"""After which the group goes on without a worker that says nothing."""
DIE_SECONDS = 45
"""For a worker to start and to come to the moment at which it dies or stops."""
HELD_SECONDS = 240
"""For the others to go on beside a gap: no worker ran while the log was kept and records deleted, and what came then
waits."""


@mishap("worker killed at any moment", "workers", 6)
def killed(world: World, dice: Random) -> None:
    slot = world.slot(dice)
    time.sleep(dice.uniform(0, 2))
    slot.signal(signal.SIGKILL)


@mishap("worker killed at a named moment", "workers", 6)
def killed_at(world: World, dice: Random) -> None:
    slot = world.slot(dice)
    moment, spared = dice.choice(crash.MOMENTS), dice.randrange(3)
    slot.kill()
    slot.start(**{crash.SETTING: f"{moment}:{spared}"})
    world.wait_until(slot.has_ended, DIE_SECONDS)  # a worker that is dealt no partition never comes there


@mishap("worker killed and started with a changed rule", "workers", 3)
def killed_and_changed(world: World, dice: Random) -> None:
    slot = world.slot(dice)
    slot.kill()
    slot.start_variant("changed_rule")
    time.sleep(dice.uniform(4, 8))
    slot.signal(signal.SIGKILL)


@mishap("worker asked to stop", "workers", 2)
def left(world: World, dice: Random) -> None:
    slot = world.slot(dice)
    slot.leave()
    time.sleep(dice.uniform(0, 2))
    slot.start()


@mishap("worker asleep for longer than its session", "workers", 3)
def asleep(world: World, dice: Random) -> None:
    slot = world.slot(dice)
    slot.signal(signal.SIGSTOP)
    time.sleep(SESSION_SECONDS + dice.uniform(1, 5))
    slot.signal(signal.SIGCONT)


@mishap("worker asleep with a commit in its hands", "workers", 3)
def asleep_at(world: World, dice: Random) -> None:
    slot = world.slot(dice)
    moment = dice.choice((variants.BEFORE_LOOKING, "before_files", "files_written", "committed", "receipts_sent"))
    slot.kill()
    slot.start_variant("stopped", **{variants.STOP_AT: f"{moment}:{dice.randrange(3)}"})
    if world.wait_until(slot.is_stopped, DIE_SECONDS):
        time.sleep(SESSION_SECONDS + dice.uniform(1, 4))
    slot.signal(signal.SIGCONT)
    time.sleep(dice.uniform(1, 3))
    slot.signal(signal.SIGKILL)


@mishap("workers come and go in a storm", "workers", 2)
def storm(world: World, dice: Random) -> None:
    for _ in range(dice.randint(4, 8)):
        slot = world.slot(dice)
        dice.choice((slot.kill, slot.leave))()
        time.sleep(dice.uniform(0, 0.5))
        slot.start()
        time.sleep(dice.uniform(0, 1.5))


@mishap("all workers killed at once", "workers", 2)
def all_killed(world: World, dice: Random) -> None:
    for slot in world.slots:
        slot.signal(signal.SIGKILL)
    time.sleep(dice.uniform(0, 2))


def _no_other_clock(_: World) -> str:
    return "" if shutil.which("faketime") else "faketime is not installed"


@mishap("clock set back between two starts", "workers", 2, _no_other_clock)
def clock_set_back(world: World, dice: Random) -> None:
    slot = world.slot(dice)
    slot.kill()
    slot.start(**other_clock(f"-{dice.randint(1, 20)}h"))
    time.sleep(dice.uniform(4, 8))
    slot.signal(signal.SIGKILL)


def other_clock(offset: str) -> dict[str, str]:
    """The environment in which a process sees another time of day. Time still passes as it does."""
    said = subprocess.run(["faketime", "-f", offset, "env"], capture_output=True, text=True, check=True).stdout
    found = dict(line.split("=", 1) for line in said.splitlines() if line.startswith(("LD_PRELOAD=", "FAKETIME=")))
    return found | {"FAKETIME_DONT_FAKE_MONOTONIC": "1"}


@mishap("retention overtakes the stopped workers", "workers", 1)
def overtaken(world: World, dice: Random) -> None:
    feed, partition = dice.choice(world.feeds), dice.randrange(PARTITIONS)
    with feed.lock:
        for slot in world.slots:
            slot.kill()
        place = feed.uuid, partition
        stored = world.watch.stored(place)
        if not world.wait_until(lambda: world.watch.ends().get(place, 0) > stored + 1, HELD_SECONDS) or not stored:
            for slot in world.slots:
                slot.start()
            return
        behind = stored + 1 + dice.randrange(world.watch.ends()[place] - stored - 1)
        with (world.history / "gone.csv").open("a") as file:
            file.write(f"{feed.uuid},{partition},{stored},{behind}\n")
        feed.keep_log()
        topic = TopicPartition(feed.site.events_topic, partition)
        world.ask(lambda client: client.delete_records({topic: behind}))
        for slot in world.slots:
            slot.start()
        others = {other: end for other, end in world.watch.ends().items() if other != place}
        if not world.wait_until(lambda: world.watch.has(others), HELD_SECONDS):
            raise AssertionError(f"a gap of {feed.site.id} keeps other partitions waiting")
        if world.watch.stored(place) != stored:
            raise AssertionError(f"{feed.site.id} went on behind a gap that nobody accepted")
        world.command("site", "accept-gap", feed.site.id)


@mishap("topic made again while no worker runs", "workers", 1)
def remade_unseen(world: World, dice: Random) -> None:
    feed = dice.choice(world.feeds)
    with feed.lock:
        world.empty(feed)
        for slot in world.slots:
            slot.kill()
        feed.make_again()
        feed.start()
        if dice.random() < 0.5:
            feed.flood()  # so that the new topic is longer than the old one was
        time.sleep(dice.uniform(0, 3))
        for slot in world.slots:
            slot.start()
