"""A file system of the lake's own, that can be full and that can be read-only; seen by one process and its children.

It needs a mount namespace, which root has everywhere and others on most machines; where not, `reason` says so and
whoever runs the faults says it too. What is done to it belongs to tests/faults/mishaps_of_lake.py.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

SIZE = "4g"
"""At most; a tmpfs takes what its files need."""
BUSY_SECONDS = 60
"""For how long a mount may be kept busy: a worker that was put to sleep in the middle of a write keeps it so."""


def unshare() -> list[str]:
    """The command that gives its argument a mount namespace of its own."""
    return ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--mount", "--map-root-user"]


@cache
def reason() -> str:
    """Why no file system can be mounted here; empty when it can."""
    if sys.platform != "linux" or not shutil.which("unshare"):
        return "there is no unshare(1) here"
    tried = subprocess.run([*unshare(), "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, check=False)
    return "" if tried.returncode == 0 else "this user may not mount anything here: run as root"


class Disk:
    """A tmpfs on a directory, for a process that runs in a mount namespace of its own."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = str(directory)
        self._mount("-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs")

    def fill(self, left: int) -> None:
        """Leave room for `left` bytes more. Whoever writes meanwhile takes of it, so each attempt looks anew."""
        self._try(lambda: ("-o", f"remount,size={self._used() + left}"))

    def empty(self) -> None:
        """Have room again."""
        self._mount("-o", f"remount,size={SIZE}")

    def forbid(self) -> None:
        """Let nobody write, not even root."""
        self._mount("-o", "remount,bind,ro")

    def allow(self) -> None:
        self._mount("-o", "remount,bind,rw")

    def remove(self) -> None:
        """Forget it, with all that is on it."""
        subprocess.run(["umount", "--lazy", self._directory], check=True)

    def _used(self) -> int:
        space = os.statvfs(self._directory)
        return (space.f_blocks - space.f_bfree) * space.f_frsize

    def _mount(self, *arguments: str) -> None:
        self._try(lambda: arguments)

    def _try(self, asked: Callable[[], tuple[str, ...]]) -> None:
        end = time.monotonic() + BUSY_SECONDS
        while True:  # while somebody writes, the kernel does not let a mount become read-only
            arguments = asked()
            done = subprocess.run(["mount", *arguments, self._directory], capture_output=True, text=True, check=False)
            if done.returncode == 0:
                return
            if time.monotonic() > end:
                raise RuntimeError(f"mount {' '.join(arguments)}: {done.stderr.strip()}")
            time.sleep(0.01)
