"""Pid files that cannot go stale: a process of the stack holds a lock on its own for as long as it lives.

Which programs there are does not belong here.
"""

import fcntl
import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from lake.home import Home

TERM_SECONDS = 40
"""What a program gets to end by itself; Kafka and a worker want to close what they have open."""


def hold(home: Home, name: str) -> bool:
    """Make this process the one `name` of the home until it ends; False when another process is that already.

    The lock outlives `exec`, and nothing but the end of the process gives it up: not a crash, not SIGKILL.
    """
    descriptor = os.open(_path(home, name), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return False
    os.ftruncate(descriptor, 0)
    os.write(descriptor, f"{os.getpid()}\n".encode())
    os.set_inheritable(descriptor, True)
    return True


def alive(home: Home, name: str) -> int | None:
    """The process id of the running `name`; None when there is none, whatever an old pid file says."""
    try:
        descriptor = os.open(_path(home, name), os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        text = os.read(descriptor, 32).strip()
        return int(text) if text else None
    else:
        return None
    finally:
        os.close(descriptor)


def running(home: Home) -> dict[str, int]:
    """Every living process of the home's stack, by name."""
    names = sorted(path.stem for path in home.run.glob("*.pid")) if home.run.is_dir() else []
    return {name: pid for name in names if (pid := alive(home, name))}


def stop(home: Home, name: str, seconds: float = TERM_SECONDS) -> None:
    """End `name` and its children: asked first, killed when it takes longer than `seconds`."""
    pid = alive(home, name)
    if pid is None:
        return
    _signal_group(pid, signal.SIGTERM)
    end = time.monotonic() + seconds
    while alive(home, name):
        if time.monotonic() > end:
            _signal_group(pid, signal.SIGKILL)
            end = time.monotonic() + seconds
        time.sleep(0.05)
    _signal_group(pid, signal.SIGKILL)  # children that outlived their parent


def forget_ended(home: Home, name: str = "*") -> None:
    """Remove the pid files of processes that are gone (of `name`, or all), and end what children they left behind."""
    for path in home.run.glob(f"{name}.pid"):
        if alive(home, path.stem) is None:
            _end_children(home, path.read_text().strip())
            path.unlink(missing_ok=True)


def _end_children(home: Home, group: str) -> None:
    """Kill what is left of a group whose leader is gone, if it is ours: Dagster's code servers outlive a SIGKILL.

    A number alone proves nothing, as it may be another program's by now; the environment, inherited, does. Where
    there is no /proc, such a child ends by itself when it misses its parent's heartbeat, within a minute.
    """
    ours = f"B12_HOME={home.path}".encode()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError):  # it ended meanwhile, or is another user's
            if str(os.getpgid(int(process.name))) == group and ours in (process / "environ").read_bytes().split(b"\0"):
                os.kill(int(process.name), signal.SIGKILL)


def _signal_group(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):  # each program leads a group of its own
        os.killpg(pid, number)


def _path(home: Home, name: str) -> Path:
    return home.run / f"{name}.pid"
