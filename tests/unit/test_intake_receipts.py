"""Receipts are sent, by whoever owns the partition then, and always say the same."""

import asyncio
from types import SimpleNamespace

import pytest

from streams import transport
from tests.intake_fixture import ONE, OTHER_UUID, SITE, UUID, ids, offsets, run, said
from tests.sample_events import event


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


@pytest.mark.parametrize("first", [0, 3])
def test_receipts_of_a_worker_that_died_in_its_first_flush_are_sent_whatever_retention_took_since(
    home, kafka, new_intake, first
):
    async def story():
        dying = new_intake()
        await dying.take([ONE])
        await dying.accept(kafka.fetch(ONE, 0, *ids(4)))
        await dying.flush()
        kafka.commits.clear()
        kafka.sent.clear()
        kafka.log[ONE] = (first, 1000)
        heir = new_intake()
        await heir.take([ONE])
        await heir.flush()

    run(story())
    assert [(data["from_offset"], data["to_offset"]) for data in kafka.sent] == [(0, 4)]


def test_what_was_committed_of_a_topic_that_is_made_again_answers_for_nothing_of_the_new_one(home, kafka, new_intake):
    async def story():
        first = new_intake()
        await first.take([ONE])
        await first.accept(kafka.fetch(ONE, 0, *ids(6)))
        await first.flush()
        assert kafka.commits == {ONE: 6}
        kafka.sent.clear()
        kafka.uuids[SITE.events_topic] = OTHER_UUID
        dying = new_intake()
        await dying.take([ONE])
        await dying.accept(kafka.fetch(ONE, 0, *ids(4, 100)))
        kafka.refuses_receipts = True
        await dying.flush()
        assert (len(offsets(home)), kafka.sent, kafka.commits) == (10, [], {ONE: 6}), "Kafka hands the offset on"
        kafka.refuses_receipts = False
        heir = new_intake()
        await heir.take([ONE])
        await heir.flush()

    run(story())
    assert [(data["topic_uuid"], data["from_offset"], data["to_offset"]) for data in kafka.sent] == [(OTHER_UUID, 0, 4)]
    assert kafka.commits == {ONE: 4}


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


def test_an_offset_that_no_coordinator_takes_is_committed_later_although_nothing_else_comes(
    home, kafka, new_intake, caplog
):
    async def story():
        kafka.has_coordinator = False
        intake = new_intake()
        await intake.take([ONE])
        await intake.accept(kafka.fetch(ONE, 0, *ids(2)))
        await intake.flush()
        assert (len(offsets(home)), kafka.commits) == (2, {})
        kafka.has_coordinator = True
        await intake.flush()

    run(story())
    assert kafka.commits == {ONE: 2}
    assert [data["to_offset"] for data in kafka.sent] == [2], "the receipt itself was there"
    assert len(said(caplog, "commit_failed")) == 1


def test_a_group_without_a_coordinator_keeps_no_flush_waiting(monkeypatch):
    monkeypatch.setattr(transport, "COMMIT_SECONDS", 0.01)

    async def for_ever(_):
        await asyncio.Event().wait()

    consumer = SimpleNamespace(assignment=lambda: {ONE}, commit=for_ever)
    thread = SimpleNamespace(_ensure_consumer=lambda: consumer)
    committing = transport.BatchConsumerThread.commit_receipts(thread, {ONE: transport.Cursor(3, UUID)})
    assert run(asyncio.wait_for(committing, 5)) is False
