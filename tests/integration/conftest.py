"""Fixtures of tests that run real worker processes on the run's broker.

Imports stand inside: pytest reads this file before it knows which warnings of kafka-python to pass over.
"""

import pytest


@pytest.fixture
def intake_home(kafka_home, tmp_path):
    """A home of this test's own on the run's broker."""
    from tests.worker_processes import new_home

    return new_home(kafka_home, tmp_path / "home")


@pytest.fixture
def start_worker(intake_home):
    """`start_worker(**environment)` starts a worker of `intake_home`; all of them end with the test."""
    from tests.worker_processes import started

    yield from started(intake_home, [])


@pytest.fixture(scope="module")
def running(kafka_home, tmp_path_factory):
    """A home with one worker that runs for all tests of a module: `home` and `worker`."""
    from tests.worker_processes import new_home, started

    home = new_home(kafka_home, tmp_path_factory.mktemp("running"))
    for start in started(home, []):
        worker = start()
        worker.wait_for("started")
        yield home, worker
