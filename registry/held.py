"""The sites that the last build did not read to their end: how many deliveries wait, and which checks they fail.

A release says the same of its own build; this file is written by each build, also by one that publishes nothing.
Who is held is decided in pipelines/gate.py.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from contracts.errors import EnvironmentProblem
from lake import settings_file
from lake.home import Home


class HeldSite(msgspec.Struct, frozen=True):
    """A site of the last build that fails its checks."""

    waiting: int
    """Deliveries that no release has judged."""
    because: str
    """The checks by table and name, after `left out: ` when nothing of the site is read."""

    def __str__(self) -> str:
        return f"{self.waiting:,} waiting: {self.because}"


class _Build(msgspec.Struct, frozen=True):
    built: datetime
    sites: dict[str, HeldSite]


_decode = msgspec.json.Decoder(_Build).decode


def write(home: Home, waiting: Mapping[str, int], because: Mapping[str, str]) -> None:
    """Say in one step how the sites stand after a build, also that none is held. Call it inside `release.exclusive`."""
    sites = {site: HeldSite(waiting.get(site, 0), because[site]) for site in sorted(because)}
    found = _Build(datetime.now(UTC).replace(microsecond=0), sites)
    settings_file.write_bytes(_path(home), msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n")


def read(home: Home) -> dict[str, HeldSite]:
    """The sites held or left out by the last build; empty before the first. EnvironmentProblem when it is damaged."""
    try:
        return _decode(_path(home).read_bytes()).sites
    except FileNotFoundError:
        return {}
    except (msgspec.MsgspecError, OSError) as error:
        raise EnvironmentProblem(
            f"{_path(home)} cannot be read ({type(error).__name__}); `b12 build` writes it again"
        ) from None


def _path(home: Home) -> Path:
    return home.run / "held.json"
