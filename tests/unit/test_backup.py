"""What a backup holds, that it holds together while everything runs, and when a restore refuses."""

import json
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from operator import itemgetter
from pathlib import Path

import pytest
from deltalake import DeltaTable

from b12 import restore as restoring
from b12.backup import LIST, make
from b12.cli import main
from b12.restore import DamagedBackup, restore
from contracts.errors import EnvironmentProblem, UsageError
from lake import gaps, settings_file, tombstones
from lake.home import Home
from lake.maintenance import maintain
from lake.snapshot import snapshot
from lake.table import Lake
from lake.tombstones import Subject
from tests.lake_fixture import record, rows
from tests.sample_events import event, one_of_each
from tests.unit.test_lake import SITE, TOPIC


@pytest.fixture
def home(home: Home) -> Home:
    """With a lake, a site, a release, a gap, and a database of Dagster's."""
    home.ensure_secret()
    home.put_site(SITE)
    record(home, SITE, [*one_of_each(), b"not json"])
    settings_file.write(home.lab_config(SITE.id), {"password": "secret"}, settings_file.SECRET)
    for name in ("r0001-a.json", "r0001-a.duckdb", "current.json", "r0002-b.duckdb"):
        (home.releases / name).write_text(name)
    gaps.report(home, gaps.Gap(SITE.events_topic, TOPIC, 0, 5, 8))
    (home.dagster / "history").mkdir()
    (home.logs / "worker.log").write_text("no part of it")
    return home


def test_who_was_erased_is_known_after_a_restore(home: Home, other: Home, tmp_path: Path) -> None:
    subject = Subject(SITE.id, bytes(16))
    tombstones.put(home, [subject])
    make(home, tmp_path / "backup")
    restore(tmp_path / "backup", other)
    assert tombstones.read(other).among([subject]) == {subject}


@pytest.fixture
def other(tmp_path: Path) -> Home:
    return Home(tmp_path / "other")


def test_everything_comes_back_as_it_was(home: Home, other: Home, tmp_path: Path) -> None:
    with closing(sqlite3.connect(home.dagster / "history" / "runs.db")) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("CREATE TABLE runs AS SELECT 1 AS run")
        database.commit()  # in the journal beside the file, and not yet in it
        make(home, tmp_path / "backup")
    restore(tmp_path / "backup", other)
    assert rows(other) == rows(home)
    assert snapshot(other).positions == snapshot(home).positions
    assert (other.sites(), other.secret()) == (home.sites(), home.secret())
    assert list(gaps.gaps(other)) == list(gaps.gaps(home))
    with closing(sqlite3.connect(other.dagster / "history" / "runs.db")) as database:
        assert database.execute("SELECT run FROM runs").fetchall() == [(1,)]
    names = {path.name for path in other.releases.iterdir()}
    assert names == {"r0001-a.json", "r0001-a.duckdb", "current.json"}, "tables without a manifest are no release"
    assert not (other.logs / "worker.log").exists()
    for secret in (other.secrets / "pseudonym.key", other.lab_config(SITE.id), tmp_path / "backup" / LIST):
        assert secret.stat().st_mode & 0o777 == 0o600
    for directory in (other.secrets, tmp_path / "backup"):
        assert directory.stat().st_mode & 0o777 == 0o700


def test_a_restored_lake_goes_on_where_it_stood(home: Home, other: Home, tmp_path: Path) -> None:
    for number in range(12):  # over a checkpoint, and over a compaction
        record(home, SITE, [event(id=f"{number}")])
    maintain(home)
    record(home, SITE, [event(id="after")])
    make(home, tmp_path / "backup")
    record(home, SITE, [event(id="too late for it")])
    restore(tmp_path / "backup", other)
    before = Lake.open(other.lake, other.secret()).stored(TOPIC, 0)
    assert before == (30 - 1, 30 - 1)
    record(other, SITE, [event(id="too late for it")])
    maintain(other)
    assert sorted(rows(other), key=itemgetter("offset")) == sorted(rows(home), key=itemgetter("offset"))


def test_it_holds_together_while_a_worker_writes_and_maintenance_runs(home: Home, other: Home, tmp_path: Path) -> None:
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            record(home, SITE, [event(id=f"{number}"), b"not json"])
            if number % 5 == 0:
                maintain(home)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        made = []
        for number in range(3):
            before = snapshot(home).version
            made.append(make(home, tmp_path / f"backup{number}"))
            while snapshot(home).version == before and writer.is_alive():
                time.sleep(0.01)  # so that the next one finds another lake
    finally:
        stop.set()
        writer.join()
    assert made[0].lake_version != made[2].lake_version
    restore(tmp_path / "backup2", other)
    position = snapshot(other).positions[TOPIC, 0]
    assert sorted(row["offset"] for row in rows(other)) == list(range(position.next_offset))
    assert position.received == position.next_offset


def test_a_home_without_a_lake_is_kept_too(tmp_path: Path, other: Home) -> None:
    empty = Home(tmp_path / "empty")
    empty.ensure_secret()
    assert make(empty, tmp_path / "backup").lake_version is None
    restore(tmp_path / "backup", other)
    assert other.secret() == empty.secret()


def test_a_backup_goes_to_a_directory_of_its_own(home: Home, tmp_path: Path) -> None:
    make(home, tmp_path / "backup")
    with pytest.raises(UsageError, match="not empty"):
        make(home, tmp_path / "backup")
    with pytest.raises(UsageError, match="within the home"):
        make(home, home.path / "backup")


def test_a_lake_and_a_secret_that_do_not_belong_together_are_not_kept(home: Home, tmp_path: Path) -> None:
    (home.secrets / "pseudonym.key").write_bytes(bytes(32))
    with pytest.raises(EnvironmentProblem, match="another pseudonym secret"):
        make(home, tmp_path / "backup")


@pytest.mark.parametrize("harm", ["cut", "changed", "gone"])
@pytest.mark.parametrize("part", ["lake/kind=refused", "home/secrets"])
def test_a_damaged_backup_restores_nothing(home: Home, other: Home, tmp_path: Path, harm: str, part: str) -> None:
    make(home, tmp_path / "backup")
    path = next(path for path in sorted((tmp_path / "backup" / part).iterdir()) if path.is_file())
    content = path.read_bytes()
    if harm == "gone":
        path.unlink()
    else:
        path.write_bytes(content[:-1] if harm == "cut" else bytes([content[0] ^ 1]) + content[1:])
    with pytest.raises(DamagedBackup, match="nothing was restored"):
        restore(tmp_path / "backup", other)
    assert not other.path.exists()


def test_a_directory_that_is_no_backup_is_refused(home: Home, other: Home, tmp_path: Path) -> None:
    make(home, tmp_path / "backup")
    described = tmp_path / "backup" / LIST
    described.write_text(json.dumps(json.loads(described.read_text()) | {"format": 99}))
    with pytest.raises(UsageError, match="another release of the software"):
        restore(tmp_path / "backup", other)
    described.write_text("{")
    with pytest.raises(DamagedBackup, match="cannot be read"):
        restore(tmp_path / "backup", other)
    described.unlink()  # as when it was stopped before its end
    with pytest.raises(UsageError, match="never finished"):
        restore(tmp_path / "backup", other)


def test_nothing_is_overwritten(home: Home, other: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(home, tmp_path / "backup")
    with pytest.raises(UsageError, match=r"holds lake, .*overwrites nothing"):
        restore(tmp_path / "backup", home)
    other.make()  # empty directories are nothing, and Kafka's own data stays
    (other.broker / "data").mkdir(parents=True)
    (other.broker / "data" / "log").write_text("records")
    with monkeypatch.context() as there:
        there.setenv("B12_LAKE", home.lake)
        with pytest.raises(UsageError, match="holds a lake"):
            restore(tmp_path / "backup", other)
    restore(tmp_path / "backup", other)
    assert (other.broker / "data" / "log").read_text() == "records"


def test_the_home_of_another_secret_is_refused(home: Home, other: Home, tmp_path: Path) -> None:
    make(home, tmp_path / "backup")
    other.ensure_secret()
    with pytest.raises(UsageError, match="another pseudonym secret"):
        restore(tmp_path / "backup", other)


def test_a_home_whose_stack_runs_is_refused(
    home: Home, other: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(home, tmp_path / "backup")
    other.make()
    monkeypatch.setattr(restoring.processes, "running", lambda _: {"worker": 1})
    with pytest.raises(EnvironmentProblem, match="b12 down"):
        restore(tmp_path / "backup", other)


def test_a_restore_that_breaks_off_can_be_tried_again(
    home: Home, other: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(home, tmp_path / "backup")
    with monkeypatch.context() as full:
        full.setattr(restoring, "_put", _after(3, restoring._put))
        with pytest.raises(OSError, match="full"):
            restore(tmp_path / "backup", other)
    restore(tmp_path / "backup", other)
    assert rows(other) == rows(home)


def _after(count: int, put: Callable[..., None]) -> Callable[..., None]:
    calls = iter(range(count))

    def puts(*arguments: object) -> None:
        if next(calls, None) is None:
            raise OSError("the disk is full")
        put(*arguments)

    return puts


def test_the_commands_say_what_was_done(
    home: Home, other: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("B12_HOME", str(home.path))
    assert main(["backup", str(tmp_path / "backup")]) == 0
    version = DeltaTable(home.lake).version()
    assert f"version {version} of the lake" in capsys.readouterr().out
    monkeypatch.setenv("B12_HOME", str(other.path))
    assert main(["restore", str(tmp_path / "backup")]) == 0
    assert "each as it was written" in capsys.readouterr().out
    assert main(["restore", str(tmp_path / "backup")]) == 2
    assert "overwrites nothing" in capsys.readouterr().err
