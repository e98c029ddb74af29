"""The programs of the local stack: what each is, how it is started, and when it answers.

Keeping them running is the supervisor's business.
"""

import json
import os
import sys
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from b12.local import broker, worker_pages
from b12.local.ports import Ports
from contracts.errors import EnvironmentProblem, UsageError
from lake.home import Home

SUPERVISOR = "supervisor"


class BrokenProgram(EnvironmentProblem):
    """A program that runs but will never answer: to wait longer is no use."""


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
    return ([] if own_cluster else [BROKER]) + [_worker(), DAGSTER_WEB, DAGSTER_DAEMON]


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


def _web_answers(_home: Home) -> bool:
    """The page is there, and what it is to show has loaded; EnvironmentProblem when it cannot load."""
    entries = _query("{workspaceOrError{...on Workspace{locationEntries{locationOrLoadError{__typename}}}}}")
    if entries is None:
        return False
    loaded = [entry["locationOrLoadError"] for entry in entries["workspaceOrError"]["locationEntries"]]
    if any(location and location["__typename"] == "PythonError" for location in loaded):
        raise BrokenProgram("Dagster runs but cannot load its definitions; the error stands in the log dagster-web.log")
    return bool(loaded) and all(loaded)


def _daemon_answers(_home: Home) -> bool:
    """The daemon's own heartbeats, as the web page shows them."""
    health = _query("{instance{daemonHealth{allDaemonStatuses{healthy required}}}}")
    if health is None:
        return False
    required = [s for s in health["instance"]["daemonHealth"]["allDaemonStatuses"] if s["required"]]
    return bool(required) and all(status["healthy"] for status in required)


def _query(query: str) -> Any:
    """What Dagster's web page answers to a GraphQL query; None when it does not answer."""
    url = os.environ.get("B12_DAGSTER_URL") or f"http://127.0.0.1:{Ports.from_env().dagster}"
    body = json.dumps({"query": query}).encode()
    request = urllib.request.Request(f"{url}/graphql", body, {"Content-Type": "application/json"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=5) as response:  # noqa: S310 - our own address
            return json.loads(response.read())["data"]
    except (OSError, ValueError):
        return None


BROKER = Program("broker", "Kafka broker", "broker", broker.command, _broker_answers)
DAGSTER_WEB = Program(
    "dagster-web",
    "Dagster web page",
    "dagster",
    lambda _home: [
        *(sys.executable, "-m", "dagster_webserver", "--host", os.environ.get("B12_DAGSTER_BIND") or "127.0.0.1"),
        *("--port", str(Ports.from_env().dagster), "--module-name", "pipelines.definitions"),
    ],
    _web_answers,
)
DAGSTER_DAEMON = Program(
    "dagster-daemon",
    "Dagster daemon",
    "dagster",
    lambda _home: [sys.executable, "-m", "dagster._daemon", "run", "--module-name", "pipelines.definitions"],
    _daemon_answers,
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
