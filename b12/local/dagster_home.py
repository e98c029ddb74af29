"""DAGSTER_HOME: its settings, and the runs that a crash left behind.

What Dagster runs belongs to `pipelines`.
"""

import json
import sqlite3
from contextlib import closing
from importlib import resources
from pathlib import Path

from b12.local import sockets
from lake.home import Home
from pipelines import by_hand

CODE = "dagster-code"
"""The process that serves the definitions, and under which runs are started."""
LOCATION = "pipelines.definitions"
"""Dagster's name of what is served; sensors' cursors are kept under it."""
ENDED = "This run's process ended before the run did: it was killed, or the stack or the machine was stopped."
_UNFINISHED = ("STARTING", "STARTED", "CANCELING")


def write_settings(home: Home) -> None:
    """Write DAGSTER_HOME's settings unless there are some, and where the definitions are served."""
    settings = home.dagster / "dagster.yaml"
    if not settings.exists():
        settings.write_text(resources.files(__package__).joinpath("dagster.yaml").read_text())
    server = {"socket": str(sockets.path(home, CODE)), "location_name": LOCATION}
    workspace(home).write_text(json.dumps({"load_from": [{"grpc_server": server}]}))  # JSON is YAML too


def workspace(home: Home) -> Path:
    """The file that tells the page and the daemon where the definitions are served."""
    return home.dagster / "workspace.yaml"


def has_tables(home: Home) -> bool:
    """Whether Dagster's tables are made. Several of its processes that make them at once can break them for good: each
    stamps its version on them. These are the last that it makes.
    """
    path = home.dagster / "schedules" / "schedules.db"
    if not path.exists():
        return False
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        try:
            return database.execute("select 1 from alembic_version").fetchone() is not None
        except sqlite3.OperationalError:  # they are being made
            return False


def fail_unfinished(home: Home, *, code_server_runs: bool = True) -> None:
    """Fail the runs whose process is gone; each would hold the only place in the queue for a day.

    Every run under the code server is dead when that is, which the caller knows; those of `b12 build` know it of
    themselves, and while one of them lives, all of them are left alone.
    """
    if not count_unfinished(home):
        return
    from dagster import DagsterInstance, DagsterRunStatus, RunsFilter

    with DagsterInstance.from_config(str(home.dagster)) as instance:
        unfinished = [DagsterRunStatus(status) for status in _UNFINISHED]
        with by_hand.none_begins(home) as none_by_hand:
            for run in instance.get_runs(RunsFilter(statuses=unfinished)):
                if none_by_hand if by_hand.TAG in run.tags else code_server_runs:
                    instance.report_run_failed(run, ENDED)


def count_unfinished(home: Home) -> int:
    """How many runs are going. Asked of SQLite itself: to import Dagster costs seconds."""
    path = home.dagster / "history" / "runs.db"
    if not path.exists():
        return 0
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        if database.execute("select 1 from sqlite_master where name = 'runs'").fetchone() is None:
            return 0  # it was stopped while it made its tables
        marks = ", ".join("?" for _ in _UNFINISHED)
        found = database.execute(f"select count(*) from runs where status in ({marks})", _UNFINISHED)
        return int(found.fetchone()[0])
