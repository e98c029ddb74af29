"""`b12 push` on a real broker: what arrives, what a second push sends, and what a lab is told when it fails."""

import socket
import sys
import time

import msgspec
import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ACL, ACLOperation, ACLPermissionType, ResourcePattern, ResourceType

from b12 import admin, cli
from contracts import pseudonyms
from contracts.judge import is_refusal, judge
from contracts.receipts import Receipt, Receipts, RefusedDelivery
from lake import settings_file
from tests.lab_tables import RESULT

FIRST = [("A-1", "S1", "150"), ("A-2", "S2", "<90"), ("A-3", "S3", "210.5")]


class Lab:
    """A partner lab: its files, its settings, and the `b12` command."""

    def __init__(self, directory, home, site, capsys):
        self.directory = directory
        self.home = home
        self.site = site
        self._capsys = capsys
        self.config = directory / f"{site.id}.toml"
        self.config.write_bytes(home.lab_config(site.id).read_bytes())
        self.mapping = directory / "lab.toml"
        self.mapping.write_text(RESULT)
        self.table = directory / "results.csv"

    def b12(self, command, *arguments):
        """Run a command as this site: exit code, output, errors."""
        code = cli.main([command, *map(str, arguments), "--as", self.site.id, "--config", str(self.config)])
        out, err = self._capsys.readouterr()
        return code, out, err

    def push(self, rows, *options):
        self.table.write_text("code,sample,b12,taken\n" + "".join(f"{','.join(row)},2026-03-14\n" for row in rows))
        return self.b12("push", self.table, "--map", self.mapping, *options)

    def settings(self, **changes):
        """Change the settings file, as an error of a lab's would."""
        settings = msgspec.toml.decode(self.config.read_bytes())
        settings_file.write(self.config, settings | changes)

    def topic(self, name):
        """Every record of a topic, as the platform reads it."""
        settings = admin.client_settings(self.home.internal_kafka())
        consumer = KafkaConsumer(**settings, enable_auto_commit=False, auto_offset_reset="earliest")
        try:
            partitions = [TopicPartition(name, number) for number in consumer.partitions_for_topic(name)]
            consumer.assign(partitions)
            ends = consumer.end_offsets(partitions)
            records = []
            while any(consumer.position(partition) < ends[partition] for partition in partitions):
                records += [record for batch in consumer.poll(500).values() for record in batch]
            return records
        finally:
            consumer.close()

    def arrived(self):
        """The events in the site's topic, each accepted by the judge, by `time` and record."""
        records = self.topic(self.site.events_topic)
        assert not any(is_refusal(judge(r.value, self.site, None, r.headers)) for r in records)
        events = [msgspec.json.decode(record.value) for record in records]
        return sorted(events, key=lambda event: (event["time"], event.get("record", "")))


@pytest.fixture
def lab(kafka_home, add_site, tmp_path, capsys):
    return Lab(tmp_path, kafka_home, add_site(), capsys)


def test_a_push_arrives_and_a_second_one_sends_only_what_changed(lab):
    code, out, _ = lab.push(FIRST)
    assert code == 0
    assert "3 new, 0 changed, 0 as they were." in out
    assert "3 sent" in out
    code, out, _ = lab.push(FIRST)
    assert (code, "sent" in out) == (0, False)
    corrected = [FIRST[0], ("A-2", "S2", "95"), FIRST[2]]
    assert "1 sent" in lab.push(corrected)[1]
    assert "1 sent" in lab.push(FIRST)[1]
    events = lab.arrived()
    assert [(e["record"], e["data"]["value"]) for e in events] == [
        ("b12:S1", 150),
        ("b12:S2", 90),
        ("b12:S3", 210.5),
        ("b12:S2", 95),
        ("b12:S2", 90),
    ]
    assert events[1]["id"] == events[4]["id"]
    assert events[1]["data"]["comparator"] == "<"


def test_complete_takes_back_what_vanished_when_it_is_confirmed(lab, monkeypatch):
    code, _, err = lab.push(FIRST, "--complete")
    assert code == 2
    assert "nothing can have vanished" in err
    lab.push(FIRST)
    assert lab.push(FIRST[:1], "--complete", "--only-good")[0] == 2
    code, out, err = lab.push(FIRST[:1], "--complete")  # nobody there to ask
    assert code == 1
    assert "2 to take back" in out
    assert "2 of the 3 records" in err
    assert "--take-back 2" in err
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    questions = []
    monkeypatch.setattr("typer.confirm", lambda question, **_: questions.append(question))
    assert "0 sent, 2 taken back" in lab.push(FIRST[:1], "--complete")[1]
    (question,) = questions
    assert question.startswith("2 of the 3 records sent as b12 (lab_result), from this or any file,")
    retractions = [event for event in lab.arrived() if event["type"] == "b12.retraction.v1"]
    assert {event["data"]["target_record"] for event in retractions} == {"b12:S2", "b12:S3"}
    assert {event["subject"] for event in retractions} == {"A-2", "A-3"}
    assert "1 new, 0 changed, 1 as they were." in lab.push(FIRST[:2])[1]


def test_a_topic_made_anew_gets_everything_again(lab):
    lab.push(FIRST)
    with admin.connect(lab.home.internal_kafka()) as client:
        client.delete_topics([lab.site.events_topic])
        admin.ensure_site_topics(client, lab.site, partitions=2)
    code, out, _ = lab.push(FIRST)
    assert code == 0
    assert "The platform's topic was made anew since the last push" in out
    assert "3 sent" in out


def test_a_dry_run_sends_nothing_and_needs_no_network(lab):
    lab.settings(bootstrap_servers=["127.0.0.1:1"])
    code, out, _ = lab.push(FIRST, "--dry-run")
    assert (code, "3 new" in out) == (0, True)
    assert lab.arrived() == []


def test_a_file_with_an_error_sends_nothing_unless_only_the_good_is_asked_for(lab):
    bad = [*FIRST, ("A-4", "S4", "a lot")]
    code, out, err = lab.push(bad)
    assert code == 1
    assert "results.csv:5: error: b12 b12: not_a_number" in out
    assert "Nothing was sent" in err
    assert lab.arrived() == []
    code, out, _ = lab.push(bad, "--only-good")
    assert (code, "3 sent" in out) == (1, True)  # what is wrong is still there
    assert len(lab.arrived()) == 3


def told(lab, *arguments):
    """What a command that cannot reach the platform says, within ten seconds and in one sentence or two."""
    started = time.monotonic()
    code, _, err = lab.b12(*arguments)
    assert time.monotonic() - started < 10
    assert code == 3
    assert err.startswith("b12: ")
    assert err.count("\n") == 1
    return err


def test_what_stands_in_the_way_is_told_in_one_sentence(lab, monkeypatch):
    monkeypatch.setattr("sites.connection.SECONDS", 1.0)  # of each step; three in practice
    lab.table.write_text("code,sample,b12,taken\nA,S1,150,2026-03-14\n")
    good = lab.config.read_bytes()
    push = ("push", lab.table, "--map", lab.mapping)
    with socket.socket() as silent:  # takes a connection and never answers
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        for changes, step in [
            ({"bootstrap_servers": ["127.0.0.1:1"]}, "network: the platform cannot be reached"),
            ({"bootstrap_servers": [f"127.0.0.1:{silent.getsockname()[1]}"]}, "certificate: "),
            ({"ca_pem": lab.home.secrets.joinpath("ca.pem").read_text()[:40]}, "certificate: ca_pem"),
            ({"password": "CANARY"}, "login: "),
            ({"events_topic": "b12.site.OTHER.events"}, "topic: "),
        ]:
            lab.settings(**changes)
            for arguments in (push, ("ping",)):
                message = told(lab, *arguments)
                assert message.startswith(f"b12: {step}")
                assert "CANARY" not in message
            lab.config.write_bytes(good)
    assert lab.b12("ping")[0] == 0
    assert "1 sent" in lab.push([("A", "S1", "150")])[1]


def test_a_site_that_may_no_longer_write_is_told(lab):
    with admin.connect(lab.home.internal_kafka()) as client:
        admin.revoke(client, lab.site)
    assert told(lab, "ping").startswith("b12: topic: ")


def test_a_site_that_may_look_and_not_write_is_told(lab):
    everyone = [(ResourceType.TOPIC, lab.site.events_topic, ACLOperation.DESCRIBE)]
    with admin.connect(lab.home.internal_kafka()) as client:
        admin.revoke(client, lab.site)
        client.create_acls(
            [
                ACL(f"User:{lab.site.id}", "*", operation, ACLPermissionType.ALLOW, ResourcePattern(kind, name))
                for kind, name, operation in everyone
            ]
        )
    lab.table.write_text("code,sample,b12,taken\nA,S1,150,2026-03-14\n")
    message = told(lab, "push", lab.table, "--map", lab.mapping)
    assert message.startswith(f"b12: topic: the user {lab.site.id} may not write")


def test_ping_goes_step_by_step(lab):
    code, out, _ = lab.b12("ping")
    assert code == 0
    assert out.splitlines()[:4] == ["  network: good", "  certificate: good", "  login: good", "  topic: good"]


def test_receipts_show_the_labs_own_code_and_what_to_do(lab):
    lab.push(FIRST)
    unanswered = "without an answer"
    assert lab.b12("receipts")[1] == f"0 accepted, 0 refused at the door.\n{stand({unanswered: 3})}\n"
    key = pseudonyms.site_key(lab.home.secret(), lab.site.id)
    refused = next(r for r in lab.topic(lab.site.events_topic) if b"b12:S2" in r.value)
    event = msgspec.json.decode(refused.value)
    with admin.connect(lab.home.internal_kafka()) as client:
        topic = admin.topic_ids(client, [lab.site.events_topic])[lab.site.events_topic]
    receipts = Receipts(
        site=lab.site.id,
        topic_uuid=str(topic),
        partition=refused.partition,
        from_offset=0,
        to_offset=refused.offset + 1,
        accepted=2,
        refused=(
            RefusedDelivery(
                offset=refused.offset,
                rule="time_ahead",
                path="$.time",
                fix="Set the clock.",
                kind="lab_result",
                id_key=pseudonyms.pseudonym(key, "id", event["id"]).hex(),
                subject_key=pseudonyms.pseudonym(key, "subject", event["subject"]).hex(),
            ),
        ),
    )
    producer = KafkaProducer(**admin.client_settings(lab.home.internal_kafka()))
    producer.send(lab.site.receipts_topic, msgspec.json.encode(Receipt(id="r", data=receipts))).get(10)
    producer.close()
    code, out, _ = lab.b12("receipts")
    assert code == 0
    accepted = refused.offset  # those that stand before it in its partition
    assert out.splitlines() == [
        "refused: infant A-2: lab_result b12:S2 $.time: time_ahead: Set the clock.",
        "2 accepted, 1 refused at the door.",
        stand({"accepted": accepted, "refused": 1, unanswered: 2 - accepted}),
        "1 of the refused will be sent again by the next push, once mended.",
    ]
    assert "1 sent" in lab.push(FIRST)[1]
    now = stand({"accepted": accepted, unanswered: 3 - accepted})
    assert lab.b12("receipts")[1] == f"2 accepted, 1 refused at the door.\n{now}\n"


def stand(records):
    """What is said of the three records."""
    return f"Your 3 records now: {', '.join(f'{count} {verdict}' for verdict, count in records.items() if count)}."
