"""Builds that run in a process of their own (`b12 build`): how they are told from the daemon's, and whether any lives.

Importable without Dagster. What such a build does stands in build.py.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lake.home import Home

TAG = "b12/in-process"
"""On a run that the daemon did not start."""


@contextmanager
def going(home: Home) -> Iterator[None]:
    """Be counted among the builds by hand until this ends, however it ends: the lock goes with the process."""
    with _file(home).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        yield


@contextmanager
def none_begins(home: Home) -> Iterator[bool]:
    """Is no build by hand going? If so, none begins meanwhile. No process id is asked: containers each count theirs."""
    with _file(home).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def _file(home: Home) -> Path:
    return home.run / "by-hand.lock"
