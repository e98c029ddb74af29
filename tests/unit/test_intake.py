"""The intake's decisions, with a lake of its own and everything of Kafka replaced by stand-ins."""

import asyncio
import itertools
import json
from types import SimpleNamespace

import pytest
from aiokafka.errors import UnknownTopicOrPartitionError
from faust.types import TP

from contracts.errors import EnvironmentProblem
from contracts.pseudonyms import pseudonym, site_key
from contracts.site import Site
from lake import gaps
from lake.snapshot import snapshot
from lake.table import Lake
from streams.intake import FENCES, Intake
from streams.metrics import Metrics
from streams.transport import Fetch, Grant
from tests.sample_events import event
from tests.unit.test_lake import rows

SITE = Site(id="BLR01", name="A laboratory", country="IN", time_zone="Asia/Kolkata", synthetic=True)
ONE, TWO = TP(SITE.events_topic, 0), TP(SITE.events_topic, 1)
UUID = "6f1e4a5c-0000-4000-8000-000000000001"
OTHER_UUID = "6f1e4a5c-0000-4000-8000-000000000002"
RECEIVED_MS = 1_795_000_000_000


class Kafka:
    """Consumer, cluster and producer in one, without records: a test makes the fetches."""

    def __init__(self):
        self.uuids = {SITE.events_topic: UUID}
        self.log = {ONE: (0, 1000), TWO: (0, 1000)}
        self.granted = {}
        self.withdrawn = []
        self.commits = {}
        self.sent = []
        self.out_of_range = set()
        self.handed = {}
        self.refuses_receipts = False
        self._leases = itertools.count(1)

    def new_lease(self):
        return next(self._leases)

    def lost(self):
        lost, self.out_of_range = self.out_of_range, set()
        return lost

    def handed_over(self):
        return self.handed

    async def grant(self, grants):
        self.granted |= grants

    async def withdraw(self, partitions):
        self.withdrawn += partitions

    async def committed(self, partitions):
        return {tp: self.commits.get(tp) for tp in partitions}

    async def bounds(self, partitions):
        return {tp: self.log[tp] for tp in partitions}

    async def commit_receipts(self, offsets):
        self.commits |= offsets
        return True

    def topic_uuids(self, names):
        return {name: self.uuids[name] for name in names if name in self.uuids}

    async def send(self, topic, partition, values):
        if self.refuses_receipts:
            raise UnknownTopicOrPartitionError
        assert topic == SITE.receipts_topic
        receipts = [json.loads(value)["data"] for value in values]
        assert all(receipt["partition"] == partition for receipt in receipts)
        self.sent += receipts

    def fetch(self, tp, start, *values, offset=None, lease=None):
        """The next fetch of a partition: values from `offset` on, chained to `start`."""
        offset = start if offset is None else offset
        records = [
            SimpleNamespace(offset=number, timestamp=RECEIVED_MS, value=value, headers=())
            for number, value in enumerate(values, offset)
        ]
        lease = self.granted[tp].lease if lease is None else lease
        return Fetch(tp, lease, start, offset + len(values), records)


@pytest.fixture
def kafka():
    return Kafka()


@pytest.fixture
def new_intake(home, kafka):
    home.ensure_secret()

    def make() -> Intake:
        intake = Intake(home, Lake.open(home.lake, home.secret()), kafka, kafka, kafka, Metrics())
        intake.register({SITE.events_topic: SITE})
        return intake

    return make


def run(coroutine):
    return asyncio.run(coroutine)


def ids(count, first=0):
    return [event(id=f"e-{number}") for number in range(first, first + count)]


def offsets(home):
    return sorted((row["partition"], row["offset"]) for row in rows(home))


def said(capfd_or_caplog, name):
    return [record for record in capfd_or_caplog.records if record.msg == name]


def test_what_is_accepted_is_stored_answered_and_then_committed(home, kafka, new_intake):
    async def story():
        intake = new_intake()
        await intake.take([ONE, TWO])
        await intake.accept(kafka.fetch(ONE, 0, *ids(3)))
        await intake.accept(kafka.fetch(TWO, 0, b"not json", event(id="x", subject="S-9", data={"value": "7 units"})))
        await intake.flush()

    run(story())
    assert offsets(home) == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1)]
    assert [(data["partition"], data["from_offset"], data["to_offset"], data["accepted"]) for data in kafka.sent] == [
        (0, 0, 3, 3),
        (1, 0, 2, 0),
    ]
    unreadable, wrong = kafka.sent[1]["refused"]
    assert (unreadable["offset"], unreadable["rule"]) == (0, "not_json")
    assert "id_key" not in unreadable
    key = site_key(home.secret(), SITE.id)
    assert (wrong["kind"], wrong["path"]) == ("lab_result", "$.data.value")
    assert wrong["id_key"] == pseudonym(key, "id", "x").hex()
    assert wrong["subject_key"] == pseudonym(key, "subject", "S-9").hex()
    assert wrong["fix"]
    assert kafka.commits == {ONE: 3, TWO: 2}


def test_reading_starts_at_the_first_offset_of_an_unknown_topic_and_then_at_the_lakes(home, kafka, new_intake):
    async def story():
        kafka.log[ONE] = (17, 40)
        intake = new_intake()
        await intake.take([ONE])
        assert kafka.granted[ONE].offset == 17
        await intake.accept(kafka.fetch(ONE, 17, *ids(2)))
        await intake.flush()
        kafka.commits[ONE] = 30  # never used for progress
        await new_intake().take([ONE])
        assert kafka.granted[ONE].offset == 19

    run(story())


def test_a_topic_of_no_site_is_never_read(kafka, new_intake):
    run(new_intake().take([TP("b12.site.GONE01.events", 0)]))
    assert kafka.granted == {}


def test_a_missing_fetch_leads_back_to_the_lake(home, kafka, new_intake, caplog):
    async def story():
        intake = new_intake()
        await intake.take([ONE])
        await intake.accept(kafka.fetch(ONE, 0, *ids(2)))
        first = kafka.granted[ONE].lease
        await intake.accept(kafka.fetch(ONE, 5, *ids(1, 5)))  # the fetch from 2 to 5 was lost
        assert kafka.withdrawn == [ONE]
        assert kafka.granted[ONE].offset == 0
        await intake.accept(kafka.fetch(ONE, 6, *ids(1, 6), lease=first))  # still on its way
        await intake.accept(kafka.fetch(ONE, 0, *ids(7)))
        await intake.flush()

    run(story())
    assert offsets(home) == [(0, number) for number in range(7)]
    assert len(said(caplog, "chain_broken")) == 1


def test_a_last_fetch_that_never_arrives_is_read_again_after_a_while(home, kafka, new_intake, monkeypatch, caplog):
    monkeypatch.setattr("streams.intake.RETRY_SECONDS", 0)

    async def story(patience):
        monkeypatch.setattr("streams.intake.PATIENCE_SECONDS", patience)
        intake = new_intake()
        await intake.take([ONE])
        lease = kafka.granted[ONE].lease
        kafka.handed[ONE] = Grant(3, lease)
        await intake.accept(kafka.fetch(ONE, 0, *ids(2)))
        for _ in range(3):
            await intake.tick()
        return kafka.granted[ONE].lease != lease

    assert not run(story(patience=60))
    assert run(story(patience=0))
    assert len(said(caplog, "chain_broken")) == 1


def test_offsets_that_no_record_has_break_no_chain(home, kafka, new_intake):
    async def story():
        intake = new_intake()
        await intake.take([ONE])
        await intake.accept(kafka.fetch(ONE, 0, *ids(2)))
        await intake.accept(kafka.fetch(ONE, 2, *ids(2, 5), offset=5))
        await intake.flush()

    run(story())
    assert offsets(home) == [(0, 0), (0, 1), (0, 5), (0, 6)]
    assert (kafka.sent[0]["from_offset"], kafka.sent[0]["to_offset"], kafka.sent[0]["accepted"]) == (0, 7, 4)


def test_revocation_discards_what_is_buffered(home, kafka, new_intake):
    async def story():
        intake = new_intake()
        await intake.take([ONE])
        fetch = kafka.fetch(ONE, 0, *ids(2))
        await intake.accept(fetch)
        intake.drop()
        await intake.flush()
        await intake.accept(fetch)
        await intake.flush()

    run(story())
    assert snapshot(home).positions == {}
    assert kafka.sent == []
    assert kafka.commits == {}


def test_a_fenced_buffer_is_read_again_from_where_the_lake_is(home, kafka, new_intake, caplog):
    async def story():
        intake, other = new_intake(), new_intake()
        await intake.take([ONE, TWO])
        await intake.accept(kafka.fetch(ONE, 0, *ids(2)))
        await intake.accept(kafka.fetch(TWO, 0, *ids(1)))
        ours = dict(kafka.granted)
        await other.take([ONE])
        await other.accept(kafka.fetch(ONE, 0, *ids(3)))
        await other.flush()
        kafka.granted = ours
        await intake.flush()
        assert {tp: grant.offset for tp, grant in kafka.granted.items()} == {ONE: 3, TWO: 0}
        await intake.accept(kafka.fetch(ONE, 3, *ids(1, 3)))
        await intake.accept(kafka.fetch(TWO, 0, *ids(1)))
        await intake.flush()

    run(story())
    assert offsets(home) == [(0, 0), (0, 1), (0, 2), (0, 3), (1, 0)]
    assert len(said(caplog, "fenced")) == 1


def test_one_who_is_fenced_again_and_again_names_the_likely_second_deployment(home, kafka, new_intake):
    async def story():
        intake, other = new_intake(), new_intake()
        await intake.take([ONE])
        for turn in itertools.count():
            await intake.accept(kafka.fetch(ONE, turn, *ids(1, turn)))
            await other.take([ONE])
            await other.accept(kafka.fetch(ONE, turn, *ids(1, turn)))
            await other.flush()
            await intake.flush()
            assert turn <= FENCES

    with pytest.raises(EnvironmentProblem, match="second deployment"):
        run(story())


def test_a_topic_made_again_is_read_from_its_start_and_its_rows_name_the_new_uuid(home, kafka, new_intake, caplog):
    async def story():
        intake = new_intake()
        await intake.take([ONE])
        await intake.accept(kafka.fetch(ONE, 0, *ids(3)))
        await intake.flush()
        await intake.accept(kafka.fetch(ONE, 3, *ids(1, 3)))  # fetched from the new topic, as it turns out
        kafka.uuids[SITE.events_topic] = OTHER_UUID
        await intake.flush()
        assert kafka.granted[ONE].offset == 0
        await intake.accept(kafka.fetch(ONE, 0, *ids(4, 100)))
        await intake.flush()

    run(story())
    found = {(row["topic_uuid"], row["offset"]) for row in rows(home)}
    assert found == {(UUID, 0), (UUID, 1), (UUID, 2), *((OTHER_UUID, number) for number in range(4))}
    assert len(said(caplog, "topic_remade")) == 1


def test_a_gap_holds_its_partition_alone_until_it_is_accepted(home, kafka, new_intake, monkeypatch, caplog):
    monkeypatch.setattr("streams.intake.RETRY_SECONDS", 0)

    async def story():
        before = new_intake()
        await before.take([ONE, TWO])
        await before.accept(kafka.fetch(ONE, 0, *ids(2)))
        await before.accept(kafka.fetch(TWO, 0, *ids(2)))
        await before.flush()
        kafka.log[ONE] = (10, 1000)
        kafka.granted.clear()
        intake = new_intake()
        await intake.take([ONE, TWO])
        assert list(kafka.granted) == [TWO]
        await intake.tick()
        assert list(kafka.granted) == [TWO]
        await intake.accept(kafka.fetch(TWO, 2, *ids(1, 2)))
        (gap,) = gaps.accept(home, SITE.events_topic)
        assert (gap.from_offset, gap.to_offset) == (2, 10)
        await intake.tick()
        assert kafka.granted[ONE].offset == 10
        await intake.accept(kafka.fetch(ONE, 10, *ids(1, 10)))
        await intake.flush()

    run(story())
    assert offsets(home) == [(0, 0), (0, 1), (0, 10), (1, 0), (1, 1), (1, 2)]
    assert snapshot(home).positions[UUID, 0][:2] == (11, 3)
    assert len(said(caplog, "held")) == 1


def test_a_partition_whose_offset_kafka_lost_while_it_was_read_is_looked_at_again(home, kafka, new_intake):
    async def story():
        intake = new_intake()
        await intake.take([ONE])
        await intake.accept(kafka.fetch(ONE, 0, *ids(2)))
        await intake.flush()
        kafka.log[ONE], kafka.out_of_range = (10, 1000), {ONE}
        await intake.tick()

    run(story())
    assert [gap.to_offset for gap in gaps.gaps(home)] == [10]


def test_a_log_that_ends_before_the_lakes_offset_is_held_for_good(home, kafka, new_intake, caplog):
    async def story():
        before = new_intake()
        await before.take([ONE])
        await before.accept(kafka.fetch(ONE, 0, *ids(5)))
        await before.flush()
        kafka.log[ONE] = (0, 3)
        kafka.granted.clear()
        await new_intake().take([ONE])
        assert kafka.granted == {}

    run(story())
    assert [record.fields["reason"] for record in said(caplog, "held")] == ["log_ends_early"]


def test_receipts_that_were_not_sent_are_sent_by_the_next_owner_with_the_same_words(home, kafka, new_intake):
    async def story():
        dying = new_intake()
        await dying.take([ONE])
        for number in range(0, 6, 2):
            await dying.accept(kafka.fetch(ONE, number, event(id="a"), b"not json"))
            await dying.flush()
        original = list(kafka.sent)
        kafka.sent.clear()
        kafka.commits[ONE] = 2  # it died before the second commit
        heir = new_intake()
        await heir.take([ONE])
        await heir.flush()
        assert [(data["from_offset"], data["to_offset"], data["accepted"]) for data in kafka.sent] == [(2, 6, 2)]
        assert kafka.sent[0]["refused"] == original[1]["refused"] + original[2]["refused"]
        assert kafka.commits == {ONE: 6}
        await heir.flush()
        assert len(kafka.sent) == 1

    run(story())


def test_receipts_of_a_worker_that_died_in_its_first_flush_are_sent_from_the_logs_start(home, kafka, new_intake):
    async def story():
        dying = new_intake()
        await dying.take([ONE])
        await dying.accept(kafka.fetch(ONE, 0, *ids(4)))
        await dying.flush()
        kafka.commits.clear()
        kafka.sent.clear()
        heir = new_intake()
        await heir.take([ONE])
        await heir.flush()

    run(story())
    assert [(data["from_offset"], data["to_offset"]) for data in kafka.sent] == [(0, 4)]


def test_receipts_that_kafka_does_not_take_are_sent_later_and_stop_nothing(
    home, kafka, new_intake, monkeypatch, caplog
):
    monkeypatch.setattr("streams.answers.SEND_AGAIN_SECONDS", 0)

    async def story():
        kafka.refuses_receipts = True
        intake = new_intake()
        await intake.take([ONE])
        await intake.accept(kafka.fetch(ONE, 0, *ids(2)))
        await intake.flush()
        await intake.accept(kafka.fetch(ONE, 2, *ids(2, 2)))
        await intake.flush()
        assert (kafka.sent, kafka.commits) == ([], {})
        kafka.refuses_receipts = False
        await intake.flush()

    run(story())
    assert len(offsets(home)) == 4
    assert [(data["from_offset"], data["to_offset"], data["accepted"]) for data in kafka.sent] == [(0, 4, 4)]
    assert kafka.commits == {ONE: 4}
    assert len(said(caplog, "receipts_failed")) == 2


def test_a_lake_restored_from_a_backup_judges_and_answers_anew(home, kafka, new_intake):
    async def story():
        kafka.commits[ONE] = 50
        intake = new_intake()
        await intake.take([ONE])
        await intake.accept(kafka.fetch(ONE, 0, *ids(2)))
        await intake.flush()

    run(story())
    assert [(data["from_offset"], data["to_offset"]) for data in kafka.sent] == [(0, 2)]
    assert kafka.commits == {ONE: 2}


def test_a_full_buffer_is_flushed_before_more_is_taken(home, kafka, new_intake, monkeypatch):
    monkeypatch.setattr("streams.intake.FLUSH_ROWS", 3)

    async def story():
        intake = new_intake()
        await intake.take([ONE])
        await intake.accept(kafka.fetch(ONE, 0, *ids(2)))
        assert offsets(home) == []
        await intake.accept(kafka.fetch(ONE, 2, *ids(2, 2)))
        assert len(offsets(home)) == 4

    run(story())


def test_closing_takes_nothing_more_and_flushes_what_is_there(home, kafka, new_intake):
    async def story():
        intake = new_intake()
        await intake.take([ONE])
        await intake.accept(kafka.fetch(ONE, 0, *ids(2)))
        await intake.close()
        await intake.accept(kafka.fetch(ONE, 2, *ids(2, 2)))
        await intake.flush()

    run(story())
    assert offsets(home) == [(0, 0), (0, 1)]


def test_a_sites_changed_codes_count_from_the_next_fetch(home, kafka, new_intake):
    async def story():
        intake = new_intake()
        await intake.take([ONE])
        fields = {name: getattr(SITE, name) for name in Site.__struct_fields__}
        intake.register({SITE.events_topic: Site(**fields | {"lab_codes": ("B12-SER",)})})
        await intake.accept(kafka.fetch(ONE, 0, event(data={"local_code": "B12-SER"})))
        await intake.flush()

    run(story())
    assert [row["local_code"] for row in rows(home)] == ["B12-SER"]


def test_the_tables_are_compacted_every_fifty_commits(home, kafka, new_intake):
    async def story():
        intake = new_intake()
        await intake.take([ONE])
        for number in range(52):
            await intake.accept(kafka.fetch(ONE, number, *ids(1, number)))
            await intake.flush()

    run(story())
    assert len(snapshot(home).files["lab_result"]) < 10
    assert len(offsets(home)) == 52
