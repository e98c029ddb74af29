"""DAGSTER_HOME: its settings, and the runs that a crash left behind.

What Dagster runs belongs to `pipelines`.
"""

import sqlite3
from contextlib import closing
from importlib import resources

from lake.home import Home

IN_PROCESS_TAG = "b12/in-process"
"""On a run that the daemon did not start."""
_UNFINISHED = ("STARTING", "STARTED", "CANCELING")


def write_settings(home: Home) -> None:
    """Write DAGSTER_HOME's settings unless there are some."""
    settings = home.dagster / "dagster.yaml"
    if not settings.exists():
        settings.write_text(resources.files(__package__).joinpath("dagster.yaml").read_text())


def fail_unfinished(home: Home) -> None:
    """Fail the runs that a crash left unfinished; each would hold the only place in the queue.

    Call it while the daemon, and so every run it started, is dead. A run of `b12 build` has a process of its own,
    and says so by its tag.
    """
    if not count_unfinished(home):
        return
    from dagster import DagsterInstance, DagsterRunStatus, RunsFilter

    with DagsterInstance.from_config(str(home.dagster)) as instance:
        unfinished = [DagsterRunStatus(status) for status in _UNFINISHED]
        for run in instance.get_runs(RunsFilter(statuses=unfinished)):
            if IN_PROCESS_TAG not in run.tags:
                instance.report_run_failed(run, "The stack was stopped, or the machine, while this run was going.")


def count_unfinished(home: Home) -> int:
    """How many runs are going. Asked of SQLite itself: to import Dagster costs seconds."""
    path = home.dagster / "history" / "runs.db"
    if not path.exists():
        return 0
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        marks = ", ".join("?" for _ in _UNFINISHED)
        found = database.execute(f"select count(*) from runs where status in ({marks})", _UNFINISHED)
        return int(found.fetchone()[0])
