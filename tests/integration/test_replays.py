"""A refused delivery, its rule mended, its replay: through a real broker and real workers, one of which dies."""

import time
from collections import Counter

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from b12 import admin, cli
from contracts import VERSION
from lake import crash
from lake.dead_letters import opened as letters_of
from lake.home import REPLAY_TOPIC
from lake.origins import Origin, header
from lake.schema import ORIGIN
from lake.snapshot import snapshot
from registry import invariants, release
from registry.inputs import pinned
from registry.models import needed_for
from streams import replays
from tests.faults import variants
from tests.registry_fixture import CUT_OFF
from tests.sample_events import event
from tests.worker_processes import (
    SECONDS,
    add_to,
    forget_dead_workers,
    receipts,
    rows,
    send,
    wait_for_answers,
    wait_for_rows,
)

STRICT = """
import contracts.judge
contracts.judge._CODE_CHECKS["lab_result"] = lambda data: ("unknown_loinc", "$.data.loinc")
from b12.cli import main
raise SystemExit(main(["worker"]))
"""
"""A worker of a contract that does not know the laboratory's tests yet."""


@pytest.fixture
def home(intake_home):
    """The replay topic is everybody's: what this test leaves there is deleted."""
    yield intake_home
    forget(intake_home, REPLAY_TOPIC)


def forget(home, topic):
    """Delete every record of a topic, as retention does."""
    settings = admin.client_settings(home.internal_kafka())
    partitions = [TopicPartition(topic, number) for number in range(2)]
    consumer = KafkaConsumer(**settings)
    ends = consumer.end_offsets(partitions)
    consumer.close()
    with admin.connect(home.internal_kafka()) as client:
        client.delete_records({tp: end for tp, end in ends.items() if end})


def b12(home, capsys, *arguments):
    """What a command printed; it must succeed."""
    assert cli.main(["--home", str(home.path), *arguments]) == 0
    return capsys.readouterr().out


def told_of_replays(home, site):
    """The door's last word on each delivery that was judged again, and how many words there were."""
    found = [
        ((delivery["partition"], delivery["offset"]), delivery["verdict"])
        for receipt in receipts(home, site)
        if receipt["type"] == "b12.replays.v1"
        for delivery in receipt["data"]["deliveries"]
    ]
    return dict(found), len(found)


def test_what_a_mended_rule_lets_in_is_replayed_once_and_the_site_hears_of_it(home, start_worker, new_site_id, capsys):
    site, other = add_to(home, new_site_id()), add_to(home, new_site_id())
    strict = start_worker(program=("-c", STRICT))
    results = [event(site=site.id, id=f"r-{number}", record=f"r-{number}") for number in range(4)]
    sent = send(home, site, [event("enrolment", site.id, id="e"), *results, b"not json"])
    forged = own_replay(home, site, event("dose", site.id, id="d"), of=other)
    wait_for_rows(home, site, 7)
    refused = {place for place, rule in wait_for_answers(home, site, 7).items() if rule == "unknown_loinc"}
    assert refused == set(sent[1:5])
    assert strict.stop() == 0

    listed = [line.split() for line in b12(home, capsys, "dead-letters", "list").splitlines()]
    assert [line[:4] for line in listed[1:3]] == [[site.id, "unknown_loinc", "4", "4"], [site.id, "not_json", "1", "1"]]
    dying = start_worker(**{crash.SETTING: "committed"})
    dying.wait_for("started")
    done = b12(home, capsys, "dead-letters", "replay", site.id, "--rule", "unknown_loinc", "--yes")
    assert done.startswith("4 written to be judged again.")
    assert dying.wait_for_end() == -9, "after the commit and before the receipt"
    forget_dead_workers(home)

    start_worker()
    wait_until(lambda: len(accepted_replays(home, site)) == 4)
    wait_until(lambda: told_of_replays(home, site)[0] == dict.fromkeys(refused, "accepted"))
    done = b12(home, capsys, "dead-letters", "replay", site.id, "--rule", "unknown_loinc")
    assert done.startswith("Nothing to replay")

    # An operator who sends them once more all the same.
    again(home, site)
    wait_until(lambda: len(accepted_replays(home, site)) == 8)
    places = {tuple(row[name] for name in ORIGIN[1:3]) for row in accepted_replays(home, site)}
    assert places == refused
    [dose] = [row for row in rows(home, site, ("partition", "offset", *ORIGIN)) if row["kind"] == "dose"]
    assert (dose["partition"], dose["offset"]) == forged
    assert dose["origin_offset"] is None, "a header on a site's own topic says nothing"
    assert rows(home, other) == []

    verdicts = build(home)
    assert verdicts == {"included": 6, "replayed": 8, "refused": 1}

    forget(home, site.events_topic)
    assert [line.split() for line in b12(home, capsys, "dead-letters", "list").splitlines()][1][:8] == [
        *(site.id, "not_json", "1", "0", "0", "0", "1", "0")
    ]
    assert "expired" in b12(home, capsys, "dead-letters", "replay", site.id, "--all", "--yes")


def own_replay(home, site, value, *, of):
    """A site that writes a replay's header on its own topic; partition and offset of it."""
    producer = KafkaProducer(**admin.client_settings(home.internal_kafka()))
    try:
        named = Origin(of.id, of.events_topic, "6f1e4a5c-0000-4000-8000-000000000001", 0, 0, 0)
        record = producer.send(site.events_topic, value, headers=[header(named)], partition=1).get(SECONDS)
        return record.partition, record.offset
    finally:
        producer.close(5)


def again(home, site):
    """Replay the same letters as if nothing had come of the first time."""
    with replays.opened(home) as found:
        shot = snapshot(home)
        before = shot._replace(files={"refused": shot.files["refused"]})
        with letters_of(before, found._records.first_offsets) as letters:
            written = found.replay(list(letters.letters(site.id, "unknown_loinc")))
    assert written == (4, 0, 0)


def accepted_replays(home, site):
    return [row for row in rows(home, site, ("offset", *ORIGIN)) if row["origin_offset"] is not None]


def build(home):
    """Verdicts of a build of what the lake holds, all of whose invariants hold."""
    models = needed_for(["staging.verdicts", "core.subjects"])
    with release.exclusive(home) as (candidate, operators):
        for _ in release.build.run(pinned(home, snapshot(home), CUT_OFF), candidate, operators, models=models):
            pass
        assert [str(outcome) for outcome in invariants.check(candidate, operators, models) if not outcome.holds] == []
        with release.build.opened(candidate, operators, read_only=True) as connection:
            counted = "SELECT verdict, count(*) FROM staging.verdicts GROUP BY verdict"
            return dict(connection.execute(counted).fetchall())


def wait_until(holds):
    end = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.2)


def test_the_records_of_a_replay_are_those_of_its_origin(home, start_worker, new_site_id):
    """With no value and with headers of CloudEvents too, so that nothing but a rule can change its fate."""
    site = add_to(home, new_site_id())
    producer = KafkaProducer(**admin.client_settings(home.internal_kafka()))
    producer.send(site.events_topic, None, key=b"-", partition=0)
    producer.send(site.events_topic, b"{}", headers=[("ce_id", b"1")], partition=0)
    producer.send(site.events_topic, b"\x00\xff" * 400_000, partition=0)
    producer.flush(SECONDS)
    producer.close(5)
    start_worker()
    wait_for_rows(home, site, 3)
    with replays.opened(home) as found:
        assert found.replay(found.ready(site.id, None, again=False)) == (3, 0, 0)
    with replays.opened(home) as found:
        assert found.ready(site.id, None, again=False) == [], "they are on their way, or judged again already"
    wait_for_rows(home, site, 6)
    found = Counter((row["kind"], row["rule"], row["origin_offset"]) for row in rows(home, site, ("rule", *ORIGIN)))
    rules = ["no_value", "binary_mode", "too_large"]
    assert found == Counter(("refused", rule, place) for n, rule in enumerate(rules) for place in (None, n))


def test_what_an_old_worker_refuses_beside_a_new_one_is_brought_in_once_after_the_upgrade(
    home, start_worker, new_site_id, capsys
):
    site = add_to(home, new_site_id())
    old = start_worker()
    for partition in range(2):
        old.wait_for("reading", topic=site.events_topic, partition=partition)
    new = start_worker(program=("-m", variants.__name__, "newer_contract"))
    newer = new.wait_for("reading", topic=site.events_topic)["partition"]
    older = 1 - newer  # the group dealt each of them one

    for version in ("v1", "v2"):
        names = [f"{version}-{number}" for number in range(2)]
        send(home, site, [event(site=site.id, id=n, record=n, type=f"b12.lab_result.{version}") for n in names])
    wait_for_rows(home, site, 4)
    found = Counter(
        (row["partition"], row["contract"], row.get("rule"))
        for row in rows(home, site, ("partition", "contract", "rule"))
    )
    assert found == {
        (older, VERSION, None): 1,
        (older, VERSION, "newer_version"): 1,
        (newer, variants.NEWER_CONTRACT, None): 2,
    }
    wait_for_answers(home, site, 4)
    [refused] = [entry for receipt in receipts(home, site) for entry in receipt["data"]["refused"]]
    assert "Ask the platform to upgrade" in refused["fix"]

    assert old.stop() == 0
    replay = ("dead-letters", "replay", site.id, "--rule", "newer_version", "--yes")
    assert b12(home, capsys, *replay).startswith("1 written to be judged again.")
    place = older, refused["offset"]
    wait_until(lambda: told_of_replays(home, site) == ({place: "accepted"}, 1))
    assert b12(home, capsys, *replay).startswith("Nothing to replay")
    [brought_in] = accepted_replays(home, site)
    assert (brought_in["kind"], brought_in["origin_partition"], brought_in["origin_offset"]) == ("lab_result", *place)
    assert len(rows(home, site)) == 5
