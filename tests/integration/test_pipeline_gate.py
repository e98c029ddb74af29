"""The gate on real parts but Kafka: a site that fails is held, a broken invariant holds the release, nothing leaks."""

import logging
import shutil
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from b12.cli import main
from contracts.site import Site
from expectations.checks import Check, CheckResult
from expectations.process import Auditor
from lake.home import Home
from lake.snapshot import snapshot
from pipelines import by_hand, gate, webhook
from pipelines.build import Finished, run_in_process
from pipelines.definitions import build_defs
from registry import held, release
from registry.build import opened
from registry.models import Model, needed_for
from tests.canaries import shows
from tests.lake_fixture import record
from tests.registry_fixture import BLR01, CUT_OFF, OSL01
from tests.sample_events import event

MODELS = needed_for(["core.subjects", "core.lab_results", "core.doses"])


@pytest.fixture(scope="module")
def _places(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, Home]:
    """Two equal homes that no test changes; one of them is built, once for all tests."""
    unbuilt = Home(tmp_path_factory.mktemp("unbuilt") / "home")
    unbuilt.ensure_secret()
    for site in (BLR01, OSL01):
        unbuilt.put_site(site)
        record(unbuilt, site, [event("enrolment", site.id, id="e"), *results(site, 1, 5)])
    return unbuilt, copied(unbuilt, tmp_path_factory.mktemp("built"))


@pytest.fixture(scope="module")
def first(_places: tuple[Home, Home], auditor: Auditor) -> Finished:
    """How the first build ended, whose release `home` has."""
    return build(_places[1], auditor)


@pytest.fixture
def home(_places: tuple[Home, Home], first: Finished, tmp_path: Path) -> Home:
    """A home with a release, this test's own."""
    return copied(_places[1], tmp_path)


@pytest.fixture
def unbuilt(_places: tuple[Home, Home], tmp_path: Path) -> Home:
    """The same home before its first build."""
    return copied(_places[0], tmp_path)


def copied(home: Home, directory: Path) -> Home:
    return Home(shutil.copytree(home.path, directory / "home"))


def results(site: Site, first: int, count: int, value: float = 300, version: int = 1) -> list[bytes]:
    """B12 results in pmol/L, each a record of its own; a greater version corrects a smaller one."""
    data = {"loinc": "14685-2", "unit": "pmol/L", "value": value}
    said = {"time": f"2026-04-0{version}T08:00:00Z", "data": data}
    return [
        event("lab_result", site.id, id=f"r{n}/{version}", record=f"r{n}", **said) for n in range(first, first + count)
    ]


@pytest.fixture(scope="module")
def auditor() -> Iterator[Auditor]:
    """One process for all builds of these tests: to load Great Expectations takes longer than to use it."""
    with Auditor() as auditor:
        yield auditor


class DropsOneVerdict:
    """Loses a row of the build before the release is judged."""

    def __init__(self, auditor: Auditor) -> None:
        self._auditor = auditor
        self.write_docs = auditor.write_docs

    def run(
        self, databases: Mapping[str, Path], checks: Sequence[Check], sites: Sequence[str] = (), *, in_docs: bool = True
    ) -> list[CheckResult]:
        if any(check.level == "release" for check in checks):
            with duckdb.connect(str(databases["staging"])) as connection:
                connection.execute("DELETE FROM verdicts WHERE delivery = (SELECT min(delivery) FROM verdicts)")
        return self._auditor.run(databases, checks, sites, in_docs=in_docs)


def build(home: Home, auditor: gate.Auditor, models: tuple[Model, ...] = MODELS) -> Finished:
    def audit() -> AbstractContextManager[gate.Auditor]:
        return nullcontext(auditor)

    return run_in_process(home, CUT_OFF, build_defs(home, models=models, auditor=audit))


def ended(steps: Generator[gate.Event, None, gate.Audited]) -> gate.Audited:
    """What a build comes to, whatever it tells on its way."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


@pytest.fixture
def instance(home: Home) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.from_config(str(home.dagster)) as instance:
        yield instance


def materialized(instance: dg.DagsterInstance, run_id: str) -> list[str]:
    """The assets that a run materialized, in order."""
    events = instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
    return [event.dagster_event.asset_key.to_user_string() for event in events if event.dagster_event]


def checks_of(instance: dg.DagsterInstance, run_id: str) -> dict[str, dg.AssetCheckEvaluation]:
    events = instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    found = [event.dagster_event.asset_check_evaluation_data for event in events if event.dagster_event]
    return {f"{each.asset_key.to_user_string()} {each.check_name}": each for each in found}


def test_a_build_is_published_and_shows_in_the_history(
    home: Home, first: Finished, instance: dg.DagsterInstance
) -> None:
    finished = first
    assert finished.problems == []
    assert finished.exit_code == 0
    assert (release.current(home).id, release.current(home).cut_off) == (finished.release, CUT_OFF)

    run = instance.get_run_by_id(finished.run_id)
    assert run
    assert (run.job_name, run.status, by_hand.TAG in run.tags) == ("build", dg.DagsterRunStatus.SUCCESS, True)
    shown = [model.name.replace(".", "/") for model in MODELS]
    assert materialized(instance, finished.run_id) == [*shown, "release"], "each when it is built, the release last"
    told = instance.get_latest_materialization_event(dg.AssetKey(["core", "lab_results"]))
    assert told
    assert told.asset_materialization
    metadata = told.asset_materialization.metadata
    assert metadata["dagster/row_count"].value == release.current(home).tables["core.lab_results"].rows
    types = {column.name: column.type for column in metadata["dagster/column_schema"].value.columns}
    assert (types["subject_key"], types["value"]) == ("UUID", "DECIMAL(28,12)")

    found = checks_of(instance, finished.run_id)
    assert found["staging/verdicts conservation"].passed
    assert found["staging/current_lab_result conformance"].passed
    assert "staging/current_dose conformance" not in found, "no dose was sent, which is not a pass"
    said = [event.message for event in instance.all_logs(finished.run_id)]
    assert not [line for line in said if "did not yield" in line], "and nothing to wonder about"
    assert (home.path / "data_docs" / "index.html").exists()


def test_a_site_that_fails_is_held_and_the_others_go_on(
    home: Home, first: Finished, auditor: Auditor, instance: dg.DagsterInstance
) -> None:
    assert first.held == {}
    record(home, BLR01, results(BLR01, 100, 40, value=9000))  # g/L sent as g/dL, throughout
    record(home, OSL01, results(OSL01, 100, 40))
    finished = build(home, auditor)

    assert list(finished.held) == ["BLR01"]
    assert "median_b12_infant" in finished.held["BLR01"]
    assert finished.waiting == 40
    assert finished.exit_code == 0, "a held site is the site's problem, not the release's"
    manifest = release.current(home)
    assert manifest.sites["BLR01"].waiting == 40
    assert manifest.sites["BLR01"].held_because == finished.held["BLR01"]
    assert held.read(home) == {"BLR01": held.HeldSite(40, finished.held["BLR01"])}
    warned = [said.user_message for said in instance.all_logs(finished.run_id) if said.level == logging.WARNING]
    assert [line for line in warned if line.startswith("BLR01: held at its last good offsets")]
    assert [bound.next_offset for bound in manifest.sites["BLR01"].bounds] == [6]
    assert [bound.next_offset for bound in manifest.sites["OSL01"].bounds] == [46]

    built = materialized(instance, finished.run_id)
    assert (built.count("staging/deliveries"), built.count("core/subjects")) == (2, 1), "staging, without those held"
    staged = instance.get_latest_materialization_event(dg.AssetKey(["staging", "deliveries"]))
    assert staged
    assert staged.asset_materialization
    assert staged.asset_materialization.metadata["dagster/row_count"].value == 6 + 46

    failed = checks_of(instance, finished.run_id)["staging/current_lab_result plausibility"]
    assert not failed.passed
    assert failed.severity == dg.AssetCheckSeverity.ERROR
    assert "BLR01" in str(failed.metadata["held sites"].value)

    record(home, BLR01, results(BLR01, 100, 40, version=2))
    mended = build(home, auditor)
    assert (mended.held, mended.waiting) == ({}, 0)
    assert held.read(home) == {}


def test_a_site_that_is_held_is_told_where_nothing_new_is_published(
    home: Home, auditor: Auditor, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    record(home, BLR01, results(BLR01, 100, 40, value=9000))
    finished = build(home, auditor)
    assert not finished.is_new
    assert not [line for line in caplog.records if "telemetry" in line.name]
    for words in (("release", "list"), ("release", "show")):
        assert main(["--home", str(home.path), *words]) == 0
        told = capsys.readouterr().out
        assert f"40 waiting: {finished.held['BLR01']}" in told
        assert not shows(told, 9000)


def test_a_site_that_never_was_good_is_left_out_and_judged_by_its_newest_data(unbuilt: Home, auditor: Auditor) -> None:
    home = unbuilt
    record(home, BLR01, results(BLR01, 100, 40, value=9000))
    with release.exclusive(home) as workspace:
        found = ended(gate.audited(home, snapshot(home), CUT_OFF, workspace, auditor, MODELS, lambda _: None))
        with opened(*workspace, read_only=True) as connection:
            assert connection.execute("SELECT DISTINCT site FROM core.subjects").fetchall() == [("OSL01",)]
    assert found.held_because["BLR01"].startswith("left out: ")
    assert found.given.waiting == {"BLR01": 46}
    median = {result.site: result for result in found.results if result.name == "median_b12_infant"}
    assert (median["BLR01"].outcome, median["BLR01"].applicable) == ("fail", 45)


def test_a_broken_invariant_holds_the_release_and_is_told(
    home: Home,
    first: Finished,
    auditor: Auditor,
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    posted: list[webhook.FailedRun] = []
    monkeypatch.setenv("B12_WEBHOOK_URL", "https://hook.invalid/x")
    monkeypatch.setattr(webhook, "post", lambda _, failed: posted.append(failed))
    before = {path: path.stat().st_mtime_ns for path in [home.operators, *home.releases.iterdir()]}
    record(home, OSL01, results(OSL01, 100, 3))
    finished = build(home, DropsOneVerdict(auditor))

    assert finished.release is None
    assert finished.exit_code == 1
    assert "conservation" in finished.problems[0]
    assert "core/lab_results" in materialized(instance, finished.run_id)
    assert "release" not in materialized(instance, finished.run_id)
    assert not checks_of(instance, finished.run_id)["staging/verdicts conservation"].passed
    assert release.current(home).id == first.release
    after = {path: path.stat().st_mtime_ns for path in [home.operators, *home.releases.iterdir()]}
    assert after == before, "everything is as it was"
    assert [(hook.run_id, hook.job, hook.step, hook.error) for hook in posted] == [
        (finished.run_id, "build", "registry", "ReleaseHeld")
    ]


def test_a_model_that_fails_tells_no_value(home: Home, auditor: Auditor, capfd: pytest.CaptureFixture[str]) -> None:
    canary = "4711.125"
    record(home, OSL01, results(OSL01, 100, 1, value=4711.125))
    last = MODELS[-1]
    sql = "SELECT error('value ' || value_text) AS subject_key FROM staging.current_lab_result"
    broken = Model(**{**last.__dict__, "sql": sql, "columns": last.columns[:1]})
    finished = build(home, auditor, models=(*MODELS[:-1], broken))

    assert finished.exit_code == 1
    assert last.name in finished.problems[0]
    assert "InvalidInputException" in finished.problems[0]
    out, err = capfd.readouterr()
    assert canary not in out + err
    written = [path for path in (*home.dagster.rglob("*"), *home.logs.rglob("*")) if path.is_file()]
    assert written
    assert not [path for path in written if canary.encode() in path.read_bytes()]
