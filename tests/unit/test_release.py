"""Write, audit, publish: what a release is, and what a build that fails leaves behind."""

import dataclasses
import json
import os
import shutil
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import duckdb
import pytest

from contracts.errors import EnvironmentProblem
from lake.home import Home
from lake.snapshot import snapshot
from registry import build, invariants, release
from registry.errors import BuildFailed, BuildRunning, NoRelease, ReleaseHeld
from registry.inputs import Bound, Inputs, pinned
from registry.models import needed_for
from registry.queries import connected
from tests.lake_fixture import record
from tests.registry_fixture import BLR01, CUT_OFF, OSL01, given, without_rules
from tests.sample_events import event, one_of_each

MODELS = without_rules(
    needed_for(["core.lab_results", "core.growth", "core.doses", "core.statuses", "core.subjects", "summary.verdicts"])
)
"""Enough of a release for what is tested here; all of it is built where content is compared table by table."""


def made(home: Home, lake: Inputs) -> release.Release:
    return release.make(home, lake, models=MODELS, threads=1)


class First(NamedTuple):
    """A home's first release, with the lake that it was made of and the files of its build."""

    home: Home
    lake: Inputs
    published: release.Release
    build: Path


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> First:
    """Made once: to be read, or copied by `first`."""
    directory = tmp_path_factory.mktemp("first")
    home, kept = Home(directory / "home"), directory / "build"
    home.make()
    lake = given(directory, {BLR01: [*one_of_each(), b"not JSON"], OSL01: one_of_each("OSL01")})

    def keep(candidate: Path, _operators: Path) -> list[invariants.Outcome]:
        shutil.copytree(candidate.parent, kept)
        return []

    published = release.make(home, lake, models=MODELS, threads=1, audits=[keep])
    return First(home, lake, published, kept)


@pytest.fixture
def first(one: First, home: Home) -> First:
    """A copy of it in a home of this test's own."""
    shutil.copytree(one.home.path, home.path, dirs_exist_ok=True)
    file = release.release_file(home, one.published.manifest.id)
    return First(home, one.lake, one.published._replace(file=file), one.build)


@pytest.fixture
def lake(one: First) -> Inputs:
    return one.lake


@contextmanager
def built(first: First) -> Iterator[release.Workspace]:
    """The files of its build in the workspace of another."""
    with release.exclusive(first.home) as workspace:
        shutil.copytree(first.build, workspace.candidate.parent, dirs_exist_ok=True)
        yield workspace


def test_a_release_is_one_immutable_file_and_its_manifest(one: First) -> None:
    home, published = one.home, one.published

    assert published.is_new
    assert sorted(path.name for path in home.releases.iterdir()) == [
        "current.json",
        f"{published.manifest.id}.duckdb",
        f"{published.manifest.id}.json",
    ]
    assert published.file.stat().st_mode & 0o777 == 0o444
    assert json.loads((home.releases / "current.json").read_bytes()) == {"release": published.manifest.id}
    assert published.manifest.id == f"r0001-{published.manifest.content[:8]}"
    assert release.current(home) == published.manifest
    assert home.operators.exists()


def test_the_manifest_says_what_it_was_made_of(one: First) -> None:
    lake, manifest = one.lake, one.published.manifest

    assert manifest.cut_off == CUT_OFF
    assert manifest.sites["BLR01"].bounds == tuple(bound for bound in lake.bounds if bound.site == "BLR01")
    assert manifest.tables["core.subjects"].rows == 2
    assert manifest.packages["duckdb"] == duckdb.__version__
    assert {model.name for model in MODELS if model.in_release} <= set(manifest.tables)


def test_a_release_can_be_moved_elsewhere_whole(first: First, tmp_path: Path) -> None:
    first.home.path.rename(tmp_path / "elsewhere")
    moved = Home(tmp_path / "elsewhere")
    with connected(release.release_file(moved, release.current(moved).id)) as connection:
        assert connection.execute("SELECT count(*) FROM core.subjects").fetchall() == [(2,)]


def test_every_table_and_column_says_what_it_means(one: First) -> None:
    with connected(one.published.file) as connection:
        undescribed = connection.execute("""
            SELECT schema_name || '.' || table_name || '.' || column_name FROM duckdb_columns()
            WHERE comment IS NULL AND schema_name IN ('core', 'research', 'summary')
            UNION ALL
            SELECT schema_name || '.' || table_name FROM duckdb_tables()
            WHERE comment IS NULL AND schema_name IN ('core', 'research', 'summary')
        """).fetchall()
        assert undescribed == []
        [(says,)] = connection.execute("""
            SELECT comment FROM duckdb_columns() WHERE table_name = 'lab_results' AND column_name = 'age_days'
        """).fetchall()
        assert says.endswith("Unit: d.")


def test_equal_content_makes_no_new_file(first: First) -> None:
    again = made(first.home, first.lake)

    assert not again.is_new
    assert again.manifest == first.published.manifest
    assert len(release.history(first.home)) == 1


def test_other_content_makes_the_next_release_and_keeps_the_older(first: First, tmp_path: Path) -> None:
    later = made(first.home, given(tmp_path, {BLR01: [*one_of_each(), event(id="more", record="more")]}))

    assert later.manifest.number == 2
    assert first.published.file.exists()
    assert release.current(first.home).id == later.manifest.id
    assert [manifest.number for manifest in release.history(first.home)] == [1, 2]


def test_a_reader_keeps_the_release_it_has_open(first: First, tmp_path: Path) -> None:
    with (
        duckdb.connect(str(first.home.operators), read_only=True) as operators,
        connected(first.published.file) as reader,
    ):
        made(first.home, given(tmp_path, {BLR01: [event("enrolment")]}))
        assert reader.execute("SELECT count(*) FROM core.lab_results").fetchall() == [(2,)]
        assert operators.execute("SELECT count(*) FROM verdicts").fetchall() == [(31,)]


# Failing


def files(home: Home) -> dict[str, bytes]:
    kept = [*home.releases.rglob("*"), home.operators]
    return {str(path): path.read_bytes() for path in kept if path.is_file()}


def test_an_audit_that_fails_publishes_nothing_and_says_why(first: First, tmp_path: Path) -> None:
    before = files(first.home)
    lost = given(tmp_path, {BLR01: one_of_each()})
    [bound] = lost.bounds
    miscounted = Inputs(
        lost.files, [Bound(bound.site, bound.topic_uuid, 0, bound.next_offset, 17)], lost.sites, lost.cut_off
    )

    with pytest.raises(ReleaseHeld, match=r"last good release stays: conservation fails 2 times \(BLR01\)"):
        made(first.home, miscounted)
    assert files(first.home) == before


def test_a_build_that_breaks_off_leaves_everything_as_it_was(first: First) -> None:
    before = files(first.home)

    def fails(candidate: Path, operators: Path) -> list[invariants.Outcome]:
        raise RuntimeError("a fault of ours")

    with pytest.raises(RuntimeError):
        release.make(first.home, first.lake, audits=[fails], models=MODELS, threads=1)
    assert files(first.home) == before


def test_a_dropped_row_fails_the_accounting(first: First) -> None:
    with built(first) as (candidate, operators):
        assert all(outcome.holds for outcome in invariants.check(candidate, operators, MODELS))
        with duckdb.connect(str(operators)) as connection:
            connection.execute("""
                DELETE FROM verdicts WHERE delivery = (SELECT max(delivery) FROM verdicts WHERE site = 'OSL01')
            """)
        failed = {
            outcome.name: outcome for outcome in invariants.check(candidate, operators, MODELS) if not outcome.holds
        }

    assert failed["conservation"].failing == 1
    assert failed["conservation"].sites == ("OSL01",)
    assert failed["one_verdict_each"].failing == 1


def test_a_key_that_names_two_rows_and_a_date_in_the_release_fail(first: First) -> None:
    with built(first) as (candidate, operators):
        with duckdb.connect(str(candidate)) as connection:
            connection.execute("INSERT INTO core.growth SELECT * FROM core.growth LIMIT 1")
            connection.execute("UPDATE core.doses SET subject_key = '00000000-0000-0000-0000-000000000000'")
            connection.execute("ALTER TABLE core.statuses ALTER state TYPE DATE USING NULL")
        failed = {outcome.name for outcome in invariants.check(candidate, operators, MODELS) if not outcome.holds}

    assert failed == {"key:core.growth", "subjects", "types"}


def test_one_build_at_a_time(home: Home, lake: Inputs) -> None:
    with (
        release.exclusive(home),
        pytest.raises(BuildRunning, match=rf"another build is running here \(process {os.getpid()}\)"),
    ):
        made(home, lake)
    made(home, lake)


def test_what_a_killed_build_left_behind_is_swept_away(home: Home, lake: Inputs) -> None:
    (home.releases / ".building").mkdir()
    (home.releases / ".building" / "release.duckdb").write_bytes(b"half a build")
    (home.releases / "r0007-0badc0de.duckdb").write_bytes(b"moved, and never named")

    published = made(home, lake)

    assert published.manifest.number == 1
    assert not (home.releases / "r0007-0badc0de.duckdb").exists()
    assert not (home.releases / ".building").exists()


def test_before_the_first_release_nothing_is_good(home: Home) -> None:
    assert release.last_good(home) == {}
    with pytest.raises(NoRelease, match="b12 build"):
        release.current(home)


# Holding a site


def test_a_held_site_stays_at_its_last_good_offsets_and_the_rest_waits(home: Home) -> None:
    home.ensure_secret()
    for site in (BLR01, OSL01):
        home.put_site(site)
        record(home, site, one_of_each(site.id))
    made(home, pinned(home, snapshot(home), CUT_OFF))
    for site in (BLR01, OSL01):
        record(home, site, [event(site=site.id, id="more", record="more")])

    held_at = {"OSL01": release.last_good(home)["OSL01"]}
    held = made(home, pinned(home, snapshot(home), CUT_OFF, held_at)).manifest

    assert held.sites["BLR01"].waiting == 0
    assert held.sites["OSL01"].waiting == 1
    assert [bound.received for bound in held.sites["OSL01"].bounds] == [15]
    with connected(release.release_file(home, held.id)) as connection:
        found = connection.execute("SELECT site, count(*) FROM core.lab_results GROUP BY site ORDER BY site").fetchall()
    assert found == [("BLR01", 2), ("OSL01", 1)]


def test_a_site_that_was_never_good_is_left_out(home: Home) -> None:
    home.ensure_secret()
    for site in (BLR01, OSL01):
        home.put_site(site)
        record(home, site, one_of_each(site.id))

    left_out = made(home, pinned(home, snapshot(home), CUT_OFF, {"OSL01": ()})).manifest

    assert left_out.sites["OSL01"].bounds == ()
    assert left_out.sites["OSL01"].waiting == 15
    with connected(release.release_file(home, left_out.id)) as connection:
        assert connection.execute("SELECT DISTINCT site FROM core.subjects").fetchall() == [("BLR01",)]


def test_a_site_that_the_home_does_not_list_is_named(home: Home) -> None:
    home.ensure_secret()
    home.put_site(BLR01)
    record(home, OSL01, one_of_each("OSL01"))
    with pytest.raises(EnvironmentProblem, match="OSL01"):
        pinned(home, snapshot(home), CUT_OFF)


# The same content


def test_layers_can_be_built_one_after_the_other_and_staging_makes_both_files_anew(
    lake: Inputs, tmp_path: Path
) -> None:
    candidate, operators = tmp_path / "release.duckdb", tmp_path / "operators.duckdb"

    def built(*layers: str) -> set[str]:
        return {b.model.layer for b in build.run(lake, candidate, operators, layers, models=MODELS, threads=1)}

    for _ in range(2):
        assert built("staging") == {"staging"}
        with duckdb.connect(str(operators), read_only=True) as between:
            assert between.execute("SELECT count(*) FROM current_lab_result").fetchall() == [(2,)]
            views = between.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall()
            assert views == [], "a kept database must not point at the lake's files"
    assert built("core", "summary") == {"core", "summary"}
    assert all(outcome.holds for outcome in invariants.check(candidate, operators, MODELS))


def test_a_model_that_stops_at_a_row_is_named_and_the_row_is_not(home: Home, lake: Inputs) -> None:
    sql = "SELECT platform::INTEGER AS platform FROM staging.current_lab_result"
    stops = dataclasses.replace(MODELS[-1], name="core.stops", layer="core", sql=sql)

    with pytest.raises(BuildFailed, match=r"core\.stops \(ConversionException\)") as raised:
        release.make(home, lake, models=[*MODELS, stops], threads=1)

    assert "abbott" not in "".join(traceback.format_exception(raised.value))
    assert not (home.releases / "current.json").exists()


def test_a_file_of_the_lake_that_is_gone_is_a_problem_of_the_machine(home: Home, lake: Inputs) -> None:
    Path(lake.files["dose"][0]).write_bytes(b"no Parquet")
    with pytest.raises(EnvironmentProblem, match="lake"):
        made(home, lake)
