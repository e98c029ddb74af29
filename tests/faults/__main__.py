"""`make faults DURATION=seconds SEED=n NODES=1|3`: the intake under fire, then the checker; 1 when anything is wrong.

python -m tests.faults --seconds 60 --seed 7 --nodes 1 --workers 3 --sites 3 --rate 400
"""

import argparse
import os
import shutil
import signal
import sys
import time
from pathlib import Path

from lake.home import Home
from tests.faults import checker, disk, evidence
from tests.faults.patience import patiently
from tests.faults.schedule import Schedule
from tests.faults.world import READ_SECONDS, World

PROGRESS_SECONDS = 5.0
ALONE = "--alone"
"""Says that this process has a mount namespace of its own."""


def main(arguments: argparse.Namespace) -> int:
    """Run, check, and print what was seen."""
    directory = Path(arguments.directory or f"var/faults/{arguments.seed}").absolute()
    shutil.rmtree(directory, ignore_errors=True)
    print(
        f"seed {arguments.seed}, {arguments.seconds} s, {arguments.nodes} brokers, {arguments.workers} workers",
        flush=True,
    )
    if not arguments.alone:
        print(f"  THE DISK IS NOT TOUCHED: {disk.reason()}", flush=True)
    world = World(
        Home(directory),
        nodes=arguments.nodes,
        workers=arguments.workers,
        sites=arguments.sites,
        rate=arguments.rate,
        seed=arguments.seed,
        disk=arguments.alone,
    )
    with world.running():
        schedule = Schedule(world, arguments.seed, arguments.seconds, arguments.faults)
        schedule.start()
        while not schedule.is_over:
            time.sleep(PROGRESS_SECONDS)
            tell(world, schedule)
            schedule.require_progress()
        lasted = schedule.seconds
        settled = settle(world)
        report = checker.check(gather(world))
        code = verdict(world, schedule, report, settled)
    if code and world.disk:
        shutil.copytree(directory / "lake", directory / "lake-found")  # the other one goes with this process
    if world.disk:
        world.disk.remove()
    if code:
        print(f"  left for you to look at: {directory}")
    else:
        shutil.rmtree(directory)
    print(sums(arguments, world, schedule, report, lasted), flush=True)
    return code


def tell(world: World, schedule: Schedule) -> None:
    """A line on how it goes."""
    watch = world.watch
    print(
        f"  {schedule.seconds:7.1f} s  {watch.acknowledged:,} acknowledged, {watch.waiting:,} waiting,"
        f" {len(schedule.done)} faults, longest stall {watch.longest:.1f} s",
        flush=True,
    )


def settle(world: World) -> bool:
    """Let everything come to its end: no producer, all in the lake, all answered. False when it does not."""
    for feed in world.feeds:
        with feed.lock:
            feed.stop()
    log, _ = patiently(lambda: evidence.read_logs(world.kafka(), [feed.site.id for feed in world.feeds]))
    ends = world.watch.ends() | evidence.ends(log)
    stored = world.wait_until(lambda: world.watch.has(ends), READ_SECONDS)
    answered = stored and world.wait_until(lambda: world.is_answered(*world.feeds), READ_SECONDS)
    for slot in world.slots:
        slot.leave()
    world.compaction.close()
    world.command("lake", "maintain")  # erases what came of the erased since; what is looked at now moves no more
    return answered


def gather(world: World) -> evidence.Evidence:
    sites = [feed.site.id for feed in world.feeds]
    return evidence.gather(world.kafka(), sites, world.home.lake, world.home.secret(), world.history)


def verdict(world: World, schedule: Schedule, report: checker.Report, settled: bool) -> int:
    """Print what was found; the exit code."""
    ends = sum((slot.ends for slot in world.slots), start=type(world.slots[0].ends)())
    print(f"\n{schedule.table()}\n\n{report.text()}\n")
    print(f"  workers started again after they ended with: {dict(sorted(ends.items()))}")
    print(f"  compactions that succeeded: {world.compaction.runs}, that failed: {world.compaction.failures}")
    for failure in schedule.failures:
        print(f"  FAILED: {failure}")
    if not settled:
        print(f"  FAILED: not everything was stored and answered within {READ_SECONDS} s of the end")
    return 0 if report.is_clean and settled and not schedule.failures else 1


def sums(arguments: argparse.Namespace, world: World, schedule: Schedule, report: checker.Report, lasted: float) -> str:
    """The last line."""
    found = " ".join(f"{name}={count}" for name, count in report.found.items())
    return (
        f"seed={arguments.seed} nodes={arguments.nodes} seconds={lasted:.0f}"
        f" acknowledged={report.acknowledged} rows={report.rows} faults={schedule.counted} {found}"
        f" longest_stall={world.watch.longest:.1f}s"
    )


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--faults", type=int, default=0, help="go on beyond the seconds until so many count")
    parser.add_argument("--seed", default=str(int(time.time())))
    parser.add_argument("--nodes", type=int, choices=(1, 3), default=1)
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--sites", type=int, default=3)
    parser.add_argument("--rate", type=float, default=400, help="events a second, of all sites")
    parser.add_argument("--directory", help="var/faults/SEED unless given")
    parser.add_argument(ALONE, action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def interrupted(number: int, _: object) -> None:
    signal.signal(number, signal.SIG_IGN)  # a second one must not break off the ending of what was started
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, interrupted)  # whoever stops a run leaves no process behind
    given = parsed()
    if not given.alone and not disk.reason():
        again = [*disk.unshare(), sys.executable, "-m", "tests.faults", *sys.argv[1:], "--seed", given.seed, ALONE]
        os.execvp(again[0], again)
    sys.exit(main(given))
