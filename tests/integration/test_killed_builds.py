"""Builds whose process was killed are failed when the stack starts again, and no build that still goes is touched."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest

from b12.local import dagster_home
from lake.home import Home
from pipelines import by_hand

BY_HAND = """
import sys, time
from lake.home import Home
from pipelines import by_hand
with by_hand.going(Home(sys.argv[1])):
    print("going", flush=True)
    time.sleep(60)
"""
CODE_SERVER = """
import subprocess, sys, time
from b12.local import dagster_home, processes
from lake.home import Home
processes.hold(Home(sys.argv[1]), dagster_home.CODE)
run = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], stdout=subprocess.DEVNULL)
print(run.pid, flush=True)
time.sleep(60)
"""
STARTED_AGAIN = """
import os, sys
from b12.local import dagster_home, launch
os.execv = lambda *command: print("started")
launch.main(dagster_home.CODE)
"""


@pytest.fixture
def instance(home: Home) -> Iterator[dg.DagsterInstance]:
    dagster_home.write_settings(home)
    with dg.DagsterInstance.from_config(str(home.dagster)) as instance:
        yield instance


@dg.job(name="build")
def build() -> None: ...


def going(instance: dg.DagsterInstance, **tags: str) -> str:
    return instance.create_run_for_job(build, tags=tags, status=dg.DagsterRunStatus.STARTED).run_id


def failed(instance: dg.DagsterInstance) -> set[str]:
    return {run.run_id for run in instance.get_runs() if run.status == dg.DagsterRunStatus.FAILURE}


@contextmanager
def running(program: str, home: Home) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """The program in a process of its own and the first line that it says; killed at the end."""
    environment = {**os.environ, "B12_HOME": str(home.path)}
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(home.path)],
        stdout=subprocess.PIPE,
        start_new_session=True,
        env=environment,
    )
    assert process.stdout
    with process:
        try:
            yield process, process.stdout.readline().decode().strip()
        finally:
            process.kill()


def test_a_build_by_hand_is_failed_when_none_is_going(home: Home, instance: dg.DagsterInstance) -> None:
    under_code_server, by_hand_run = going(instance), going(instance, **{by_hand.TAG: "true"})
    with running(BY_HAND, home) as (_, told):
        assert told == "going"
        dagster_home.fail_unfinished(home, code_server_runs=False)
        assert failed(instance) == set()
        dagster_home.fail_unfinished(home)
        assert failed(instance) == {under_code_server}
    dagster_home.fail_unfinished(home, code_server_runs=False)
    assert failed(instance) == {under_code_server, by_hand_run}
    assert dagster_home.count_unfinished(home) == 0


def test_a_code_server_that_is_started_again_ends_and_fails_what_the_killed_one_ran(
    home: Home, instance: dg.DagsterInstance
) -> None:
    run_id = going(instance)
    with running(CODE_SERVER, home) as (code_server, child):
        assert (home.run / f"{dagster_home.CODE}.pid").read_text().strip() == str(code_server.pid)
        with running(STARTED_AGAIN, home) as (_, told):
            assert told == ""  # it runs, so another is not started, and its runs are let be
        assert failed(instance) == set()
        code_server.kill()
        code_server.wait()
        with running(STARTED_AGAIN, home) as (_, told):
            assert told == "started"
        assert not is_running(int(child))
    assert failed(instance) == {run_id}
    [record] = instance.all_logs(run_id, of_type=dg.DagsterEventType.RUN_FAILURE)
    assert record.message.endswith("it was killed, or the stack or the machine was stopped.")


def is_running(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except FileNotFoundError:
        return False
