"""The lake's promises: what is flushed is there once, whoever else writes, and whatever a commit's outcome was."""

import os
import signal
import subprocess
import sys
import threading
import uuid
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, Schema
from deltalake.exceptions import CommitFailedError

from contracts.errors import EnvironmentProblem
from contracts.events import KINDS
from contracts.site import Site
from lake import crash, positions
from lake.positions import Span
from lake.rows import Batch, tables
from lake.schema import PARTITIONS, REFUSED, schema, table_schema
from lake.snapshot import snapshot
from lake.table import Fenced, Lake
from tests.canaries import shows
from tests.lake_fixture import record, rows, topic_uuid_of
from tests.sample_events import event, one_of_each

SITE = Site(id="BLR01", name="A laboratory", country="IN", time_zone="Asia/Kolkata", synthetic=True)
TOPIC = topic_uuid_of(SITE)


@pytest.fixture(autouse=True)
def _secret(home):
    home.ensure_secret()


def span(start, end, *, received=None) -> Span:
    return Span(SITE.events_topic, TOPIC, 0, start, end, end - (start or 0) if received is None else received)


def batch_of(values, home, start=0) -> dict[str, pa.Table]:
    from contracts.judge import judge
    from contracts.pseudonyms import site_key

    batch = Batch(SITE, site_key(home.secret(), SITE.id), TOPIC, 0)
    for offset, value in enumerate(values, start):
        batch.offsets.append(offset)
        batch.received_ms.append(1_795_000_000_000)
        batch.sizes.append(len(value))
        batch.judged.append(judge(value, SITE))
    return tables(batch)


def test_every_kind_and_every_refusal_is_one_row_in_its_partition(home):
    record(home, SITE, [*one_of_each(), b"not json", None])
    found = rows(home)
    assert sorted(row["kind"] for row in found) == sorted([*KINDS, REFUSED, REFUSED])
    assert sorted(row["offset"] for row in found) == list(range(17))
    assert {row["topic_uuid"] for row in found} == {TOPIC}


def test_what_was_received_equals_the_rows(home):
    record(home, SITE, [event(id="a"), b"{}"])
    record(home, SITE, [event(id="b")], partition=1)
    record(home, SITE, [event(id="c")])
    shot = snapshot(home)
    assert {key: position[:2] for key, position in shot.positions.items()} == {(TOPIC, 0): (3, 3), (TOPIC, 1): (1, 1)}
    assert sum(position.received for position in shot.positions.values()) == len(rows(home))


def test_a_snapshot_is_not_moved_by_later_flushes(home):
    version = record(home, SITE, [event(id="a")])
    before = snapshot(home)
    record(home, SITE, [event(id="b")])
    assert snapshot(home, version) == before
    assert len(rows(home, version)) == 1


def test_positions_survive_a_checkpoint_and_the_clean_up_of_the_log(home):
    record(home, SITE, [event(id="a")])
    table = DeltaTable(home.lake)
    table.create_checkpoint()
    log = sorted((home.path / "lake" / "deliveries" / "_delta_log").glob("*.json"))
    for entry in log[:-1]:  # clean-up keeps the checkpoint's own entry
        entry.unlink()
    assert snapshot(home).positions == {(TOPIC, 0): (1, 1, SITE.events_topic, {"BLR01": 1})}
    record(home, SITE, [event(id="b")])
    assert snapshot(home).positions == {(TOPIC, 0): (2, 2, SITE.events_topic, {"BLR01": 2})}


def test_a_lake_that_is_not_there_says_how_to_get_one(home):
    with pytest.raises(EnvironmentProblem, match="b12 up"):
        snapshot(home)


def test_a_worker_with_another_secret_does_not_start(home):
    record(home, SITE, [event()])
    with pytest.raises(EnvironmentProblem, match="another pseudonym secret"):
        Lake.open(home.lake, b"x" * 32)


def test_a_flush_that_starts_where_the_lake_is_not_is_fenced(home):
    lake = Lake.open(home.lake, home.secret())
    lake.flush([span(None, 1)], batch_of([event()], home))
    for wrong in (span(None, 1), span(0, 1), span(2, 3)):
        with pytest.raises(Fenced):
            lake.flush([wrong], batch_of([event()], home))
    assert len(rows(home)) == 1


def test_a_zombie_is_fenced_even_when_it_reloads_before_it_writes(home):
    zombie, heir = (Lake.open(home.lake, home.secret()) for _ in range(2))
    zombie.flush([span(None, 1)], batch_of([event(id="a")], home))
    heir.flush([span(1, 3)], batch_of([event(id="b"), event(id="c")], home, 1))
    assert zombie.stored(TOPIC, 0) == (3, 3)  # it has reloaded
    with pytest.raises(Fenced):
        zombie.flush([span(1, 2)], batch_of([event(id="b")], home, 1))
    assert sorted(row["offset"] for row in rows(home)) == [0, 1, 2]


def test_a_lone_worker_knows_what_it_committed_and_asks_after_another_s_commit(home, monkeypatch):
    asked = []

    def ask(table, topic_uuid, partition):
        asked.append(partition)
        return positions.stored(table, topic_uuid, partition)

    monkeypatch.setattr("lake.table.stored", ask)
    lake, other = (Lake.open(home.lake, home.secret()) for _ in range(2))
    lake.flush([span(None, 1)], batch_of([event(id="a")], home))
    asked.clear()
    lake.flush([span(1, 2)], batch_of([event(id="b")], home, 1))
    lake.flush([span(2, 3)], batch_of([event(id="c")], home, 2))
    assert lake.stored(TOPIC, 0) == (3, 3)
    assert asked == []
    other.flush([span(3, 4)], batch_of([event(id="d")], home, 3))
    assert lake.stored(TOPIC, 0) == (4, 4)
    with pytest.raises(Fenced):
        lake.flush([span(3, 5)], batch_of([event(id="e")], home, 3))


def test_a_zombie_that_writes_at_the_same_moment_loses_the_commit(home, monkeypatch):
    """Both have read the same state; the slower one's commit meets the faster one's transaction."""
    zombie, heir = (Lake.open(home.lake, home.secret()) for _ in range(2))
    zombie.flush([span(None, 1)], batch_of([event(id="a")], home))
    named = zombie._name_topics

    def overtaken(spans):
        monkeypatch.setattr(zombie, "_name_topics", named)
        heir.flush([span(1, 2)], batch_of([event(id="b")], home, 1))

    monkeypatch.setattr(zombie, "_name_topics", overtaken)
    with pytest.raises(Fenced):
        zombie.flush([span(1, 2)], batch_of([event(id="b")], home, 1))
    assert sorted(row["offset"] for row in rows(home)) == [0, 1]


class Faulty:
    """A table whose next commit is reported as failed, after or before it took effect."""

    def __init__(self, table, *, takes_effect):
        self._table, self._takes_effect = table, takes_effect

    def __getattr__(self, name):
        return getattr(self._table, name)

    def create_write_transaction(self, *arguments, **properties):
        if self._takes_effect:
            self._table.create_write_transaction(*arguments, **properties)
        raise OSError("the answer was lost")


def test_a_commit_that_failed_without_effect_is_tried_again(home):
    lake = Lake.open(home.lake, home.secret())
    lake.flush([span(None, 1)], batch_of([event(id="a")], home))
    lake._table = Faulty(lake._table, takes_effect=False)
    lake.flush([span(1, 2)], batch_of([event(id="b")], home, 1))
    assert sorted(row["offset"] for row in rows(home)) == [0, 1]


def test_a_commit_that_took_effect_but_was_reported_as_failed_is_not_repeated(home):
    lake = Lake.open(home.lake, home.secret())
    lake.flush([span(None, 1)], batch_of([event(id="a")], home))
    lake._table = Faulty(lake._table, takes_effect=True)
    with pytest.raises(Fenced):
        lake.flush([span(1, 2)], batch_of([event(id="b")], home, 1))
    assert lake.stored(TOPIC, 0) == (2, 2)
    assert sorted(row["offset"] for row in rows(home)) == [0, 1]


def test_an_outcome_that_stays_unknown_stops_the_flush(home, monkeypatch):
    lake = Lake.open(home.lake, home.secret())
    monkeypatch.setattr("time.sleep", lambda _: None)
    monkeypatch.setattr(
        DeltaTable, "create_write_transaction", lambda *_, **__: (_ for _ in ()).throw(OSError("disk full"))
    )
    with pytest.raises(EnvironmentProblem, match="took no commit in 10 attempts"):
        lake.flush([span(None, 1)], batch_of([event()], home))


def test_writers_of_different_topics_do_not_stop_each_other(home):
    Lake.open(home.lake, home.secret())
    failures = []

    def write(number):
        topic = str(uuid.uuid4())
        try:
            for _ in range(8):
                record(home, SITE, [event(id=f"{number}")], topic_uuid=topic)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert sorted(position.received for position in snapshot(home).positions.values()) == [8, 8, 8]
    assert len(rows(home)) == 24


VICTIM = """
import sys
from lake.home import Home
from tests.lake_fixture import record
from tests.sample_events import event
from tests.unit.test_lake import SITE
record(Home(sys.argv[1]), SITE, [event(id="b"), b"not json", event("dose", id="c")])
"""


@pytest.mark.parametrize("moment", ["before_files", "files_written", "committed"])
def test_a_writer_that_is_killed_leaves_all_of_a_flush_or_nothing(home, moment):
    record(home, SITE, [event(id="a")])

    # deltalake does not survive a fork, so the victim is an interpreter of its own.
    process = subprocess.run(
        [sys.executable, "-c", VICTIM, str(home.path)], env={**os.environ, crash.SETTING: moment}, check=False
    )
    assert process.returncode == -signal.SIGKILL
    expected = 4 if moment == "committed" else 1
    assert len(rows(home)) == snapshot(home).positions[TOPIC, 0].received == expected


def test_rows_are_on_the_disk_before_the_commit_and_the_commit_before_the_flush_returns(home, monkeypatch):
    lake = Lake.open(home.lake, home.secret())
    happened = []

    def seen(handle):
        happened.append(str(Path(f"/proc/self/fd/{handle}").readlink()).removeprefix(home.lake).lstrip("/"))

    commit = DeltaTable.create_write_transaction
    monkeypatch.setattr("lake.storage.os.fsync", seen)
    monkeypatch.setattr(
        DeltaTable,
        "create_write_transaction",
        lambda *arguments, **options: (happened.append("COMMIT"), commit(*arguments, **options)),
    )
    lake.flush([span(None, 2)], batch_of([event(), b"not json"], home))
    before, after = happened[: happened.index("COMMIT")], happened[happened.index("COMMIT") + 1 :]
    assert sum(name.endswith(".parquet") for name in before) == 2
    assert {"kind=lab_result", "kind=refused", ""} <= set(before)
    assert any(name.startswith("_delta_log/") and name.endswith(".json") for name in after)
    assert "_delta_log" in after


def test_a_lake_may_be_named_by_a_uri(home):
    lake = Lake.open(f"file://{home.lake}", home.secret())
    lake.flush([span(None, 1)], batch_of([event()], home))
    (file,) = snapshot(f"file://{home.lake}").files["lab_result"]
    assert file.startswith("file:///")
    assert len(rows(home)) == 1


def test_a_new_column_is_added_before_rows_that_have_it(home, monkeypatch):
    older = pa.schema([column for column in table_schema() if column.name != "platform"])
    monkeypatch.setattr("lake.table.table_schema", lambda: older)
    record(home, SITE, [event(id="a")])
    monkeypatch.undo()
    assert "platform" not in {column.name for column in DeltaTable(home.lake).schema().fields}
    record(home, SITE, [event(id="b")])
    assert "platform" in {column.name for column in DeltaTable(home.lake).schema().fields}
    assert len(rows(home)) == 2


def test_a_column_whose_type_changed_stops_the_worker(home, monkeypatch):
    record(home, SITE, [event()])
    position = table_schema().get_field_index("loinc")
    other = table_schema().set(position, pa.field("loinc", pa.int64()))
    monkeypatch.setattr("lake.table.table_schema", lambda: other)
    with pytest.raises(EnvironmentProblem, match="column loinc has another type"):
        record(home, SITE, [event()])


def test_a_newer_column_of_another_worker_does_no_harm(home):
    lake = Lake.open(home.lake, home.secret())
    lake.flush([span(None, 1)], batch_of([event(id="a")], home))
    DeltaTable(home.lake).alter.add_columns(list(Schema.from_arrow(pa.schema([("later", pa.string())])).fields))
    lake.flush([span(1, 2)], batch_of([event(id="b")], home, 1))
    assert "later" in {column.name for column in DeltaTable(home.lake).schema().fields}
    assert len(rows(home)) == 2


def test_a_stale_handle_cannot_commit_over_a_metadata_change(home):
    """The ground that retrying stands on: deltalake refuses, so nothing is ever written past a change unseen."""
    record(home, SITE, [event()])
    first, second = DeltaTable(home.lake), DeltaTable(home.lake)
    first.alter.set_table_properties({"b12.topic.x": "y/1"}, raise_if_not_exists=False)
    with pytest.raises(CommitFailedError, match="Metadata changed"):
        second.alter.set_table_properties({"b12.topic.z": "y/1"}, raise_if_not_exists=False)


def test_every_partition_has_a_schema_within_the_tables():
    whole = {column.name: column.type for column in table_schema()}
    for partition in PARTITIONS:
        assert all(whole[column.name] == column.type for column in schema(partition))


def test_no_reported_value_stands_in_the_log(home):
    record(home, SITE, [event(subject="CANARY-7", data={"value": 4711.25, "collected": "2026-01-17"})])
    log = b"".join(path.read_bytes() for path in (home.path / "lake" / "deliveries" / "_delta_log").iterdir())
    assert b"CANARY" not in log
    assert not shows(log.decode(errors="replace"), 4711)
    assert b"2026-01-17" not in log
