"""The one compaction process of a run: `b12 lake maintain`, again and again.

What happens to it is tests/faults/mishaps_of_lake.py's.
"""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from lake.home import Home

MAINTAIN_SECONDS = 5.0
"""Between the starts of two compactions."""


class Compaction:
    """`b12 lake maintain`, again and again."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._lock = threading.RLock()
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._closed = False
        self.failures = 0
        """Runs that ended with another exit code than 0 and by no SIGKILL."""
        self.runs = 0

    def keep(self) -> None:
        """Start the next when it is time."""
        with self._lock:
            if self._process is not None and self._process.poll() is None:
                return
            self._count()
            if time.monotonic() - self._started_at > MAINTAIN_SECONDS:
                self.start()

    def start(self, **settings: str) -> None:
        """Start one now, if none is under way."""
        with self._lock:
            if self._closed or (self._process is not None and self._process.poll() is None):
                return
            self._count()
            self._started_at = time.monotonic()
            self._process = one_compaction(self._home, self._home.logs / "compaction.log", **settings)

    def kill(self) -> bool:
        """End it where it stands; whether there was one."""
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                return False
            self._process.kill()
            self._process.wait()
            return True

    def close(self) -> None:
        """End it, and start none ever again."""
        self._closed = True
        self.kill()

    def _count(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            self.runs += process.returncode == 0
            self.failures += process.returncode not in (0, -9)


def one_compaction(home: Home, log: Path, **settings: str) -> "subprocess.Popen[bytes]":
    """One `b12 lake maintain`."""
    with log.open("ab") as file:
        return subprocess.Popen(
            [sys.executable, "-m", "b12.cli", "lake", "maintain"],
            env={**os.environ, "B12_HOME": str(home.path), **settings},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
        )
