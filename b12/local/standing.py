"""How the whole stands, on one screen: processes, what waits, and what somebody has to do, each thing with its remedy.

What is seen comes from stack.py and backlog.py; printing it is the business of b12/commands/stack.py.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from b12.local.backlog import Backlog, Held
from b12.local.stack import State
from lake import gaps, upkeep, workers
from lake.home import Home
from lake.workers import Worker
from registry.held import read as held_sites

LATE_SECONDS = 300
"""A delivery that has waited for so long should not have to."""


@dataclass(frozen=True)
class Concern:
    """Something that somebody has to look at."""

    what: str
    do: str


def concerns(
    home: Home, states: Sequence[State], found: Sequence[Worker], backlogs: Sequence[Backlog] | None, now: float
) -> list[Concern]:
    """What is to be done, the most pressing first. `backlogs` is None when Kafka did not answer."""
    return [
        *_of_processes(home, states),
        *_of_workers(home, states, found, now),
        *_of_partitions(backlogs or ()),
        *_of_waiting(states, backlogs or (), now),
        *_of_checks(home),
        *_of_upkeep(home, now),
    ]


def _of_processes(home: Home, states: Sequence[State]) -> Iterator[Concern]:
    stopped = [state.process for state in states if state.word == "stopped"]
    if stopped:
        yield Concern(f"not running: {', '.join(stopped)}", "b12 up")
    if any(state.word == "orphaned" for state in states):
        yield Concern("nothing looks after the running processes", "b12 down, then b12 up")
    for state in states:
        if state.word == "given up":
            what = f"{state.process} ended again and again while it started, and was given up"
            yield Concern(what, f"mend what the end of its log names, then b12 up: {_log(home, state.process)}")


def _of_workers(home: Home, states: Sequence[State], found: Sequence[Worker], now: float) -> Iterator[Concern]:
    wanted = {state.process: state for state in states}
    for worker in found:
        told = workers.trouble(worker, now)
        if told and not (worker.name in wanted and wanted[worker.name].word == "stopped"):
            yield Concern(
                f"{worker.name} {told}",
                f"{_after_failures(wanted.get(worker.name))}; its log: {_log(home, worker.name)}",
            )


def _after_failures(state: State | None) -> str:
    if state and state.word == "up":
        return f"it reads again, and counts as well after {workers.WELL_SECONDS // 60} minutes"
    return (
        "nothing is lost, and it is started again by itself, with growing pauses: mend what the reason names (disk,"
        " Kafka, a setting); if that is nothing of yours, b12 down and b12 up"
    )


def _of_partitions(backlogs: Sequence[Backlog]) -> Iterator[Concern]:
    for backlog in backlogs:
        lost = [held for held in backlog.held if held.reason == "gap"]
        if lost:
            ranges = ", ".join(f"{held.wanted} to {held.offered - 1} of partition {held.partition}" for held in lost)
            yield Concern(
                f"{backlog.site}: Kafka deleted offsets {ranges} before they were read", gaps.remedy(lost[0].topic)
            )
        for held in backlog.held:
            if held.reason != "gap":
                yield _held(backlog.site, held)


def _held(site: str, held: Held) -> Concern:
    if held.reason == "no_topic":
        return Concern(f"{site}: its topic {held.topic} is gone", "b12 up makes it again, empty; the lab pushes again")
    return Concern(
        f"{site}: partition {held.partition} ends at offset {held.offered}, and the lake has more, up to {held.wanted}",
        "the broker lost what it had: put its newest data back. Where that is gone for good, delete the topic"
        f" {held.topic}, b12 up makes it anew, and the lab pushes again",
    )


def _of_waiting(states: Sequence[State], backlogs: Sequence[Backlog], now: float) -> Iterator[Concern]:
    late = [b.site for b in backlogs if not b.held and b.oldest_at is not None and now - b.oldest_at > LATE_SECONDS]
    if late and all(state.word == "up" for state in states):
        yield Concern(
            f"deliveries of {', '.join(late)} have waited for over {LATE_SECONDS // 60} minutes",
            "after an outage or a large delivery it passes by itself; if the numbers do not fall, start more workers"
            " (B12_WORKERS) or read the worker's log",
        )


def _of_checks(home: Home) -> Iterator[Concern]:
    for site, state in held_sites(home).items():
        yield Concern(
            f"{site} fails its checks in the last build, {state}",
            "tell the site: its own b12 check on the file finds most causes; the first build that it passes reads on",
        )


def _of_upkeep(home: Home, now: float) -> Iterator[Concern]:
    if (days := upkeep.overdue(home, now)) is not None:
        yield Concern(
            f"the lake was not maintained for {days / 86_400:.0f} days, and gets slower",
            "b12 lake maintain; Dagster does it every night when it runs: look at its schedule nightly_maintenance",
        )


def _log(home: Home, process: str) -> str:
    return str(home.logs / f"{process}.log")
