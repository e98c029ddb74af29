"""One run of `b12 demo` for every test that looks at what it leaves: the stack stays up until the tests end.

Tests must leave its release as it is; whoever stops the stack must be the last to want it.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from b12.demo.cohort import CUT_OFF
from b12.local.ports import free_ports
from lake.home import Home

_PORTS = ("B12_SITE_PORT", "B12_INTERNAL_PORT", "B12_CONTROLLER_PORT", "B12_DAGSTER_PORT")


class Demonstration(NamedTuple):
    """A demonstration that has run."""

    home: Home
    environment: dict[str, str]
    """What names its ports."""
    printed: str
    """What the first run said."""

    def b12(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command on its ports."""
        return _b12(words, self.environment)


def started(directory: Path) -> Iterator[Demonstration]:
    """Body of the fixture `demo`: whatever happens, the stack is stopped at the end."""
    home = Home(directory / "home")
    environment = os.environ | dict(zip(_PORTS, map(str, free_ports(4)), strict=True))
    environment["B12_CUT_OFF"] = CUT_OFF.isoformat()  # a build by hand is as of the demonstration's day too
    try:
        done = _b12(("demo", "--home", str(home.path)), environment)
        assert done.returncode == 0, done.stdout + done.stderr
        yield Demonstration(home, environment, done.stdout)
    finally:
        _b12(("--home", str(home.path), "down"), environment)


def _b12(words: tuple[str, ...], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "b12.cli", *words],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=400,
    )
