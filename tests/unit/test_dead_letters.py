"""Which deliveries are dead letters, what can be done about each, and how they are replayed: without a Kafka."""

from contextlib import contextmanager
from types import SimpleNamespace

import dagster as dg
import pytest
from kafka import TopicPartition
from kafka.errors import KafkaTimeoutError, MessageSizeTooLargeError

from b12 import cli
from contracts.errors import EnvironmentProblem
from lake import dead_letters
from lake.dead_letters import Place
from lake.home import REPLAY_TOPIC
from lake.origins import HEADER, NO_SITE, Origin, header, origin_of
from lake.snapshot import snapshot
from pipelines.replays import replay_job
from streams import replays
from streams.originals import NEAR, _Stretch
from streams.replays import Replays
from tests.lake_fixture import RECEIVED, REPLAY_UUID, record, record_replays, topic_uuid_of
from tests.registry_fixture import BLR01, OSL01
from tests.sample_events import event

SECRET_VALUE = b'{"subject": "CANARY", '
UNIT = event(id="u", data={"unit": "furlong"})
UUID = topic_uuid_of(BLR01)
EVERYTHING = {(UUID, 0): 0, (topic_uuid_of(OSL01), 0): 0, (REPLAY_UUID, 0): 0}
RECEIVED_MS = int(RECEIVED.timestamp() * 1000)


@pytest.fixture(autouse=True)
def lake(home):
    """Two sites: of BLR01 the offsets 1, 2 and 4 are refused, of OSL01 the offset 0."""
    home.ensure_secret()
    home.put_site(BLR01)
    home.put_site(OSL01)
    record(home, BLR01, [event(id="a"), SECRET_VALUE, UNIT, event(id="b"), None])
    record(home, OSL01, [b""])


def letters(home, kept=EVERYTHING, on_their_way=(), site="BLR01", **choice):
    with dead_letters.opened(snapshot(home), kept, on_their_way) as opened:
        return list(opened.letters(site, **choice))


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


class Records:
    """Kafka's records by their place, in memory."""

    def __init__(self, found=()):
        self.found = dict(found)

    def read(self, places):
        return ((place, self.found.get(place)) for place in places)


class Producer:
    """Takes what it is sent, but what is too large at once, and what it is told to refuse later."""

    partitions = 2

    def __init__(self, **settings):
        self.most = settings["max_request_size"]
        self.sent = []
        self.too_large = b"the broker says no"
        self.fails_after = 10**9

    def partitions_for(self, _):
        return set(range(self.partitions))

    def send(self, topic, value, *, key, headers, partition):
        if len(value or b"") > self.most:
            raise MessageSizeTooLargeError
        self.sent.append(SimpleNamespace(topic=topic, value=value, key=key, headers=headers, partition=partition))
        number = len(self.sent)

        def get(_seconds):
            if value == self.too_large:
                raise MessageSizeTooLargeError
            if number > self.fails_after:
                raise KafkaTimeoutError

        return SimpleNamespace(get=get)

    def close(self, timeout):
        """Nothing is open."""


@pytest.fixture
def producer(monkeypatch):
    made = Producer(max_request_size=replays.MOST_BYTES)
    monkeypatch.setattr(replays, "KafkaProducer", lambda **_: made)
    monkeypatch.setenv("B12_BROKERS", "nowhere:1")
    return made


def kept(value, *headers, topic=BLR01.events_topic):
    return SimpleNamespace(topic=topic, value=value, headers=list(headers), timestamp=RECEIVED_MS)


@pytest.fixture
def records():
    return Records(
        {
            Place(UUID, 0, 1): kept(SECRET_VALUE),
            Place(UUID, 0, 2): kept(UNIT, ("traceparent", b"00"), ("ce_id", None), (HEADER, b"the site's own")),
            Place(UUID, 0, 4): kept(None),
            Place(REPLAY_UUID, 0, 0): kept(UNIT, header(Origin("GONE01", "t", UUID, 0, 9, 5)), topic=REPLAY_TOPIC),
        }
    )


@pytest.fixture
def open_(records):
    """What stands in for streams.replays.opened: the lake is real, Kafka is not."""

    @contextmanager
    def opened(home):
        with dead_letters.opened(snapshot(home), EVERYTHING) as found:
            yield Replays(home, found, records, {UUID: BLR01.events_topic})

    return opened


def test_a_replay_is_the_record_byte_by_byte_with_its_senders_headers_and_its_origin(home, producer, open_):
    with open_(home) as opened:
        progress = []
        done = opened.replay(opened.ready("BLR01", None, again=False), progress.append)
    assert (done, sum(progress)) == ((3, 0, 0), 3)
    assert [sent.value for sent in producer.sent] == [SECRET_VALUE, UNIT, None]
    assert {(sent.topic, sent.partition) for sent in producer.sent} == {(REPLAY_TOPIC, 0)}
    assert producer.sent[1].headers[:2] == [("traceparent", b"00"), ("ce_id", b"")]
    assert len(producer.sent[1].headers) == 3
    assert origin_of(producer.sent[1].headers) == Origin("BLR01", BLR01.events_topic, UUID, 0, 2, RECEIVED_MS)
    assert producer.sent[2].key == f"{UUID}/0/4".encode()


def test_a_replay_of_a_replay_names_the_first_delivery(home, producer, open_):
    record_replays(home, [(BLR01, 2, b"{}")])
    with open_(home) as opened:
        letters = opened.ready("BLR01", "field_missing", again=True)
        assert opened.ready("BLR01", "field_missing", again=False) == []
        assert opened.replay(letters).written == 1
    assert origin_of(producer.sent[0].headers) == Origin("BLR01", BLR01.events_topic, UUID, 0, 2, RECEIVED_MS)


def test_what_kafka_deletes_meanwhile_and_what_it_takes_no_more_is_said(home, producer, open_, records):
    del records.found[Place(UUID, 0, 1)]
    records.found[Place(UUID, 0, 2)] = kept(b"x" * (replays.MOST_BYTES + 1))
    records.found[Place(UUID, 0, 4)] = kept(producer.too_large)
    with open_(home) as opened:
        assert opened.replay(opened.ready("BLR01", None, again=False)) == (0, 1, 2)


def test_a_kafka_that_fails_on_the_way_says_how_far_it_came(home, producer, open_):
    producer.fails_after = 2
    with open_(home) as opened, pytest.raises(EnvironmentProblem, match=r"2 of 3 are written; run it again"):
        opened.replay(opened.ready("BLR01", None, again=False))


# One partition, read forwards


class Consumer:
    """A partition with holes, in polls of three."""

    def __init__(self, offsets, first=0, end=None):
        self.records = [SimpleNamespace(offset=offset) for offset in offsets]
        self.first, self.end = first, offsets[-1] + 1 if end is None else end
        self.seeks = []

    def assign(self, _):
        """There is one partition alone."""

    def beginning_offsets(self, partitions):
        return dict.fromkeys(partitions, self.first)

    def end_offsets(self, partitions):
        return dict.fromkeys(partitions, self.end)

    def seek(self, _, offset):
        self.seeks.append(offset)
        self.at = offset

    def position(self, _):
        return self.at

    def poll(self, _):
        found = [record for record in self.records if record.offset >= self.at][:3]
        self.at = found[-1].offset + 1 if found else self.end  # what is left are marks of transactions
        return {"tp": found} if found else {}


def test_records_are_found_by_their_place_and_nothing_is_read_twice():
    consumer = Consumer([*range(5, 11), *range(NEAR * 3, NEAR * 3 + 5)], first=5, end=NEAR * 3 + 9)
    stretch = _Stretch(consumer, "tp")
    wanted = [2, 5, 6, 9, NEAR * 3 + 3, NEAR * 3 + 7, NEAR * 3 + 20]
    found = [stretch.record(offset) for offset in wanted]
    assert [record and record.offset for record in found] == [None, 5, 6, 9, NEAR * 3 + 3, None, None]
    assert consumer.seeks == [5, NEAR * 3 + 3]


def test_everything_behind_an_offset_is_read_up_to_what_is_there_now():
    consumer = Consumer(range(5, 12), first=5, end=14)
    assert [record.offset for record in _Stretch(consumer, "tp").after(7)] == [7, 8, 9, 10, 11]
    assert [record.offset for record in _Stretch(Consumer(range(5, 12), first=5), "tp").after(0)] == list(range(5, 12))
    assert list(_Stretch(Consumer([], first=5, end=5), "tp").after(0)) == []


def test_a_kafka_that_falls_silent_is_told():
    consumer = Consumer([5], end=9)
    consumer.poll = lambda _: {}
    with pytest.raises(EnvironmentProblem, match="nothing more"):
        _Stretch(consumer, TopicPartition("t", 0)).record(5)


# The commands


@pytest.fixture
def run(home, open_, producer, monkeypatch, capsys):
    monkeypatch.setattr(replays, "opened", open_)

    def run(*arguments):
        code = cli.main(["--home", str(home.path), "dead-letters", *arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def test_the_list_shows_counts_and_no_data(run):
    code, out, _ = run("list")
    assert code == 0
    assert [line.split()[:4] for line in out.splitlines()[1:5]] == [
        ["BLR01", "no_value", "1", "1"],
        ["BLR01", "not_json", "1", "1"],
        ["BLR01", "unit_not_for_code", "1", "1"],
        ["OSL01", "not_json", "1", "1"],
    ]
    assert "b12 dead-letters replay" in out
    assert "CANARY" not in out


def test_each_is_shown_without_its_data(run):
    code, out, _ = run("show", "BLR01", "--rule", "unit_not_for_code")
    assert code == 0
    line = out.splitlines()[1].split()
    assert line[:6] == ["0", "2", "unit_not_for_code", "$.data.unit", "lab_result", f"{len(UNIT)}"]
    assert "furlong" not in out
    assert run("show", "BLR01", "--rule", "wrong_site")[1].startswith("BLR01 has no dead letters of the rule")
    assert run("show", "NOT01")[0] == 2


def test_what_was_sent_is_shown_on_a_terminal_alone(run, records, monkeypatch):
    code, out, err = run("show", "BLR01", "--raw")
    assert (code, out) == (2, "")
    assert "terminal" in err
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    records.found[Place(UUID, 0, 2)] = kept(b"\x1b[2J\xff ja")
    del records.found[Place(UUID, 0, 4)]
    code, out, _ = run("show", "BLR01", "--raw")
    assert code == 0
    assert SECRET_VALUE.decode() in out
    assert "\\x1b[2J\\xff ja" in out, "a terminal obeys nothing of it"
    assert "Kafka has deleted" in out


def test_a_replay_asks_once_and_says_what_it_did(run, producer):
    assert run("replay", "BLR01")[0] == 2
    assert run("replay", "BLR01", "--all", "--rule", "no_value")[0] == 2
    code, out, _ = run("replay", "BLR01", "--all", "--dry-run")
    assert (code, out) == (0, "3 deliveries of BLR01 would be judged again.\n")
    code, _, err = run("replay", "BLR01", "--all")
    assert code == 2
    assert "--yes" in err
    assert producer.sent == []
    code, out, _ = run("replay", "BLR01", "--rule", "not_json", "--yes")
    assert code == 0
    assert out.startswith("1 written to be judged again.")
    assert len(producer.sent) == 1


def test_a_replay_says_why_it_passes_letters_over(home, run, open_, producer, monkeypatch):
    record_replays(home, [(BLR01, 2, b"{}")])

    @contextmanager
    def opened(home):
        with dead_letters.opened(snapshot(home), {(REPLAY_UUID, 0): 0}, [Place(UUID, 0, 1)]) as found:
            yield Replays(home, found, Records(), {})

    monkeypatch.setattr(replays, "opened", opened)
    code, out, _ = run("replay", "BLR01", "--all", "--yes")
    assert code == 0
    assert out.splitlines() == [
        "field_missing: 1 refused again by the contract of today: --again replays them all the same.",
        "no_value: 1 expired: Kafka has deleted what was sent, so the site has to send it again.",
        "not_json: 1 on their way: a worker has not read the replay yet (`b12 status`).",
        "Nothing to replay for BLR01.",
    ]
    assert "Of expired ones" in run("list")[1]
    code, out, _ = run("replay", "BLR01", "--rule", "field_missing", "--again", "--yes")
    assert "1 expired meanwhile" in out, "its record is in no stand-in"


def test_a_home_without_dead_letters_says_so(home, run, monkeypatch):
    @contextmanager
    def opened(home):
        with dead_letters.opened(snapshot(home)._replace(files={}), {}) as found:
            yield Replays(home, found, Records(), {})

    monkeypatch.setattr(replays, "opened", opened)
    assert run("list")[1].startswith("No dead letters")


def test_a_lost_range_of_replays_is_accepted_by_a_command_of_its_own(home, run):
    from lake import gaps

    assert "no open gap" in run("accept-gap")[1]
    gaps.report(home, gaps.Gap(REPLAY_TOPIC, REPLAY_UUID, 0, 4, 9))
    assert "up to 5 replays" in run("accept-gap")[1]
    assert [bool(gap.accepted_at) for gap in gaps.gaps(home)] == [True]


# The same in Dagster


def executed(home, open_, **config):
    with dg.DagsterInstance.ephemeral() as instance:
        return replay_job(home, open_).execute_in_process(
            instance=instance,
            raise_on_error=False,
            run_config={
                "ops": {"replay": {"config": config}},
                "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
            },
        )


def test_an_operator_replays_in_dagster(home, open_, producer):
    result = executed(home, open_, site="BLR01", rule="unit_not_for_code")
    assert result.success
    [output] = [event for event in result.all_events if event.is_successful_output]
    told = {name: value.value for name, value in output.step_output_data.metadata.items()}
    assert told == {"written": 1, "on their way before": 0, "expired": 0, "too large": 0, "refused again before": 0}
    assert [sent.value for sent in producer.sent] == [UNIT]
    assert "furlong" not in str(result.all_events)


def test_a_wrong_site_ends_the_run_with_a_sentence(home, open_, producer):
    result = executed(home, open_, site="NOT01")
    assert not result.success
    [failure] = [event for event in result.all_events if event.is_step_failure]
    assert "NOT01" in str(failure.step_failure_data.user_failure_data.description)
    assert producer.sent == []
