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

from b12.local import broker
from b12.local.ports import Ports
from contracts.errors import UsageError
from lake.home import WORKER_GROUP, Home

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
    """All workers are members of their group, and the group has dealt out its partitions."""
    from b12 import admin

    with admin.connect(home.internal_kafka()) as client:
        group = client.describe_groups([WORKER_GROUP])[WORKER_GROUP]
        return group["group_state"] == "Stable" and len(group["members"]) >= _worker_count()


def _web_answers(_home: Home) -> bool:
    return _ask_dagster("/server_info") is not None


def _daemon_answers(_home: Home) -> bool:
    """The daemon's own heartbeats, as the web page shows them."""
    query = "{instance{daemonHealth{allDaemonStatuses{healthy required}}}}"
    answer = _ask_dagster("/graphql", json.dumps({"query": query}).encode())
    if answer is None:
        return False
    statuses = answer["data"]["instance"]["daemonHealth"]["allDaemonStatuses"]
    required = [status for status in statuses if status["required"]]
    return bool(required) and all(status["healthy"] for status in required)


def _ask_dagster(path: str, body: bytes | None = None) -> Any:
    """The web page's JSON answer; None when there is none."""
    url = os.environ.get("B12_DAGSTER_URL") or f"http://127.0.0.1:{Ports.from_env().dagster}"
    request = urllib.request.Request(url + path, body, {"Content-Type": "application/json"})  # noqa: S310 - our own
    try:
        with urllib.request.urlopen(request, timeout=5) as response:  # noqa: S310
            return json.loads(response.read())
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
    )
