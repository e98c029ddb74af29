"""Which deliveries are dead letters, and what can be done about each."""

from lake import dead_letters
from lake.dead_letters import Place
from lake.origins import NO_SITE
from lake.snapshot import snapshot
from tests.dead_letters_fixture import EVERYTHING, RECEIVED_MS, SECRET_VALUE, UNIT, UUID, letters
from tests.lake_fixture import REPLAY_UUID, record, record_replays
from tests.registry_fixture import BLR01
from tests.sample_events import event


def states(home, **given):
    return {letter.origin.offset: letter.state for letter in letters(home, **given)}


def test_what_was_refused_is_a_dead_letter_that_points_to_its_record(home):
    unreadable, unit, none = letters(home)
    assert (unreadable.rule, unreadable.kind, unreadable.size_bytes) == ("not_json", "unknown", len(SECRET_VALUE))
    assert (unit.rule, unit.path, unit.kind) == ("unit_not_for_code", "$.data.unit", "lab_result")
    assert unit.source == unit.origin == Place(UUID, 0, 2)
    assert unit.received_ms == unit.judged_ms == RECEIVED_MS
    assert none.size_bytes is None
    assert {letter.state for letter in (unreadable, unit, none)} == {"open"}
    assert [letter.rule for letter in letters(home, rule="not_json")] == ["not_json"]
    assert len(letters(home, limit=2)) == 2


def test_they_are_counted_by_site_and_rule(home):
    record(home, BLR01, [UNIT, UNIT])
    with dead_letters.opened(snapshot(home), {**EVERYTHING, (UUID, 0): 2}) as opened:
        groups = {(group.site, group.rule): group for group in opened.groups()}
    assert list(groups) == [
        ("BLR01", "unit_not_for_code"),
        ("BLR01", "no_value"),
        ("BLR01", "not_json"),
        ("OSL01", "not_json"),
    ]
    assert groups["BLR01", "unit_not_for_code"].states["open"] == 3
    assert groups["BLR01", "not_json"].states == dict.fromkeys(dead_letters.STATES, 0) | {"expired": 1}


def test_what_a_replay_brought_in_is_none_any_more(home):
    record_replays(home, [(BLR01, 1, event(id="c")), (BLR01, 2, event(id="u"))])
    assert states(home) == {4: "open"}
    record_replays(home, [(BLR01, 1, SECRET_VALUE)])
    assert states(home) == {4: "open"}, "a repeated one that is refused takes nothing back"


def test_one_that_was_refused_again_waits_for_another_contract(home, monkeypatch):
    record_replays(home, [(BLR01, 2, b"{}")])
    [again] = letters(home, rule="field_missing")
    assert (again.state, again.origin, again.source) == ("judged_again", Place(UUID, 0, 2), Place(REPLAY_UUID, 0, 0))
    assert (again.received_ms, again.judged_ms) == (RECEIVED_MS, RECEIVED_MS + 3_600_000)
    assert letters(home, rule="unit_not_for_code") == []
    monkeypatch.setattr(dead_letters, "VERSION", "2")
    assert states(home)[2] == "open"


def test_one_whose_replay_no_worker_has_read_yet_is_on_its_way(home):
    assert states(home, on_their_way=[Place(UUID, 0, 2)] * 2) == {1: "open", 2: "on_its_way", 4: "open"}


def test_one_is_expired_when_kafka_has_neither_its_record_nor_its_replays(home):
    record_replays(home, [(BLR01, 1, b"{}"), (BLR01, 2, b"{}")])
    kept = {(UUID, 0): 2, (REPLAY_UUID, 0): 2}
    assert states(home, kept=kept) == {1: "expired", 2: "judged_again", 4: "open"}
    [second] = letters(home, kept=kept, states=["judged_again"])
    assert second.source == Place(UUID, 0, 2), "the replay is gone, the site's own record is there"
    assert states(home, kept={(REPLAY_UUID, 0): 1}) == {1: "expired", 2: "judged_again", 4: "expired"}


def test_a_replay_that_names_nothing_is_listed_and_cannot_be_replayed(home):
    record_replays(home, [(BLR01, None, b"")])
    [letter] = letters(home, site=NO_SITE)
    assert (letter.rule, letter.state) == ("replay_unreadable", "unreadable")


def test_a_lake_of_before_there_were_replays_has_dead_letters_too(home):
    import pyarrow.parquet as pq

    files = snapshot(home).files
    for path in (path for paths in files.values() for path in paths):
        table = pq.read_table(path, partitioning=None)
        pq.write_table(table.drop_columns([name for name in table.column_names if name.startswith("origin_")]), path)
    assert states(home) == {1: "open", 2: "open", 4: "open"}
    assert letters(home, site="NOT01") == []
