"""The workers of a run, kept running as a supervisor would: one that ended is started again a moment later.

What happens to them is tests/faults/mishaps_of_workers.py's.
"""

import signal
import subprocess
import threading
import time
from collections import Counter
from pathlib import Path

from lake.home import Home
from tests.faults import variants
from tests.worker_processes import Worker

REAL = ("-m", "b12.cli", "worker")
PAUSE_SECONDS = 1.0
"""Between a worker's end and its next start."""
LEAVE_SECONDS = 60
"""That a worker may take to end when it is asked to."""


class Slot:
    """The place of one worker."""

    def __init__(self, home: Home, number: int) -> None:
        self._home, self.number = home, number
        self._lock = threading.RLock()
        self._worker: Worker | None = None
        self._ended_at = 0.0
        self._wanted = self._closed = False
        self.ends: Counter[int] = Counter()
        """Exit codes of workers that ended and were started again; -9 is a SIGKILL of ours."""

    def start(self, program: tuple[str, ...] = REAL, **settings: str) -> None:
        """Have a worker from now on; the next ones, after its end, are real ones without settings."""
        with self._lock:
            self._wanted = not self._closed
            if self._wanted and self.has_ended():
                self._ended_at = 0.0
                self._worker = Worker(self._home, program, SUPERVISOR_PROCESS_NAME=f"worker-{self.number}", **settings)

    def start_variant(self, name: str, **settings: str) -> None:
        """The same with a worker of tests/faults/variants.py."""
        self.start(("-m", variants.__name__, name), **settings)

    def keep(self) -> None:
        """Start a worker again that ended; to be called often."""
        with self._lock:
            if not self._wanted or self._worker is None or self._worker.process.poll() is None:
                return
            now = time.monotonic()
            if not self._ended_at:
                self._ended_at = now
                self.ends[self._worker.process.returncode] += 1
            elif now - self._ended_at > PAUSE_SECONDS:
                self.start()

    def kill(self) -> None:
        """End the worker where it stands, and start no other."""
        with self._lock:
            self._wanted = False
            if self._worker is not None:
                self._worker.kill()

    def close(self) -> None:
        """End the worker, and start none ever again."""
        self._closed = True
        self.kill()

    def leave(self) -> None:
        """Ask the worker to end, and start no other."""
        with self._lock:
            self._wanted, worker = False, self._worker
        if worker is not None and worker.process.poll() is None:
            worker.process.send_signal(signal.SIGTERM)
            try:
                worker.process.wait(LEAVE_SECONDS)
            except subprocess.TimeoutExpired:
                raise RuntimeError(f"a worker does not end when asked; its log: {worker.log}") from None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, if there is somebody to take it."""
        with self._lock:
            if self._worker is not None and self._worker.process.poll() is None:
                self._worker.process.send_signal(number)

    def has_ended(self) -> bool:
        with self._lock:
            return self._worker is None or self._worker.process.poll() is not None

    def is_stopped(self) -> bool:
        """Whether a SIGSTOP holds it."""
        with self._lock:
            if self.has_ended() or self._worker is None:
                return False
            stat = Path(f"/proc/{self._worker.process.pid}/stat").read_text()
            return stat.rpartition(")")[2].split()[0] == "T"
