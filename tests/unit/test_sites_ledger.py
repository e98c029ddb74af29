"""The ledger remembers what was acknowledged, and who is behind a pseudonym."""

from datetime import UTC, datetime, timedelta

import pytest

from contracts import pseudonyms
from contracts.errors import EnvironmentProblem, UsageError
from sites import ledger as ledgers
from sites.ledger import Acknowledged, Origin, Vanished

KEY = pseudonyms.site_key(b"s" * 32, "BLR01")
NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture
def ledger(tmp_path):
    with ledgers.opened(tmp_path / "BLR01.ledger.sqlite", KEY) as ledger:
        yield ledger


def said(id_="1", record="b12:S1", **changes):
    fields = {"kind": "lab_result", "output": "b12", "subject": "A", "time": NOW.isoformat(), "position": f"t/0/{id_}"}
    return Acknowledged(**{**fields, "id": id_, "record": record, **changes})


def test_the_last_acknowledged_id_of_a_record_counts(ledger):
    assert ledger.is_empty
    ledger.acknowledge([said("1"), said("2", "b12:S2"), said("3")])
    assert ledger.current_ids() == {("lab_result", "b12:S1"): "3", ("lab_result", "b12:S2"): "2"}


def test_a_retraction_ends_a_record(ledger):
    ledger.acknowledge([said("1"), said("9", "9", kind="retraction", output="", retracts=("lab_result", "b12:S1"))])
    assert ledger.current_ids() == {}
    assert not ledger.is_empty


def test_records_vanish_from_the_outputs_of_their_own_mapping_only(ledger):
    ledger.acknowledge([said("1"), said("2", "b12:S2"), said("3", "hb:S1", output="hb")])
    assert ledger.vanished(["b12"], {("lab_result", "b12:S2")}) == [Vanished("lab_result", "b12:S1", "A")]


def test_pseudonyms_are_turned_back(ledger):
    ledger.acknowledge([said("1"), said("2")])
    assert ledger.origin(pseudonyms.pseudonym(KEY, "id", "1")) == Origin("lab_result", "b12:S1", "A")
    assert ledger.subject(pseudonyms.pseudonym(KEY, "subject", "A")) == "A"
    assert ledger.origin(b"x" * 16) is None
    assert ledger.subject(b"x" * 16) is None


def test_what_was_refused_is_sent_again_only_while_it_is_the_last_word(ledger):
    ledger.acknowledge([said("1"), said("2")])
    assert not ledger.forget("t/0/7")
    ledger.forget("t/0/1")
    assert ledger.current_ids() == {("lab_result", "b12:S1"): "2"}
    assert ledger.forget("t/0/2")
    assert ledger.current_ids() == {}
    assert not ledger.forget("t/0/2")


def test_a_file_of_events_is_remembered_by_id_and_time(ledger):
    ledger.acknowledge([said("1", output="")])
    assert ledger.is_acknowledged("1", NOW.isoformat())
    assert not ledger.is_acknowledged("1", (NOW + timedelta(1)).isoformat())
    assert ledger.current_ids() == {}
    ledger.forget("t/0/1")
    assert not ledger.is_acknowledged("1", NOW.isoformat())


def test_a_topic_made_anew_forgets_what_was_acknowledged(ledger):
    assert not ledger.begin(NOW, "first")
    ledger.acknowledge([said("1")])
    assert not ledger.begin(NOW, "first")
    assert ledger.begin(NOW, "second")
    assert ledger.current_ids() == {}


def test_each_push_is_later_than_the_one_before(ledger):
    assert ledger.next_time(NOW) == NOW
    ledger.begin(NOW, "t")
    assert ledger.next_time(NOW) > NOW
    assert ledger.next_time(NOW - timedelta(minutes=5)) > NOW
    with pytest.raises(EnvironmentProblem, match="clock is behind"):
        ledger.next_time(NOW - timedelta(hours=1))


def test_one_push_at_a_time(tmp_path):
    path = tmp_path / "BLR01.ledger.sqlite"
    with (
        ledgers.one_push_at_a_time(path),
        pytest.raises(UsageError, match="another push of this site is running"),
        ledgers.one_push_at_a_time(path),
    ):
        pass
    with ledgers.one_push_at_a_time(path):
        pass


def test_a_ledger_is_for_its_owner_alone_and_says_when_it_is_damaged(tmp_path):
    path = tmp_path / "BLR01.ledger.sqlite"
    with ledgers.opened(path, KEY):
        assert path.stat().st_mode & 0o777 == 0o600
    path.write_bytes(b"no database" * 100)
    with pytest.raises(EnvironmentProblem, match=r"is damaged .* move it away"), ledgers.opened(path, KEY):
        pass
