"""Compaction, checkpoints and removal change how the lake is kept, never what it says."""

import os
import threading
import time
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from contracts.errors import EnvironmentProblem
from lake import maintenance
from lake.maintenance import due, maintain
from lake.schema import schema, table_schema
from lake.snapshot import snapshot
from lake.table import Lake
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
    assert (done.compacted, done.written) == (48, 16)
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

    claim, update = maintenance._claim, DeltaTable.update_incremental

    def claimed(table):
        answer = claim(table)
        meanwhile()  # a whole compaction, after the first has loaded the table and before it commits
        return answer

    def looked(table):
        meanwhile()  # between the first's claim and its look at the table
        update(table)

    if moment == "claimed":
        monkeypatch.setattr(maintenance, "_claim", claimed)
    else:
        monkeypatch.setattr(DeltaTable, "update_incremental", looked)
    done.append(maintain(home))
    assert [(one.compacted, one.written) for one in done] == [(3, 1), (0, 0)]
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
        for name in ("lake.table.table_schema", "lake.maintenance.table_schema"):
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


def test_files_that_no_commit_names_are_removed_after_a_week_and_not_before(home):
    record(home, SITE, [event(id="a")])
    partition = Path(home.lake) / "kind=lab_result"
    young, old = partition / "young.parquet", partition / "old.parquet"
    for orphan in (young, old):
        orphan.write_bytes(b"of a flush that never committed")
    os.utime(old, (time.time() - 8 * 86_400,) * 2)
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
    assert "2 files became 1, 0 were removed" in capsys.readouterr().out


def test_maintenance_is_due_whenever_a_multiple_of_fifty_commits_is_passed():
    assert [version for version in range(1, 160) if due(version - 1, version)] == [50, 100, 150]
    assert due(48, 53)
    assert not due(51, 99)


def test_without_a_lake_there_is_nothing_to_maintain(home):
    with pytest.raises(EnvironmentProblem, match="no lake"):
        maintain(home)
