"""What is known of a worker from its file, and when people hear of it."""

import os
import time

import pytest

from lake import workers
from lake.workers import FAILURES, SILENT_SECONDS, WELL_SECONDS, trouble


def begin(home, name="worker"):
    return workers.begun(home, name, 40_000, "1.0")


def only(home):
    (worker,) = workers.workers(home)
    return worker


def aged(home, seconds, name="worker"):
    """Let the worker have been seen last so many seconds ago."""
    path = home.run / "workers" / f"{name}.toml"
    os.utime(path, (time.time() - seconds,) * 2)


def test_a_worker_is_known_while_it_runs_and_not_after_it_was_asked_to_stop(home):
    worker = begin(home)
    assert (worker.pid, worker.port, worker.restarts, worker.failures) == (os.getpid(), 40_000, 0, 0)
    assert only(home).name == "worker"
    assert trouble(only(home), time.time()) is None
    workers.left(home, worker)
    assert list(workers.workers(home)) == []
    assert begin(home).restarts == 0


def test_one_failure_is_nobodys_business_and_several_in_a_row_are(home):
    for failure in range(1, FAILURES + 1):
        worker = begin(home)
        assert trouble(only(home), time.time()) is None
        workers.failed(home, worker, "the disk is full")
        told = trouble(only(home), time.time())
        assert (told is not None) == (failure == FAILURES)
    assert "3 times in a row" in told
    assert "the disk is full" in told
    again = begin(home)
    assert (again.restarts, again.failures, again.why) == (3, 3, "the disk is full")
    assert trouble(only(home), time.time()) is not None, "it has only just begun again"


def test_a_long_run_makes_a_worker_well(home, monkeypatch):
    for _ in range(FAILURES):
        workers.failed(home, begin(home), "x")
    begin(home)
    later = time.time() + WELL_SECONDS
    workers.alive(home, "worker")
    os.utime(home.run / "workers" / "worker.toml", (later, later))
    assert trouble(only(home), later + 1) is None
    assert begin(home).failures == 1


def test_one_that_was_killed_counts_too_and_silence_is_told(home):
    begin(home)
    aged(home, SILENT_SECONDS + 1)
    assert "no sign of life since" in trouble(only(home), time.time())
    again = begin(home)
    assert (again.restarts, again.failures) == (1, 1)
    assert "killed" in again.why
    begin(home)
    begin(home)
    assert "3 times in a row, last because it was killed" in trouble(only(home), time.time())


def test_one_that_was_given_up_long_ago_is_forgotten(home):
    begin(home)
    aged(home, 8 * 86_400)
    assert list(workers.workers(home)) == []


@pytest.mark.parametrize("name", ["worker-0", "worker-host"])
def test_workers_have_a_file_each(home, name):
    begin(home)
    begin(home, name)
    assert {worker.name for worker in workers.workers(home)} == {"worker", name}


def test_no_torn_file_and_no_second_worker_of_the_name_keeps_one_from_starting(home):
    first = begin(home)
    workers.left(home, first)
    workers.alive(home, first.name)  # another process that took the same name still lives
    assert list(workers.workers(home)) == []
    begin(home)
    for torn in (b"", b'name = "wor', b'name = "worker"\n'):
        (home.run / "workers" / "worker.toml").write_bytes(torn)
        assert list(workers.workers(home)) == []
        assert begin(home).restarts == 0
