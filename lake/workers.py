"""What each worker process leaves about itself: since when it runs, where it answers, how often and why it ended.

One small file per worker under `run/workers`, touched while the worker lives; it goes when the worker is asked to stop.
Starting a worker again is a supervisor's business, telling people about it that of `b12 status` and of pipelines/.
"""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from contracts.errors import EnvironmentProblem
from lake import settings_file
from lake.home import Home

WELL_SECONDS = 600
"""A worker that has run for so long is well again, whatever was before."""
SILENT_SECONDS = 30
"""A worker touches its file every few seconds."""
FAILURES = 3
"""Ends in a row that nobody asked for, from which on people are told."""
_FORGOTTEN_SECONDS = 7 * 86_400
_KILLED = "it was killed, or the machine stopped; its log may end with a list of where it stood"


@dataclass(frozen=True)
class Worker:
    """One worker, running or ended without having been asked to."""

    name: str
    pid: int
    port: int
    """Of its pages on loopback: /healthz, /readyz and /metrics."""
    version: str
    """Of the software."""
    started_at: int
    """Seconds since 1970."""
    restarts: int = 0
    """Starts after an end that nobody asked for, since it was last stopped in good order."""
    failures: int = 0
    """Such ends in a row before this start, none of which came after a long run."""
    why: str = ""
    """How the last of them came about."""
    ended: bool = False
    """It wrote down itself that it cannot go on."""
    seen_at: float = 0.0
    """When it was last alive: seconds since 1970."""


def own_name() -> str:
    """What this process, or the worker beside it in a container, is called: by its supervisor, else after the host."""
    return os.environ.get("SUPERVISOR_PROCESS_NAME") or f"worker-{socket.gethostname()}"


def begun(home: Home, name: str, port: int, version: str) -> Worker:
    """Record that this process is the worker `name` from now on; what is known of it."""
    path = _path(home, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    worker = Worker(name, os.getpid(), port, version, int(time.time()))
    if before := _read(path):
        well = before.seen_at - before.started_at >= WELL_SECONDS
        worker = replace(
            worker,
            restarts=before.restarts + 1,
            failures=1 if well else before.failures + 1,
            why=before.why if before.ended else _KILLED,
        )
    _write(path, worker)
    return worker


def alive(home: Home, name: str) -> None:
    """Record that the worker lives; another one of that name may have taken its file away."""
    with suppress(FileNotFoundError):
        os.utime(_path(home, name))


def failed(home: Home, worker: Worker, why: str) -> None:
    """Record that the worker cannot go on; `why` holds no reported value."""
    _write(_path(home, worker.name), replace(worker, why=why, ended=True))


def left(home: Home, worker: Worker) -> None:
    """Record that the worker ended because it was asked to."""
    _path(home, worker.name).unlink(missing_ok=True)


def workers(home: Home) -> Iterator[Worker]:
    """Every worker that runs or should, by name."""
    for path in sorted((home.run / "workers").glob("*.toml")):
        worker = _read(path)
        if worker and time.time() - worker.seen_at < _FORGOTTEN_SECONDS:
            yield worker


def trouble(worker: Worker, now: float) -> str | None:
    """What people should hear about a worker, in a sentence; None when there is nothing.

    One end is mended by starting it again and is nobody's business; several in a row are, and so is silence.
    """
    silent = now - worker.seen_at > SILENT_SECONDS
    down = worker.ended or silent
    failures = worker.failures + down
    if failures >= FAILURES and (down or now - worker.started_at < WELL_SECONDS):
        why = worker.why if worker.ended or not down else _KILLED
        return f"ended {failures} times in a row, last because {why}"
    if silent and not worker.ended:
        at = datetime.fromtimestamp(worker.seen_at, UTC).isoformat(sep=" ", timespec="seconds")
        return f"has given no sign of life since {at}"
    return None


def _path(home: Home, name: str) -> Path:
    return home.run / "workers" / f"{name}.toml"


def _write(path: Path, worker: Worker) -> None:
    table = asdict(worker)
    del table["seen_at"]
    settings_file.write(path, table)


def _read(path: Path) -> Worker | None:
    try:
        return Worker(**settings_file.read(path), seen_at=path.stat().st_mtime)
    except (FileNotFoundError, EnvironmentProblem, TypeError):
        return None  # what a worker left about itself may be gone or torn, and must keep none from starting
