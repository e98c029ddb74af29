"""Fixtures that every layer of tests shares; above all one real Kafka broker for a whole run.

For an integration test, take `kafka_home`: a fresh home whose broker answers. It is shared by all tests of a run, so
take site names that no other test uses (or ask `new_site_id` for one) and judge only your own topics.

    def test_a_push_arrives(kafka_home, add_site):
        site = add_site("BLR01", time_zone="Asia/Kolkata")      # a contracts.site.Site; its topics and user exist
        config = kafka_home.lab_config(site.id)                 # the TOML file that a lab is handed
        kafka = kafka_home.internal_kafka()                     # how the platform itself connects (mutual TLS)
        b12.admin.client_settings(kafka)                        # the same as kafka-python's settings

A test that needs a lake of its own gives another one to its worker (`B12_LAKE`), or makes a home with `home`.
"""

import ctypes
import gc
import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from contracts.errors import EnvironmentProblem
from contracts.site import Site
from lake.home import Home

if TYPE_CHECKING:
    from tests.demonstration import Demonstration

_KEPT = ("B12_CACHE", "B12_NHANES")
"""Where Kafka's jars and the public data lie is the machine's business."""
_TOGETHER = {
    "docs/test_demo_pages.py": "the demonstration",
    "integration/test_demo.py": "the demonstration",
    "integration/test_nhanes.py": "one broker",
    "integration/test_push.py": "one broker",
    "integration/test_killed_workers.py": "one broker",
    "integration/test_base_install.py": "one broker",
    "integration/test_replays.py": "one broker",
    "integration/test_site_rights.py": "one broker",
    "integration/test_stock_clients.py": "one broker",
    "docs/test_lab_pages.py": "one broker",
    "integration/test_alerts.py": "another broker",
    "integration/test_intake.py": "another broker",
    "integration/test_intake_faults.py": "another broker",
    "integration/test_pipeline_receipts.py": "another broker",
    "integration/test_restore.py": "another broker",
    "faults/test_checker.py": "another broker",
    "faults/test_workers.py": "another broker",
}
"""Modules that share what takes seconds to load or start. Any worker does it when asked; this saves the second time."""
_site_numbers = itertools.count(1)


def pytest_configure(config: pytest.Config) -> None:
    # A shell that runs the suite in the background has it ignore this one; Dagster's then ignores SIGTERM, and so does
    # every process that a later test starts.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # kafka-python 3.0 reads its schemas by functions that Python 3.11 deprecates; goes when it no longer does.
    config.addinivalue_line("filterwarnings", r"ignore:(read|open)_text is deprecated:DeprecationWarning")
    # It also leaves its wake-up socket pair (AF_UNIX) to the garbage collector when a client cannot connect.
    config.addinivalue_line(
        "filterwarnings",
        r"ignore:Exception ignored in. <socket.socket fd=\d+, family=1:pytest.PytestUnraisableExceptionWarning",
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What mostly waits for processes comes first, so that on several workers the rest computes beside it."""
    first = [*dict.fromkeys(_TOGETHER.values()), "faults", "integration"]

    def rank(item: pytest.Item) -> int:
        group = _TOGETHER.get(_module(item.nodeid), item.path.parent.name)
        return first.index(group) if group in first else len(first)

    items.sort(key=rank)


@pytest.hookimpl(optionalhook=True)  # of pytest-xdist
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """A module stays on one worker, and so do modules that share what takes long to start."""
    return _Together(config, log)


class _Together(LoadScopeScheduling):
    # Not `--dist loadgroup`: pytest-xdist 3.8 writes a group into a field that pytest 9.2 no longer reads.
    def _split_scope(self, nodeid: str) -> str:
        return _TOGETHER.get(_module(nodeid), _module(nodeid))


def _module(nodeid: str) -> str:
    return nodeid.partition("::")[0].removeprefix("tests/")


@pytest.fixture(autouse=True)
def _settings_of_this_test_alone() -> Iterator[None]:
    """A developer's own installation never reaches a test, nor one test's settings another."""
    outside = dict(os.environ)
    for name in [name for name in outside if name.startswith(("B12_", "DAGSTER_")) and name not in _KEPT]:
        del os.environ[name]
    yield
    os.environ.clear()
    os.environ.update(outside)


@pytest.fixture(scope="session", autouse=True)
def _leftovers_of_clients() -> Iterator[None]:
    """kafka-python's forgotten sockets are collected while the filter above still holds, not after the last test."""
    yield
    gc.collect()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An empty home of this test's own, without a broker."""
    home = Home(tmp_path / "home")
    home.make()
    return home


@pytest.fixture(scope="session")
def kafka() -> None:
    """A machine on which Kafka can run: a failure where it must (CI), a skip that says why anywhere else."""
    from b12.local import jars

    try:
        jars.class_path()
    except EnvironmentProblem as problem:
        if os.environ.get("CI"):
            pytest.fail(f"CI is set, and Kafka cannot run: {problem}")
        pytest.skip(f"NO KAFKA, SO NOTHING WAS TESTED HERE: {problem}")


@pytest.fixture(scope="session")
def kafka_home(kafka: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A home with a running broker (TLS, SCRAM, rights), on free ports, for the whole run: about 8 s once."""
    from b12 import admin
    from b12.local import broker
    from b12.local.ports import Ports, free_ports

    home = Home(tmp_path_factory.mktemp("kafka"))
    broker.prepare(home, Ports(*free_ports(4)))
    with (home.logs / "broker.log").open("wb") as log:
        process = subprocess.Popen(
            broker.command(home), stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=_die_with_parent
        )
    try:
        broker.wait(home, alive=lambda: process.poll() is None)
        with admin.connect(home.internal_kafka()) as client:
            admin.ensure_replay_topic(client, partitions=2)
        home.ensure_secret()
        yield home
    finally:
        process.kill()  # nothing of its data outlives the run
        process.wait(10)


@pytest.fixture(scope="session")
def demo(kafka: None, tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Demonstration]":
    """What `b12 demo` leaves running, made once."""
    from tests.demonstration import started

    yield from started(tmp_path_factory.mktemp("demo"))


@pytest.fixture
def add_site(kafka_home: Home, new_site_id: Callable[[], str]) -> Callable[..., Site]:
    """`add_site(site_id=None, **fields of Site)` registers a synthetic site with the running broker."""
    from b12 import registration

    def add(site_id: str | None = None, **fields: object) -> Site:
        defaults = {"name": "A laboratory", "country": "IN", "time_zone": "Asia/Kolkata", "synthetic": True}
        site = Site(**{"id": site_id or new_site_id(), **defaults, **fields})
        registration.register(kafka_home, site)
        return site

    return add


@pytest.fixture
def new_site_id() -> Callable[[], str]:
    """Names of sites that no other test of this run has."""
    return lambda: f"LAB{next(_site_numbers):03d}"


@pytest.fixture
def stack_home(kafka: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """A home for `b12 up` itself: free ports, named by the environment; what it starts is stopped at the end."""
    from b12.local import stack
    from b12.local.ports import free_ports

    for name, port in zip(("SITE", "INTERNAL", "CONTROLLER", "DAGSTER"), free_ports(4), strict=True):
        monkeypatch.setenv(f"B12_{name}_PORT", str(port))
    home = Home(tmp_path / "home")
    monkeypatch.setenv("B12_HOME", str(home.path))
    yield home
    stack.down(home, lambda _words: None)


def _die_with_parent() -> None:
    if sys.platform == "linux":  # a run that is killed leaves no broker behind
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
