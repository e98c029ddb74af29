"""DAGSTER_HOME: its settings, and the runs that a crash left behind.

What Dagster runs belongs to `pipelines`.
"""

import sqlite3
from contextlib import closing
from importlib import resources

from lake.home import Home

_UNFINISHED = ("STARTING", "STARTED", "CANCELING")


def prepare(home: Home) -> None:
    """Write the settings if there are none, and fail the runs that can no longer be running.

    Call it while neither the daemon nor its runs are alive: such a run would hold the only place in the queue.
    """
    settings = home.dagster / "dagster.yaml"
    if not settings.exists():
        settings.write_text(resources.files(__package__).joinpath("dagster.yaml").read_text())
    if _count_unfinished(home):
        _fail_unfinished(home)


def _count_unfinished(home: Home) -> int:
    """Asked of SQLite itself: to import Dagster costs seconds, and there is hardly ever such a run."""
    path = home.dagster / "history" / "runs.db"
    if not path.exists():
        return 0
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        marks = ", ".join("?" for _ in _UNFINISHED)
        found = database.execute(f"select count(*) from runs where status in ({marks})", _UNFINISHED)
        return int(found.fetchone()[0])


def _fail_unfinished(home: Home) -> None:
    from dagster import DagsterInstance, DagsterRunStatus, RunsFilter

    with DagsterInstance.from_config(str(home.dagster)) as instance:
        unfinished = [DagsterRunStatus(status) for status in _UNFINISHED]
        for run in instance.get_runs(RunsFilter(statuses=unfinished)):
            if "b12/in-process" not in run.tags:
                instance.report_run_failed(run, "The stack was stopped, or the machine, while this run was going.")
