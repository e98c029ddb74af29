"""Deliveries through a real broker and a real worker process into the lake, and receipts back.

One worker runs for the whole module; each test adds a site of its own to it.
"""

import json
import time

import pytest
from confluent_kafka import Producer

from contracts.events import KINDS
from lake.snapshot import snapshot
from tests.sample_events import event, one_of_each
from tests.worker_processes import SECONDS, add_to, answered, rows, send, wait_for_answers, wait_for_rows


@pytest.fixture
def home(running):
    return running[0]


@pytest.fixture
def worker(running):
    return running[1]


@pytest.fixture
def site(home, new_site_id):
    return add_to(home, new_site_id())


def librdkafka(home, **settings):
    """A producer of another make, which has every codec and transactions."""
    kafka = home.internal_kafka()
    return Producer(
        {
            "bootstrap.servers": kafka.bootstrap,
            "security.protocol": "SSL",
            "ssl.ca.location": str(kafka.cafile),
            "ssl.certificate.location": str(kafka.certfile),
            "ssl.key.location": str(kafka.keyfile),
            **settings,
        }
    )


def test_a_site_added_while_the_worker_runs_is_read_within_seconds(home, site):
    started = time.monotonic()
    sent = send(home, site, [event(site=site.id)])
    wait_for_rows(home, site, 1)
    assert time.monotonic() - started < 20
    assert sorted(wait_for_answers(home, site, 1)) == sent


def test_events_of_every_kind_are_stored_once_and_answered(home, site):
    sent = send(home, site, [*one_of_each(site.id), b"not json"])
    found = wait_for_rows(home, site, 16)
    assert sorted((row["partition"], row["offset"]) for row in found) == sorted(sent)
    assert {row["kind"] for row in found} == {*KINDS, "refused"}
    verdicts = wait_for_answers(home, site, 16)
    assert sorted(verdicts) == sorted(sent)
    assert sorted(verdicts.values()) == ["accepted"] * 15 + ["not_json"]
    received = [p.received for p in snapshot(home).positions.values() if p.topic == site.events_topic]
    assert sum(received) == 16


def test_poison_ends_as_a_verdict_and_stops_nothing(home, worker, site):
    good = event(site=site.id)
    poison = [
        b"not json",
        good.replace(b'"id"', b'"id\xff"', 1),
        good + b" " * 900_000,
        b'{"a":' * 1000 + b"1" + b"}" * 1000,
        b"[" * 100_000,
        b"null",
        None,
        b"",
        b"\x00" * 50,
        good.replace(b'"specversion"', b'"x":"\x00","specversion"'),
        good + good,
        good + b"\n" + good,
        good.replace(b'"specversion"', b'"id":"other","specversion"', 1),
        event(site="OTHER1"),
        event(site=site.id, data={"value": 0}).replace(b'"value":0', b'"value":1e999999999'),
        event(site=site.id, data={"value": 0}).replace(b'"value":0', b'"value":' + b"9" * 5000),
        event(site=site.id, data={"value": 0}).replace(b'"value":0', b'"value":NaN'),
        event(site=site.id, data={"value": 0}).replace(b'"value":0', b'"value":-Infinity'),
        event(site=site.id, time="2099-01-01T00:00:00Z"),
        event(site=site.id, id="\ud800".encode("utf-8", "replace").decode()),
        b'"' + b"\\u0000" * 1000 + b'"',
        b'{"specversion":"1.0","type":"b12.dose.v1","id":"\\ud800"}',
        b"\xef\xbb\xbf" + good,
    ]
    values = [value for bad in poison for value in (bad, good)]
    sent = send(home, site, values, partition=0)
    found = {row["offset"]: row["kind"] for row in wait_for_rows(home, site, len(values))}
    assert len(found) == len(values)
    verdicts = wait_for_answers(home, site, len(values))
    assert [verdicts[place] for place in sent[1::2]] == ["accepted"] * len(poison)
    rules = [verdicts[place] for place in sent[0::2]]
    refused = {number: rule for number, rule in enumerate(rules) if rule != "accepted"}
    # An id that holds a question mark for what no text can hold is an id like any other.
    assert sorted(set(range(len(poison))) - refused.keys()) == [19]
    assert refused[2] == "too_large"
    assert refused[6] == "no_value"
    assert refused[13] == "wrong_site"
    assert worker.process.poll() is None


def test_a_headers_only_cloudevent_is_refused_with_the_header_to_change(home, site):
    producer = librdkafka(home)
    producer.produce(site.events_topic, b"{}", partition=0, headers=[("ce_id", b"1"), ("ce_type", b"b12.dose.v1")])
    assert producer.flush(SECONDS) == 0
    wait_for_rows(home, site, 1)
    assert set(wait_for_answers(home, site, 1).values()) == {"binary_mode"}


def test_every_codec_is_read(home, site):
    for codec in ("gzip", "snappy", "lz4", "zstd", "none"):
        producer = librdkafka(home, **{"compression.type": codec, "linger.ms": 50})
        for number in range(20):
            producer.produce(site.events_topic, event(site=site.id, id=f"{codec}-{number}"), partition=number % 2)
        assert producer.flush(SECONDS) == 0
    assert len(wait_for_rows(home, site, 100)) == 100
    assert set(wait_for_answers(home, site, 100).values()) == {"accepted"}


def test_what_a_transaction_took_back_is_never_read_and_its_holes_lose_nothing(home, site, new_site_id):
    producer = librdkafka(home, **{"transactional.id": site.id})
    producer.init_transactions(SECONDS)
    for turn in range(6):
        producer.begin_transaction()
        kind = "kept" if turn % 2 else "aborted"
        for number in range(3):
            producer.produce(site.events_topic, event(site=site.id, id=f"{kind}-{turn}-{number}"), partition=0)
        if turn % 2:
            producer.commit_transaction(SECONDS)
        else:
            producer.flush(SECONDS)
            producer.abort_transaction(SECONDS)
        if turn == 3:  # so that a later fetch begins behind markers
            wait_for_rows(home, site, 6)
    last = send(home, site, [event(site=site.id, id="last")], partition=0)
    found = wait_for_rows(home, site, 10)
    assert len(found) == 10
    assert last[0][1] > 20  # three times three events and one, and as many offsets of no event
    assert last[0] in {(row["partition"], row["offset"]) for row in found}


def test_the_worker_logs_no_value_no_subject_and_no_date(home, worker, site):
    canaries = {"subject": "CANARY-S", "id": "CANARY-I", "record": "CANARY-R"}
    values = [
        event(site=site.id, **canaries, data={"value": 471147, "collected": "2021-04-27", "local_name": "CANARY-N"}),
        event(site=site.id, **canaries, data={"value": "CANARY", "collected": "2021-04-27"}),
        event(site=site.id, **canaries, data={"CANARY": 471147}),
        event(site=site.id, **canaries, data={"collected": "2021-04-99"}),
        b'{"subject": "CANARY", ' + b"471147",
    ]
    send(home, site, values)
    wait_for_rows(home, site, len(values))
    wait_for_answers(home, site, len(values))
    log = worker.log.read_text()
    assert "flushed" in log
    for canary in ("CANARY", "471147", "2021-04"):
        assert canary not in log
    assert all(isinstance(json.loads(line), dict) for line in log.splitlines())


def test_a_topic_made_again_is_read_from_its_start(home, worker, site):
    from b12 import admin

    send(home, site, [event(site=site.id, id=f"old-{number}") for number in range(6)])
    wait_for_rows(home, site, 6)
    with admin.connect(home.internal_kafka()) as client:
        client.delete_topics([site.events_topic])
        time.sleep(1)
        admin.ensure_site_topics(client, site, partitions=2)
    send(home, site, [event(site=site.id, id=f"new-{number}") for number in range(10)])
    found = rows(home, site, ("topic_uuid", "partition", "offset")) if wait_for_rows(home, site, 16) else []
    assert sorted(sum(row["topic_uuid"] == uuid for row in found) for uuid in {row["topic_uuid"] for row in found}) == [
        6,
        10,
    ]
    assert len({(row["topic_uuid"], row["partition"], row["offset"]) for row in found}) == 16
    assert worker.process.poll() is None


def test_receipts_speak_of_every_delivery_of_the_module(home):
    for site in home.sites().values():
        kept = {(row["partition"], row["offset"]) for row in rows(home, site)}
        assert kept - answered(home, site).keys() == set(), site.id
