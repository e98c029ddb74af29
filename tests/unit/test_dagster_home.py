"""What is asked of Dagster's store without loading Dagster."""

import sqlite3
from contextlib import closing

import dagster as dg

from b12.local import dagster_home


def test_its_tables_are_there_once_their_version_is_stamped(home):
    assert not dagster_home.has_tables(home)
    (home.dagster / "schedules").mkdir(parents=True)
    with closing(sqlite3.connect(home.dagster / "schedules" / "schedules.db")) as database:
        database.execute("create table jobs (id integer)")
        assert not dagster_home.has_tables(home)
        database.execute("create table alembic_version (version_num text)")
        assert not dagster_home.has_tables(home)


def test_a_store_whose_tables_were_not_made_has_no_run(home):
    (home.dagster / "history").mkdir(parents=True)
    with closing(sqlite3.connect(home.dagster / "history" / "runs.db")) as database:
        database.execute("create table alembic_version (version_num text)")
    assert dagster_home.count_unfinished(home) == 0


def test_dagster_makes_the_tables_where_they_are_looked_for(home):
    dagster_home.write_settings(home)
    with dg.DagsterInstance.from_config(str(home.dagster)):
        assert dagster_home.has_tables(home)
