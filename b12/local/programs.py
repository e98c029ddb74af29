"""The programs of the local stack: what each is, how it is started, and when it answers.

Keeping them running is the supervisor's business.
"""

import os
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass

from b12.local import broker, dagster_home, dagster_web, sockets, worker_pages
from b12.local.ports import Ports
from contracts.errors import UsageError
from lake.home import Home

SUPERVISOR = "supervisor"


@dataclass(frozen=True)
class Program:
    """One kind of process of the stack."""

    name: str
    title: str
    part: str
    """What `b12 up --only` calls it."""
    command: Callable[[Home], list[str]]
    answers: Callable[[Home], bool]
    count: int = 1
    well_after: int = 3
    """Seconds: one that ends earlier failed to start, and is started again after a pause that grows by a second."""
    tries: int = 3
    """How often that is done before it is given up."""

    @property
    def processes(self) -> list[str]:
        """The names of its processes, each with a pid file and a log of that name."""
        return [self.name] if self.count == 1 else [f"{self.name}-{n}" for n in range(self.count)]


def programs() -> list[Program]:
    """The stack in the order in which it starts. With a cluster of one's own (`B12_BROKERS`) it has no broker."""
    own_cluster = bool(os.environ.get("B12_BROKERS"))
    hook = [ALERT_WEBHOOK] if os.environ.get("B12_ALERT_WEBHOOK_URL") else []
    return ([] if own_cluster else [BROKER]) + [_worker(), *hook, DAGSTER_CODE, DAGSTER_WEB, DAGSTER_DAEMON]


def of_part(part: str | None) -> list[Program]:
    """The programs of one part of the stack, or all; UsageError for an unknown part."""
    chosen = [program for program in programs() if part in (None, program.part)]
    if not chosen:
        parts = ", ".join(dict.fromkeys(program.part for program in programs()))
        raise UsageError(f"--only {part}: the parts of this stack are {parts}")
    return chosen


def of_process(process: str) -> Program:
    """The program that a process name belongs to."""
    for program in programs():
        if process in program.processes:
            return program
    raise UsageError(
        f"{process}: the processes of this stack are {', '.join(p for q in programs() for p in q.processes)}"
    )


def _worker_count() -> int:
    text = os.environ.get("B12_WORKERS") or "1"
    if not text.isdecimal() or not 1 <= int(text) <= 64:
        raise UsageError("B12_WORKERS: a whole number from 1 to 64")
    return int(text)


def _broker_answers(home: Home) -> bool:
    from b12 import admin

    return admin.reachable(home.internal_kafka())


def _workers_answer(home: Home) -> bool:
    return all(not worker_pages.why_not_ready(home, name) for name in _worker().processes)


def _code_answers(home: Home) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(sockets.path(home, dagster_home.CODE))) == 0


def _looking_at_code(home: Home, *words: str) -> list[str]:
    """A command of Dagster's that shows or runs what the code server has loaded.

    That it is not there yet is no news at a start, and what it cannot load stands in its own log.
    """
    quiet = ("-W", "ignore:Error loading repository location:UserWarning")
    return [sys.executable, *quiet, "-m", *words, "--workspace", str(dagster_home.workspace(home))]


BROKER = Program("broker", "Kafka broker", "broker", broker.command, _broker_answers)
DAGSTER_CODE = Program(
    dagster_home.CODE,
    "Dagster code server",
    "dagster",
    lambda home: [
        *(sys.executable, "-m", "dagster", "code-server", "start", "--log-level", "warning"),
        *("--socket", str(sockets.path(home, dagster_home.CODE)), "--module-name", dagster_home.LOCATION),
    ],
    _code_answers,
)
"""Loads the definitions once, for the page and the daemon alike, and again when a site is added; runs are its own."""
DAGSTER_WEB = Program(
    dagster_web.PROCESS,
    "Dagster web page",
    "dagster",
    lambda home: [
        *_looking_at_code(home, "dagster_webserver"),
        *("--host", os.environ.get("B12_DAGSTER_BIND") or "127.0.0.1", "--port", str(Ports.from_env().dagster)),
    ],
    dagster_web.has_loaded,
)
DAGSTER_DAEMON = Program(
    "dagster-daemon",
    "Dagster daemon",
    "dagster",
    lambda home: _looking_at_code(home, "dagster._daemon", "run"),
    dagster_web.daemon_is_well,
)
ALERT_WEBHOOK = Program(
    "alert-webhook",
    "alert webhook",
    "alert-webhook",
    lambda _home: [sys.executable, "-m", "b12.cli", "alert-webhook"],
    lambda _home: True,  # whether anybody takes what it posts is not ours to wait for
    well_after=30,
    tries=1000,
)


def _worker() -> Program:
    return Program(
        "worker",
        "worker",
        "worker",
        lambda _home: [sys.executable, "-m", "b12.cli", "worker"],
        _workers_answer,
        _worker_count(),
        # Longer than what the watchdog takes to find that a new worker is stuck too. It is never given up: a cluster
        # that was away for a night finds its workers when it comes back.
        well_after=60,
        tries=1000,
    )
