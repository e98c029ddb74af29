"""How long the lake keeps what was replaced, when it was last maintained, and whether that is too long ago.

Maintaining it belongs to lake/maintenance.py.
"""

import os
import time
from datetime import timedelta
from typing import NamedTuple

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from contracts.errors import UsageError
from lake import settings_file
from lake.home import Home
from lake.storage import Storage

RETENTION_HOURS = 48
"""For builds and backups that pinned an older version. More costs every reader: each checkpoint names these files."""
LEAST_HOURS = 24
"""A removal during a slow flush would take files that its commit is about to name."""
LOG_HOURS = 2
"""Entries of the log are cheap to keep and dear to have: every commit and every reader lists them all. A reader that
pinned a version has read its own; a writer that is further behind goes on from a checkpoint."""
OVERDUE_SECONDS = 3 * 86_400
"""The schedule maintains once a night: more than two nights were missed."""


class Kept(NamedTuple):
    """How long what was replaced stays."""

    files: timedelta
    log: timedelta = timedelta(hours=LOG_HOURS)

    def properties(self) -> dict[str, str]:
        """The table's properties that say so."""
        return {
            "delta.deletedFileRetentionDuration": f"interval {round(self.files.total_seconds())} seconds",
            "delta.logRetentionDuration": f"interval {round(self.log.total_seconds())} seconds",
        }


def retention() -> Kept:
    """`B12_LAKE_RETENTION_HOURS`, default two days; UsageError for less than a day."""
    text = os.environ.get("B12_LAKE_RETENTION_HOURS") or str(RETENTION_HOURS)
    if not text.isdecimal() or int(text) < LEAST_HOURS:
        raise UsageError(
            f"B12_LAKE_RETENTION_HOURS: a whole number of hours, at least {LEAST_HOURS}: with less, files could be"
            " removed that a flush under way is about to commit"
        )
    return Kept(timedelta(hours=int(text)))


def record(home: Home) -> None:
    """The lake was maintained now."""
    home.make()
    settings_file.write(home.run / "maintained.toml", {"at": int(time.time())})


def overdue(home: Home, now: float) -> float | None:
    """For how many seconds the lake was not maintained, if that is too long; None when it was, or there is none."""
    try:
        since = float(settings_file.read(home.run / "maintained.toml")["at"])
    except FileNotFoundError:
        begun = _made_at(home)
        if begun is None:
            return None
        since = begun
    return now - since if now - since > OVERDUE_SECONDS else None


def _made_at(home: Home) -> float | None:
    try:
        made = DeltaTable(Storage(home.lake).uri).metadata().created_time
    except DeltaError:
        return None  # there is none, or it cannot be read, which others say better
    return made / 1000 if made else None
