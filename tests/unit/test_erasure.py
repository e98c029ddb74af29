"""Erasing takes every row of a family out of the lake and nothing else, whatever goes on there meanwhile."""

import threading
from collections import Counter

import pytest
from deltalake import DeltaTable

from contracts.errors import EnvironmentProblem
from contracts.pseudonyms import pseudonym, site_key
from lake import compaction, erasure, tombstones
from lake.erasure import Erased, erase
from lake.maintenance import maintain
from lake.schema import ERASED, REFUSED
from lake.snapshot import snapshot
from lake.table import Lake
from lake.tombstones import Subject
from tests.lake_fixture import RECEIVED, record, record_replays, rows
from tests.sample_events import event, one_of_each
from tests.unit.test_lake import SITE, TOPIC

STAYS = event(subject="STAYS", id="stays")
REFUSED_OF_GONE = event(subject="GONE", id="refused", data={"loinc": "0000-0"})


def gone(home, code="GONE"):
    return Subject(SITE.id, pseudonym(site_key(home.secret(), SITE.id), "subject", code))


def of_everything(subject):
    return [event(kind, subject=subject, id=f"{kind}-{subject}") for kind in ("enrolment", "lab_result", "dose")]


@pytest.fixture(autouse=True)
def _site(home):
    home.ensure_secret()
    home.put_site(SITE)


def keys(home):
    """Of each row, its offset, partition of the lake and subject."""
    return {
        (row["partition"], row["offset"]): (row["kind"], row["subject_hi"], row["id_hi"] is None)
        for row in rows(home)
        if row["topic_uuid"] == TOPIC
    }


def test_of_a_family_nothing_stays_but_where_its_deliveries_stood(home):
    record(home, SITE, [*of_everything("GONE"), STAYS, REFUSED_OF_GONE, b"not json"])
    before, positions = keys(home), snapshot(home).positions
    lake = Lake.open(home.lake, home.secret())
    judged = lake.judgements(TOPIC, 0, 0, 6)

    done = erase(home.lake, [gone(home)])

    assert done == Erased({SITE.id: 4}, 4)
    after = keys(home)
    assert {after[0, offset] for offset in (0, 1, 2)} == {(ERASED, None, True)}
    assert after[0, 4] == (REFUSED, None, True)
    assert {place: after[place] for place in ((0, 3), (0, 5))} == {place: before[place] for place in ((0, 3), (0, 5))}
    placeholders = [row for row in rows(home) if row["kind"] == ERASED]
    assert {name for row in placeholders for name, value in row.items() if value is not None} == {
        "kind", "site", "topic_uuid", "partition", "offset", "received_at", "contract",
    }  # fmt: skip
    assert snapshot(home).positions == positions
    again = lake.judgements(TOPIC, 0, 0, 6)
    assert again.accepted == judged.accepted
    assert [(r.offset, r.rule, r.path, r.kind) for r in again.refused] == [
        (r.offset, r.rule, r.path, r.kind) for r in judged.refused
    ]
    assert [r.subject_key for r in judged.refused] != [r.subject_key for r in again.refused] == [None, None]


def test_files_that_hold_nothing_of_it_are_left_as_they_are(home):
    record(home, SITE, [STAYS])
    record(home, SITE, of_everything("GONE")[1:2])
    untouched = snapshot(home).files["lab_result"]
    assert erase(home.lake, [gone(home, "NOBODY")]) == erasure.NOTHING
    version = snapshot(home).version
    assert snapshot(home).files["lab_result"] == untouched
    assert erase(home.lake, []) == erasure.NOTHING
    assert snapshot(home).version == version
    erase(home.lake, [gone(home)])
    assert len(set(snapshot(home).files["lab_result"]) & set(untouched)) == 1


def test_another_site_may_use_the_same_code(home):
    record(home, SITE, of_everything("GONE"))
    stranger = Subject("OSL01", gone(home).key)
    assert erase(home.lake, [stranger]) == erasure.NOTHING


def test_what_a_compaction_wrote_is_erased_and_compacted_and_read_by_a_flush(home):
    for _ in range(2):
        record(home, SITE, [*one_of_each(), STAYS, *of_everything("GONE")])
    maintain(home)
    erase(home.lake, [gone(home)])
    maintain(home)
    record(home, SITE, [STAYS])
    assert Counter(row["kind"] for row in rows(home))[ERASED] == 6
    assert len(rows(home)) == 2 * (len(one_of_each()) + 4) + 1
    assert {len(files) for files in snapshot(home).files.values()} == {1, 2}


def test_a_replay_still_names_what_it_repeated(home):
    record(home, SITE, [REFUSED_OF_GONE])
    record_replays(home, [(SITE, 0, event(subject="GONE", id="refused"))])
    erase(home.lake, [gone(home)])
    [place] = [row for row in rows(home) if row["kind"] == ERASED]
    assert (place["origin_topic_uuid"], place["origin_partition"], place["origin_offset"]) == (TOPIC, 0, 0)


@pytest.mark.parametrize("moment", ["claim", "_theirs"])
def test_a_compaction_meanwhile_doubles_nothing_and_keeps_nothing(home, monkeypatch, moment):
    """Before the erasure looks through the files, or before it commits."""
    before_a_compaction(home)
    original = getattr(erasure, moment)

    def meanwhile(*arguments):
        monkeypatch.undo()
        answer = original(*arguments)
        assert maintain(home).compacted != (0, 0)
        return answer

    monkeypatch.setattr(erasure, moment, meanwhile)
    erase(home.lake, [gone(home)])
    assert_erased(home)


def test_an_erasure_during_a_compaction_doubles_nothing_and_keeps_nothing(home, monkeypatch):
    before_a_compaction(home)
    original = compaction.claim

    def meanwhile(table):
        monkeypatch.undo()
        answer = original(table)
        erase(home.lake, [gone(home)])
        return answer

    monkeypatch.setattr(compaction, "claim", meanwhile)
    assert maintain(home).compacted == (0, 0)
    assert_erased(home)


def test_a_compaction_that_an_erasure_overlaps_with_gives_way(home, monkeypatch):
    """deltalake lets an erasure remove files that a compaction has replaced meanwhile: the claim does not."""
    before_a_compaction(home)
    looked, compacted = threading.Event(), threading.Event()
    claim, theirs = compaction.claim, erasure._theirs
    eraser = threading.Thread(target=lambda: erase(home.lake, [gone(home)]))

    def begin(table):
        monkeypatch.setattr(compaction, "claim", claim)
        answer = claim(table)
        eraser.start()
        assert looked.wait(10)
        return answer

    def wait(*arguments):
        looked.set()
        assert compacted.wait(10)
        return theirs(*arguments)

    monkeypatch.setattr(compaction, "claim", begin)
    monkeypatch.setattr(erasure, "_theirs", wait)
    done = maintain(home)
    compacted.set()
    eraser.join()
    assert done.compacted == (0, 0)
    assert_erased(home)


def before_a_compaction(home):
    for number in range(3):
        record(home, SITE, [STAYS, event(subject="GONE", id=f"{number}")])


def assert_erased(home):
    assert Counter((row["offset"], row["kind"]) for row in rows(home)) == {
        (offset, ERASED if offset % 2 else "lab_result"): 1 for offset in range(6)
    }


def test_many_at_once_beside_writers_and_compactions_erase_each_row_once(home):
    record(home, SITE, [STAYS, event(subject="GONE", id="first")])

    def write():
        for number in range(12):
            record(home, SITE, [event(subject="GONE", id=f"{number}"), event(subject="STAYS", id=f"s{number}")])

    def sweep():
        for _ in range(3):
            erase(home.lake, [gone(home)])

    threads = [threading.Thread(target=work) for work in (write, sweep, sweep, lambda: maintain(home))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    erase(home.lake, [gone(home)])
    assert Counter(row["offset"] for row in rows(home)) == dict.fromkeys(range(26), 1)
    assert Counter(row["kind"] for row in rows(home)) == {"lab_result": 13, ERASED: 13}


def test_when_others_are_always_quicker_it_says_so(home, monkeypatch):
    record(home, SITE, of_everything("GONE"))
    version = snapshot(home).version
    monkeypatch.setattr(erasure, "claim", lambda _table: False)
    monkeypatch.setattr(erasure.time, "sleep", lambda _seconds: None)
    with pytest.raises(EnvironmentProblem, match="another maintenance"):
        erase(home.lake, [gone(home)])
    assert snapshot(home).version == version


def test_a_tombstone_knows_its_subject_again_and_nobody_can_make_the_pseudonym_of_it(home):
    subject = gone(home)
    assert tombstones.read(home).counts() == {}
    for _ in range(2):
        tombstones.put(home, [subject])
    found = tombstones.read(home)
    assert found.counts() == {SITE.id: 1}
    assert found.among([subject, gone(home, "STAYS"), Subject("OSL01", subject.key)]) == {subject}
    kept = home.erased_file.read_text()
    assert subject.key.hex() not in kept
    assert home.erased_file.stat().st_mode & 0o77 == home.erasure_key.stat().st_mode & 0o77 == 0


def test_without_their_key_tombstones_stop_whoever_needs_them(home):
    tombstones.put(home, [gone(home)])
    home.erasure_key.unlink()
    for use in (tombstones.read, lambda home: tombstones.put(home, [gone(home)])):
        with pytest.raises(EnvironmentProblem, match="restore it from a backup"):
            use(home)
    assert not home.erasure_key.exists()


def test_maintenance_erases_what_was_sent_again(home):
    record(home, SITE, [STAYS, *of_everything("GONE")])
    tombstones.put(home, [gone(home)])
    erase(home.lake, [gone(home)])
    record(home, SITE, of_everything("GONE"), received=RECEIVED)
    assert tombstones.read(home).in_files(snapshot(home).files) == {gone(home)}
    assert maintain(home).erased == 3
    assert tombstones.read(home).in_files(snapshot(home).files) == frozenset()
    assert maintain(home).erased == 0
    assert DeltaTable(home.lake).version() == snapshot(home).version
