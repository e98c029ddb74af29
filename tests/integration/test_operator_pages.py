"""The pages that operators look at, in a browser: Dagster's asset graph, a failed check, and Data Docs."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from b12.local import dagster_web
from expectations.process import Auditor
from lake.home import Home
from pipelines.build import run_in_process
from pipelines.definitions import build_defs
from registry.models import needed_for
from tests.browser import shown
from tests.canaries import shows
from tests.lake_fixture import record
from tests.registry_fixture import BLR01, CUT_OFF, OSL01
from tests.sample_events import event

Page = Callable[[str], str]
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def operated(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with one build, whose site fails a check and is left out."""
    home = Home(tmp_path_factory.mktemp("operated") / "home")
    home.ensure_secret()
    home.put_site(BLR01)
    data = {"loinc": "14685-2", "unit": "pmol/L", "value": 9000}
    results = [event("lab_result", id=f"r{n}", record=f"r{n}", data=data) for n in range(40)]
    record(home, BLR01, [event("enrolment", id="e"), *results])
    models = needed_for(["core.subjects", "core.lab_results"])
    with Auditor() as auditor:
        finished = run_in_process(home, CUT_OFF, build_defs(home, models=models, auditor=lambda: nullcontext(auditor)))
    assert list(finished.held) == ["BLR01"]
    return home


@pytest.fixture(scope="module")
def dagster_url(operated: Home) -> Iterator[str]:
    """Where Dagster runs for all tests of this module."""
    (operated.dagster / "dagster.yaml").write_text("telemetry: {enabled: false}\nnux: {enabled: false}\n")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {**os.environ, "B12_HOME": str(operated.path), "DAGSTER_HOME": str(operated.dagster)}
    command = [
        sys.executable,
        "-m",
        "dagster_webserver",
        "-h",
        "127.0.0.1",
        "-p",
        str(port),
        "-m",
        "pipelines.definitions",
    ]
    with (operated.logs / "web.log").open("wb") as log:
        web = subprocess.Popen(command, stdout=log, stderr=log, env=environment, cwd=ROOT, start_new_session=True)
    try:
        _wait_for(f"http://127.0.0.1:{port}/server_info", web)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(web.pid, signal.SIGTERM)
        web.wait(30)


@pytest.fixture(scope="module")
def dagster_page(dagster_url: str, tmp_path_factory: pytest.TempPathFactory) -> Page:
    """`dagster_page(path)`: the text of a page of Dagster."""
    return lambda path: shown(f"{dagster_url}/{path}", tmp_path_factory.mktemp("browser"))


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        assert process.poll() is None, "Dagster's web page did not start"
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310  # our own address
                return
        except OSError:
            time.sleep(0.3)
    raise AssertionError("Dagster's web page did not answer")


def test_the_graph_shows_the_way_from_sites_to_the_release(dagster_page: Page) -> None:
    page = dagster_page("asset-groups")
    for group in ("sites", "lake", "contract", "staging", "core", "research", "summary", "release"):
        assert group in page


def test_a_model_shows_its_neighbours_and_its_columns(dagster_page: Page) -> None:
    graph = dagster_page("assets/core/lab_results?view=lineage")
    for asset in ("current_lab_result", "current_enrolment", "definitions", "lab_results"):
        assert asset in graph
    overview = dagster_page("assets/core/lab_results")
    for text in ("Row count", "subject_key", "UUID", "DECIMAL(28,12)"):
        assert text in overview


def test_a_failed_check_names_the_site_and_no_value(dagster_page: Page) -> None:
    page = dagster_page("assets/staging/current_lab_result?view=checks&checkDetail=plausibility")
    for text in ("conformance", "completeness", "plausibility", "Failed", "BLR01", "left out"):
        assert text in page
    assert not shows(page, 9000)


def test_a_site_is_shown_once_dagster_was_asked_to_look_again(
    operated: Home, dagster_url: str, dagster_page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert dagster_web.reload(operated) is None, "none is known to run here"
    monkeypatch.setenv("B12_DAGSTER_URL", dagster_url)
    assert dagster_web.has_loaded(operated)
    operated.put_site(OSL01)
    assert dagster_web.reload(operated)
    assert f"Its time zone is {OSL01.time_zone}" in dagster_page("assets/sites/OSL01")


def test_data_docs_open_without_a_network(operated: Home, tmp_path: Path) -> None:
    docs = operated.path / "data_docs"
    index = shown((docs / "index.html").as_uri(), tmp_path / "one", milliseconds=2_000)
    for text in ("Checks of the last build", "staging.current_lab_result", "median_b12_infant", "40 of 40"):
        assert text in index
    (page,) = docs.glob("*-staging.current_lab_result.html")
    table = shown(page.as_uri(), tmp_path / "two", milliseconds=2_000)
    assert "Every required field has a value." in table
    assert not shows(index + table, 9000)
