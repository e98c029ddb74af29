"""Replays through the intake: judged as their origin's delivery, stored and answered beside everything else."""

import asyncio
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import msgspec
import pytest
from aiokafka.errors import UnknownTopicOrPartitionError
from faust.types import TP

from contracts import judge as judging
from contracts.pseudonyms import pseudonym, site_key
from contracts.site import Site
from lake.home import REPLAY_TOPIC
from lake.origins import HEADER, NO_SITE, Origin, header
from lake.snapshot import snapshot
from lake.table import Lake
from streams.intake import Intake
from streams.metrics import Metrics
from streams.transport import Fetch
from tests.intake_fixture import ONE, RECEIVED_MS, SITE, Kafka
from tests.intake_fixture import UUID as SITE_UUID
from tests.lake_fixture import rows
from tests.sample_events import event

OTHER = Site(id="OSL01", name="Another", country="NO", time_zone="Europe/Oslo", synthetic=True)
REPLAYS = TP(REPLAY_TOPIC, 0)
REPLAY_UUID = "6f1e4a5c-0000-4000-8000-00000000000f"
LONG_AGO_MS = RECEIVED_MS - 86_400_000


def origin(offset, site=SITE, **changes):
    return Origin(
        **{
            "site": site.id,
            "topic": site.events_topic,
            "topic_uuid": SITE_UUID,
            "partition": 0,
            "offset": offset,
            "received_ms": LONG_AGO_MS,
        }
        | changes
    )


def record(offset, value, *headers):
    return SimpleNamespace(offset=offset, timestamp=RECEIVED_MS, value=value, headers=headers)


def replay(offset, value, of):
    return record(offset, value, header(of))


@dataclass
class Broker(Kafka):
    """The stand-in of intake_fixture.py, with the replay topic and what each site was told."""

    told: dict = field(default_factory=dict)
    broken: set = field(default_factory=set)

    def __post_init__(self):
        super().__init__()
        self.uuids[REPLAY_TOPIC] = REPLAY_UUID
        self.log[REPLAYS] = (0, 1000)

    async def send(self, topic, partition, values):
        if topic in self.broken:
            raise UnknownTopicOrPartitionError
        assert partition == REPLAYS.partition
        self.told.setdefault(topic, []).extend(map(json.loads, values))

    def replays(self, *records, start=0):
        return Fetch(REPLAYS, self.granted[REPLAYS].lease, start, records[-1].offset + 1, list(records))

    def deliveries(self, site):
        """What a site was told of its replays."""
        found = [told for told in self.told.get(site.receipts_topic, ()) if told["type"] == "b12.replays.v1"]
        return [delivery for told in found for delivery in told["data"]["deliveries"]]


@pytest.fixture
def kafka():
    return Broker()


@pytest.fixture
def new_intake(home, kafka):
    home.ensure_secret()

    def make() -> Intake:
        intake = Intake(home, Lake.open(home.lake, home.secret()), kafka, kafka, kafka, Metrics())
        intake.register({SITE.events_topic: SITE, OTHER.events_topic: OTHER})
        return intake

    return make


def after(kafka, new_intake, *records):
    """What the lake holds when a worker has read these."""

    async def story():
        intake = new_intake()
        await intake.take([REPLAYS])
        await intake.accept(kafka.replays(*records))
        await intake.flush()

    asyncio.run(story())


def test_a_replay_is_judged_and_kept_as_a_delivery_of_its_origins_site(home, kafka, new_intake):
    after(
        kafka,
        new_intake,
        replay(0, event(id="a"), origin(7)),
        replay(1, event(id="b", site="OSL01"), origin(3, OTHER, partition=1)),
        replay(2, event(id="c", site="OSL01"), origin(8)),
    )
    kept = sorted(rows(home), key=lambda row: row["offset"])
    assert [(row["site"], row["kind"], row["topic_uuid"], row["offset"]) for row in kept] == [
        ("BLR01", "lab_result", REPLAY_UUID, 0),
        ("OSL01", "lab_result", REPLAY_UUID, 1),
        ("BLR01", "refused", REPLAY_UUID, 2),
    ]
    assert [(row["origin_topic_uuid"], row["origin_partition"], row["origin_offset"]) for row in kept] == [
        (SITE_UUID, 0, 7),
        (SITE_UUID, 1, 3),
        (SITE_UUID, 0, 8),
    ]
    assert {row["origin_received_at"] for row in kept} == {datetime.fromtimestamp(LONG_AGO_MS / 1000, UTC)}
    assert {row["received_at"] for row in kept} == {datetime.fromtimestamp(RECEIVED_MS / 1000, UTC)}
    assert kept[2]["rule"] == "wrong_site"
    high, low = kept[0]["id_hi"], kept[0]["id_lo"]
    assert high.to_bytes(8, "big", signed=True) + low.to_bytes(8, "big", signed=True) == pseudonym(
        site_key(home.secret(), "BLR01"), "id", "a"
    )


def test_a_replay_of_a_dangerous_value_alerts_nobody(home, kafka, new_intake):
    taken = datetime.fromtimestamp(LONG_AGO_MS / 1000, UTC).date().isoformat()
    dangerous = event(id="a", data={"value": 90, "collected": taken})
    after(kafka, new_intake, replay(0, dangerous, origin(7)))
    assert [row["kind"] for row in rows(home)] == ["lab_result"]
    assert kafka.told.keys() == {SITE.receipts_topic}


def test_what_an_old_worker_refuses_as_newer_is_brought_in_by_a_replay_once_a_new_one_runs(
    home, kafka, new_intake, monkeypatch
):
    newer = event(type="b12.lab_result.v2")

    async def old_worker():
        intake = new_intake()
        await intake.take([ONE])
        await intake.accept(kafka.fetch(ONE, 0, newer, event(id="beside it")))
        await intake.flush()

    asyncio.run(old_worker())
    first = {row["offset"]: row for row in rows(home)}
    assert (first[0]["kind"], first[0]["rule"], first[0]["reported_kind"]) == ("refused", "newer_version", "lab_result")
    assert first[1]["kind"] == "lab_result"

    # The upgraded contract: its second version of the kind says the same as the first.
    decode = judging._decode
    monkeypatch.setattr(judging, "_decode", lambda raw: decode(raw.replace(b"lab_result.v2", b"lab_result.v1")))
    after(kafka, new_intake, replay(0, newer, origin(0)))
    (brought_in,) = [row for row in rows(home) if row["topic_uuid"] == REPLAY_UUID]
    assert (brought_in["kind"], brought_in["origin_offset"]) == ("lab_result", 0)
    assert [row for row in rows(home) if row["topic_uuid"] == SITE_UUID] == list(first.values())


def test_the_rule_on_times_ahead_looks_at_when_the_origin_came(home, kafka, new_intake):
    arrived = datetime.fromtimestamp(LONG_AGO_MS / 1000, UTC)
    times = [(arrived + timedelta(minutes=minutes)).isoformat() for minutes in (9, 11)]
    after(kafka, new_intake, *(replay(n, event(time=time), origin(n)) for n, time in enumerate(times)))
    assert sorted((row["offset"], row.get("rule")) for row in rows(home)) == [(0, None), (1, "time_ahead")]


def test_a_replay_keeps_its_senders_headers_but_no_origin_of_the_senders_own(home, kafka, new_intake):
    after(
        kafka,
        new_intake,
        record(0, b"{}", ("ce_id", b"1"), header(origin(0))),
        record(1, event(id="x"), (HEADER, b"a site's own"), header(origin(1))),
    )
    # Two headers of that name: nobody can tell which of them operators wrote.
    assert {row["offset"]: row["rule"] for row in rows(home)} == {0: "binary_mode", 1: "replay_unreadable"}


MALFORMED = {
    "none": (),
    "no value": ((HEADER, None),),
    "not JSON": ((HEADER, b"{"),),
    "not UTF-8": ((HEADER, b"\xff\xfe"),),
    "nested": ((HEADER, b"[" * 5000),),
    "empty": ((HEADER, b"{}"),),
    "null": ((HEADER, b"null"),),
    "a field too many": ((HEADER, msgspec.json.encode({**msgspec.to_builtins(origin(1)), "more": 1})),),
    "no UUID": (header(origin(1, topic_uuid="x")),),
    "negative": (header(origin(-1)),),
    "a huge offset": (header(origin(2**63)),),
    "a huge partition": (header(origin(1, partition=2**31)),),
    "a huge time": (header(origin(1, received_ms=10**18)),),
    "a text for a number": ((HEADER, msgspec.json.encode({**msgspec.to_builtins(origin(1)), "offset": "1"})),),
}


def test_what_names_no_origin_or_no_site_is_refused_and_stops_nothing(home, kafka, new_intake):
    unknown = [replay(100 + n, event(), origin(n, site=Site(**DISGUISE | {"id": name}))) for n, name in enumerate(GONE)]
    nobody = [replay(200, event(), origin(9, site=SimpleNamespace(id=NO_SITE, events_topic="b12.replay")))]
    malformed = [record(n, event(), *headers) for n, headers in enumerate(MALFORMED.values())]
    after(kafka, new_intake, *malformed, *unknown, *nobody, replay(201, event(), origin(5)))
    kept = {row["offset"]: row for row in rows(home)}
    assert {name: kept[n]["rule"] for n, name in enumerate(MALFORMED)} == dict.fromkeys(MALFORMED, "replay_unreadable")
    assert {kept[n]["rule"] for n in (100, 101, 200)} == {"replay_of_no_site"}
    assert {kept[n]["site"] for n in kept if n != 201} == {NO_SITE}
    assert [kept[n]["origin_offset"] for n in (0, 100, 101)] == [None, 0, 1]
    assert (kept[201]["site"], kept[201]["kind"]) == ("BLR01", "lab_result")
    assert list(kafka.told) == [SITE.receipts_topic]


DISGUISE = {"name": "A laboratory", "country": "IN", "time_zone": "Asia/Kolkata", "synthetic": True}
GONE = ("GONE01", "GONE02")


def test_a_site_that_was_added_a_moment_ago_is_known(home, kafka, new_intake):
    home.put_site(Site(id="NEW01", **DISGUISE))
    home.put_site(SITE)
    new = home.site("NEW01")
    after(kafka, new_intake, replay(0, event(site="NEW01"), origin(0, new)), replay(1, event(), origin(1)))
    assert {row["site"]: row["kind"] for row in rows(home)} == {"NEW01": "lab_result", "BLR01": "lab_result"}


def test_received_is_counted_by_site_and_in_all(home, kafka, new_intake):
    async def story():
        intake = new_intake()
        await intake.take([REPLAYS, ONE])
        await intake.accept(kafka.replays(replay(0, event(), origin(0)), replay(1, b"", origin(0, OTHER))))
        await intake.accept(kafka.fetch(ONE, 0, event(id="own")))
        await intake.flush()
        more = [replay(5, event(id="b"), origin(1)), record(6, b"no header")]
        await intake.accept(kafka.replays(*more, start=2))
        await intake.flush()

    asyncio.run(story())
    positions = snapshot(home).positions
    assert positions[REPLAY_UUID, 0] == (7, 4, REPLAY_TOPIC, {"BLR01": 2, "OSL01": 1, NO_SITE: 1})
    assert positions[SITE_UUID, 0].by_site == {"BLR01": 1}


def test_two_workers_that_replay_for_different_sites_lose_no_count(home, kafka, new_intake):
    second = TP(REPLAY_TOPIC, 1)
    kafka.log[second] = (0, 1000)

    async def story():
        first, other = new_intake(), new_intake()
        await first.take([REPLAYS])
        await other.take([second])
        await first.accept(kafka.replays(replay(0, event(), origin(0))))
        lease = kafka.granted[second].lease
        await other.accept(Fetch(second, lease, 0, 1, [replay(0, event(site="OSL01"), origin(0, OTHER))]))
        kafka.broken = {SITE.receipts_topic, OTHER.receipts_topic}
        await first.flush()
        await other.flush()

    asyncio.run(story())
    counts = {partition: p.by_site for (_, partition), p in snapshot(home).positions.items()}
    assert counts == {0: {"BLR01": 1}, 1: {"OSL01": 1}}


def test_each_site_is_told_of_its_own_replays_by_where_they_first_stood(home, kafka, new_intake):
    after(
        kafka,
        new_intake,
        replay(0, event(id="a", subject="S-1"), origin(7)),
        replay(1, b"not json", origin(9)),
        replay(2, event(site="OSL01"), origin(3, OTHER)),
    )
    accepted, refused = kafka.deliveries(SITE)
    key = site_key(home.secret(), "BLR01")
    assert accepted == {
        "topic_uuid": SITE_UUID,
        "partition": 0,
        "offset": 7,
        "verdict": "accepted",
        "kind": "lab_result",
        "id_key": pseudonym(key, "id", "a").hex(),
        "subject_key": pseudonym(key, "subject", "S-1").hex(),
    }
    assert (refused["offset"], refused["verdict"], refused["rule"]) == (9, "refused", "not_json")
    assert refused["fix"]
    assert [delivery["offset"] for delivery in kafka.deliveries(OTHER)] == [3]
    assert kafka.commits == {REPLAYS: 3}


def test_receipts_of_replays_that_were_not_sent_are_sent_by_the_next_owner_with_the_same_words(home, kafka, new_intake):
    records = [
        replay(0, event(id="a"), origin(7)),
        replay(1, event("dose", id="d", subject="S-2"), origin(8)),
        replay(2, event(id="x", data={"value": "7 units"}), origin(9)),
        replay(3, event(site="OSL01"), origin(3, OTHER)),
        record(4, b""),
    ]
    after(kafka, new_intake, *records)
    before = json.dumps(kafka.told)
    assert len(kafka.deliveries(SITE)) == 3
    kafka.told.clear()
    kafka.commits.clear()

    async def heir():
        intake = new_intake()
        await intake.take([REPLAYS])
        await intake.flush()
        await intake.flush()

    asyncio.run(heir())
    assert json.dumps(kafka.told) == before
    assert kafka.commits == {REPLAYS: 5}


def test_one_sites_missing_topic_keeps_no_others_receipts_back(home, kafka, new_intake, monkeypatch):
    monkeypatch.setattr("streams.answers.SEND_AGAIN_SECONDS", 0)
    kafka.broken = {SITE.receipts_topic}

    async def story():
        intake = new_intake()
        await intake.take([REPLAYS])
        await intake.accept(
            kafka.replays(replay(0, event(), origin(0)), replay(1, event(site="OSL01"), origin(0, OTHER)))
        )
        await intake.flush()
        assert len(kafka.deliveries(OTHER)) == 1
        assert kafka.commits == {}
        kafka.broken = set()
        await intake.flush()

    asyncio.run(story())
    assert len(kafka.deliveries(SITE)) == 1
    assert kafka.commits == {REPLAYS: 2}


def test_an_origin_on_a_sites_own_topic_is_ignored(home, kafka, new_intake):
    async def story():
        intake = new_intake()
        await intake.take([ONE])
        lease = kafka.granted[ONE].lease
        await intake.accept(Fetch(ONE, lease, 0, 1, [replay(0, event(id="a"), origin(3, OTHER))]))
        await intake.flush()

    asyncio.run(story())
    [row] = rows(home)
    assert (row["site"], row["origin_topic_uuid"], row["origin_offset"]) == ("BLR01", None, None)
    assert kafka.deliveries(OTHER) == []


def test_no_value_and_no_subject_of_a_replay_is_logged(home, kafka, new_intake, caplog):
    poison = event(id="CANARY-I", subject="CANARY-S", data={"value": "CANARY", "collected": "2021-04-27"})
    after(kafka, new_intake, replay(0, poison, origin(0)), record(1, poison, (HEADER, b"CANARY")))
    assert "CANARY" not in caplog.text
    assert "2021-04" not in caplog.text
    assert {row["rule"] for row in rows(home)} == {"number_spelling", "replay_unreadable"}
