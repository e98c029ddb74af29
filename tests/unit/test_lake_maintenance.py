"""Compaction, checkpoints and removal change how the lake is kept, never what it says."""

import os
import threading
import time
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from contracts.errors import EnvironmentProblem, UsageError
from lake import compaction, maintenance, upkeep
from lake.maintenance import maintain
from lake.schema import schema, table_schema
from lake.snapshot import snapshot
from lake.table import LATE_SECONDS, Fenced, Lake
from tests.lake_fixture import record, stored
from tests.sample_events import event, one_of_each
from tests.unit.test_lake import SITE, TOPIC


@pytest.fixture(autouse=True)
def _secret(home):
    home.ensure_secret()


def content(home, version=None):
    return {
        kind: stored(kind, files).sort_by("offset").to_pylist() for kind, files in snapshot(home, version).files.items()
    }


def test_compaction_keeps_every_row_of_every_kind_and_every_position(home):
    for _ in range(3):
        record(home, SITE, [*one_of_each(), b"not json"])
    before, positions = content(home), snapshot(home).positions
    lake = Lake.open(home.lake, home.secret())
    judgements = lake.judgements(TOPIC, 0, 5, 40)
    assert (len(judgements.accepted), len(judgements.refused)) == (33, 2)
    done = maintain(home)
    assert done.compacted == (48, 16)
    assert (done.files_before, done.files_after) == (48, 16)
    assert content(home) == before
    assert snapshot(home).positions == positions
    assert lake.judgements(TOPIC, 0, 5, 40) == judgements
    assert {len(files) for files in snapshot(home).files.values()} == {1}


def test_flushing_goes_on_beside_compaction(home):
    for number in range(4):
        record(home, SITE, [event(id=f"{number}")])
    writer = threading.Thread(target=lambda: [record(home, SITE, [event(id=f"late-{n}")]) for n in range(10)])
    writer.start()
    for _ in range(3):
        maintain(home)
    writer.join()
    maintain(home)
    assert [row["offset"] for row in content(home)["lab_result"]] == list(range(14))
    assert snapshot(home).positions[TOPIC, 0].received == 14


def test_deltalake_lets_two_compactions_replace_the_same_files(home):
    """The ground that the claim stands on: when this fails, maintenance needs no claim any more."""
    for number in range(3):
        record(home, SITE, [event(id=f"{number}")])
    first, second = DeltaTable(home.lake), DeltaTable(home.lake)
    first.optimize.compact()
    second.optimize.compact()
    assert [row["offset"] for row in content(home)["lab_result"]] == [0, 0, 1, 1, 2, 2]


@pytest.mark.parametrize("moment", ["claimed", "looked"])
def test_of_two_compactions_at_once_one_gives_way(home, monkeypatch, moment):
    for number in range(3):
        record(home, SITE, [event(id=f"{number}")])
    done = []

    def meanwhile():
        monkeypatch.undo()
        done.append(maintain(home))

    claim, update = compaction.claim, DeltaTable.update_incremental

    def claimed(table):
        answer = claim(table)
        meanwhile()  # a whole compaction, after the first has loaded the table and before it commits
        return answer

    def looked(table):
        meanwhile()  # between the first's claim and its look at the table
        update(table)

    if moment == "claimed":
        monkeypatch.setattr(compaction, "claim", claimed)
    else:
        monkeypatch.setattr(DeltaTable, "update_incremental", looked)
    done.append(maintain(home))
    assert [one.compacted for one in done] == [(3, 1), (0, 0)]
    assert [row["offset"] for row in content(home)["lab_result"]] == [0, 1, 2]


def test_many_compactions_at_once_beside_a_writer_double_nothing(home):
    record(home, SITE, [event(id="first")])
    writer = threading.Thread(target=lambda: [record(home, SITE, [event(id=f"{n}")]) for n in range(15)])
    keepers = [threading.Thread(target=lambda: [maintain(home) for _ in range(4)]) for _ in range(3)]
    for thread in (writer, *keepers):
        thread.start()
    for thread in (writer, *keepers):
        thread.join()
    assert [row["offset"] for row in content(home)["lab_result"]] == list(range(16))


def test_where_there_is_nothing_to_compact_nothing_is_committed(home):
    record(home, SITE, [event(id="a"), b"not json"])
    version = snapshot(home).version
    assert maintain(home).version == version


def test_what_a_newer_release_keeps_survives_flushes_and_compactions_of_the_older_one(home, monkeypatch):
    def narrow(columns):
        return pa.schema([column for column in columns if column.name != "platform"])

    def older():
        for name in ("lake.table.table_schema", "lake.compaction.table_schema"):
            monkeypatch.setattr(name, lambda: narrow(table_schema()))
        monkeypatch.setattr("lake.rows.schema", lambda partition: narrow(schema(partition)))

    older()
    record(home, SITE, [event(id="a")])
    monkeypatch.undo()
    record(home, SITE, [event(id="b", data={"platform": "roche_cobas"})])
    older()
    record(home, SITE, [event(id="c")])
    maintain(home)
    record(home, SITE, [event(id="d")])
    monkeypatch.undo()
    record(home, SITE, [event(id="e")])
    maintain(home)
    kept = [(row["offset"], row["platform"]) for row in content(home)["lab_result"]]
    assert kept == [(0, None), (1, "roche_cobas"), (2, None), (3, None), (4, "abbott_architect")]


def test_a_version_that_a_build_pinned_stays_readable(home):
    version = record(home, SITE, [event(id="a")])
    record(home, SITE, [event(id="b")])
    maintain(home)
    assert len(content(home, version)["lab_result"]) == 1


def test_files_that_no_commit_names_are_removed_after_two_days_and_not_before(home):
    record(home, SITE, [event(id="a")])
    partition = Path(home.lake) / "kind=lab_result"
    young, old = partition / "young.parquet", partition / "old.parquet"
    for orphan in (young, old):
        orphan.write_bytes(b"of a flush that never committed")
    os.utime(old, (time.time() - 3 * 86_400,) * 2)
    assert maintain(home).removed == 1
    assert young.exists()
    assert not old.exists()


def test_keys_have_no_statistics_and_codes_have_a_dictionary_before_and_after_compaction(home):
    import pyarrow.parquet as pq

    for number in range(2):
        record(home, SITE, [event(id=f"{number}")])
    flushed = snapshot(home).files["lab_result"][0]
    maintain(home)
    for file in (flushed, snapshot(home).files["lab_result"][0]):
        group = pq.ParquetFile(file).metadata.row_group(0)
        columns = {group.column(i).path_in_schema: group.column(i) for i in range(group.num_columns)}
        assert columns["offset"].is_stats_set
        assert not columns["id_hi"].is_stats_set
        assert not columns["subject_lo"].is_stats_set
        assert columns["loinc"].has_dictionary_page
        assert not columns["value_text"].has_dictionary_page


def test_the_log_stays_short_for_readers(home):
    record(home, SITE, [event(id="a")])
    maintain(home)
    log = Path(home.lake) / "_delta_log"
    assert (log / "_last_checkpoint").exists()
    assert DeltaTable(home.lake).version() == snapshot(home).version


def test_the_command_says_what_it_did(home, monkeypatch, capsys):
    from b12.cli import main

    monkeypatch.setenv("B12_HOME", str(home.path))
    assert main(["lake", "maintain"]) == 3
    assert "no lake" in capsys.readouterr().err
    for number in range(2):
        record(home, SITE, [event(id=f"{number}")])
    assert main(["lake", "maintain"]) == 0
    assert "2 files became 1, 0 were removed; the lake has 1 files" in capsys.readouterr().out


def test_a_worker_checkpoints_and_compacts_by_the_number_of_commits(home, monkeypatch):
    lake = Lake.open(home.lake, home.secret())
    done = []
    monkeypatch.setattr(maintenance, "compact", lambda *_: done.append("compacted"))
    monkeypatch.setattr(Lake, "checkpoint", lambda _: done.append("checkpoint"))
    for before, after in [(0, 9), (9, 10), (11, 19), (48, 53), (51, 59)]:
        monkeypatch.setattr(Lake, "version", after)
        maintenance.between_commits(lake, before)
        done.append(after)
    assert done == [9, "checkpoint", 10, 19, "compacted", "checkpoint", 53, 59]


def test_what_a_worker_compacts_is_small_however_large_the_lake_is(home, monkeypatch):
    for number in range(5):
        record(home, SITE, [event(id=f"{number}")])
    lake = Lake.open(home.lake, home.secret())
    one = Path(snapshot(home).files["lab_result"][0]).stat().st_size
    monkeypatch.setattr(maintenance, "HANDY_BYTES", one * 5 // 2)
    maintenance.between_commits(lake, lake.version - maintenance.COMPACT_EVERY)
    assert len(snapshot(home).files["lab_result"]) == 3
    version = snapshot(home).version
    maintenance.between_commits(lake, lake.version - maintenance.COMPACT_EVERY)
    assert snapshot(home).version == version
    assert len(content(home)["lab_result"]) == 5


def test_the_log_is_cut_at_a_checkpoint_and_a_writer_that_was_behind_goes_on(home, monkeypatch):
    late = Lake.open(home.lake, home.secret())
    for number in range(12):
        record(home, SITE, [event(id=f"{number}")])
    maintenance.thorough(home.lake, upkeep.Kept(upkeep.retention().files, timedelta(0)))
    time.sleep(1.1)  # of whole seconds
    maintenance.thorough(home.lake, upkeep.Kept(upkeep.retention().files, timedelta(0)))
    entries = sorted(path.name for path in (Path(home.lake) / "_delta_log").glob("*.json"))
    assert len(entries) <= 2
    assert late.stored(TOPIC, 0).next_offset == 12
    record(home, SITE, [event(id="after")])
    assert late.stored(TOPIC, 0).next_offset == 13


def test_a_flush_that_slept_for_an_hour_is_not_believed(home, monkeypatch):
    record(home, SITE, [event(id="a")])
    clock = iter([0.0, LATE_SECONDS + 1.0])
    monkeypatch.setattr("lake.table._clock", lambda: next(clock))
    with pytest.raises(Fenced):
        record(home, SITE, [event(id="b")])


def test_maintenance_is_idempotent_and_remembered(home):
    assert upkeep.overdue(home, time.time()) is None  # there is no lake
    record(home, SITE, [event(id="a")])
    week = 7 * 86_400
    assert upkeep.overdue(home, time.time()) is None
    assert upkeep.overdue(home, time.time() + week) == pytest.approx(week, abs=60)
    first = maintain(home)
    assert maintain(home) == first
    assert upkeep.overdue(home, time.time() + week) == pytest.approx(week, abs=60)
    assert upkeep.overdue(home, time.time() + 86_400) is None


@pytest.mark.parametrize("hours", ["23", "0", "-1", "two"])
def test_less_than_a_day_is_refused(home, monkeypatch, hours):
    record(home, SITE, [event(id="a")])
    monkeypatch.setenv("B12_LAKE_RETENTION_HOURS", hours)
    with pytest.raises(UsageError, match="at least 24"):
        maintain(home)


def test_the_retention_can_be_longer(home, monkeypatch):
    record(home, SITE, [event(id="a")])
    old = Path(home.lake) / "kind=lab_result" / "old.parquet"
    old.write_bytes(b"of a flush that never committed")
    os.utime(old, (time.time() - 8 * 86_400,) * 2)
    monkeypatch.setenv("B12_LAKE_RETENTION_HOURS", str(9 * 24))
    assert maintain(home).removed == 0
    monkeypatch.delenv("B12_LAKE_RETENTION_HOURS")
    assert maintain(home).removed == 1


def test_without_a_lake_there_is_nothing_to_maintain(home):
    with pytest.raises(EnvironmentProblem, match="no lake"):
        maintain(home)
