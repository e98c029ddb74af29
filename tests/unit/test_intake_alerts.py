"""Alerts go out behind the lake's commit and before Kafka's, and what a crash kept back, under the same id."""

from datetime import UTC, datetime, timedelta

import pytest

from streams.site_alerts import DIGEST_SECONDS, HOUR, MOST_PER_HOUR, SiteAlerts
from tests.intake_fixture import ONE, RECEIVED_MS, SITE, ids, run, said
from tests.sample_events import event

RECEIVED = datetime.fromtimestamp(RECEIVED_MS / 1000, UTC)
LOW = {"person": "infant", "value": 90, "collected": (RECEIVED - timedelta(days=2)).date().isoformat()}
SHARE = MOST_PER_HOUR // 2


def low(number, **data):
    return event(id=f"low-{number}", data=LOW | data)


@pytest.fixture
def clock(monkeypatch):
    """A clock that a test moves: `clock[0]`."""
    now = [1000.0]
    monkeypatch.setattr(SiteAlerts.__init__, "__defaults__", (lambda: now[0],))
    return now


def alert_ids(kafka):
    return [message["id"] for message in kafka.alerted]


@pytest.mark.parametrize("forms", ["compiled", "columns", "off"])
def test_one_dangerous_value_among_many_events_alerts_once(home, kafka, new_intake, monkeypatch, forms):
    monkeypatch.setenv("B12_FORMS", forms)

    async def story():
        intake = new_intake()
        await intake.take([ONE])
        harmless = [low(f"not-{number}", value=900 + number) for number in range(300)]
        await intake.accept(kafka.fetch(ONE, 0, *harmless[:150], low(1), b"not json", *harmless[150:]))
        await intake.flush()

    run(story())
    [alert] = kafka.alerted
    assert (alert["type"], alert["data"]["rule"], alert["data"]["site"]) == ("b12.alert.v1", "b12_deficient", SITE.id)
    assert [data["to_offset"] for data in kafka.sent] == [302]
    assert kafka.commits == {ONE: 302}


def test_what_was_not_told_before_a_crash_is_told_by_the_next_owner_under_the_same_ids(home, kafka, new_intake):
    async def story():
        dying = new_intake()
        await dying.take([ONE])
        for number in range(3):
            await dying.accept(kafka.fetch(ONE, number, low(number)))
            await dying.flush()
        before = list(kafka.alerted)
        kafka.alerted.clear()
        kafka.commits[ONE] = 1  # it died before its second commit
        heir = new_intake()
        await heir.take([ONE])
        await heir.flush()
        assert kafka.alerted == before[1:]
        await heir.flush()
        assert kafka.alerted == before[1:]

    run(story())


def test_alerts_that_kafka_does_not_take_are_sent_later_once_each(home, kafka, new_intake, monkeypatch):
    monkeypatch.setattr("streams.answers.SEND_AGAIN_SECONDS", 0)

    async def story():
        intake = new_intake()
        await intake.take([ONE])
        kafka.refuses_receipts = True
        await intake.accept(kafka.fetch(ONE, 0, low(0)))
        await intake.flush()
        assert (kafka.alerted, kafka.commits) == ([], {})
        kafka.refuses_receipts = False
        await intake.flush()
        assert len(kafka.alerted) == 1
        assert kafka.commits == {ONE: 1}

    run(story())


def test_a_fault_in_finding_alerts_keeps_nothing_from_the_lake(home, kafka, new_intake, monkeypatch, caplog):
    def broken(*_):
        raise ValueError

    monkeypatch.setattr("streams.sources.raised", broken)

    async def story():
        intake = new_intake()
        await intake.take([ONE])
        await intake.accept(kafka.fetch(ONE, 0, low(0)))
        await intake.flush()

    run(story())
    assert kafka.commits == {ONE: 1}
    assert len(said(caplog, "alerts_failed")) == 1


def test_a_flood_becomes_a_digest_and_the_committed_offset_waits_for_it(home, kafka, new_intake, clock):
    async def story():
        intake = new_intake()
        await intake.take([ONE])
        await intake.accept(kafka.fetch(ONE, 0, *(low(number) for number in range(SHARE + 5))))
        await intake.flush()
        assert len(kafka.alerted) == SHARE
        assert kafka.commits == {ONE: SHARE}
        clock[0] += DIGEST_SECONDS
        await intake.flush()
        digest = kafka.alerted[-1]
        assert digest["type"] == "b12.alert_digest.v1"
        assert [(count["rule"], count["alerts"]) for count in digest["data"]["counts"]] == [("b12_deficient", 5)]
        assert kafka.commits == {ONE: SHARE + 5}
        await intake.flush()
        assert len(kafka.alerted) == SHARE + 1
        clock[0] += HOUR
        await intake.accept(kafka.fetch(ONE, SHARE + 5, low("later")))
        await intake.flush()
        assert kafka.alerted[-1]["type"] == "b12.alert.v1"

    run(story())


def test_what_waits_for_a_digest_is_told_by_a_worker_that_stops_and_by_the_heir_of_one_that_dies(
    home, kafka, new_intake, clock
):
    async def story():
        dying = new_intake()
        await dying.take([ONE])
        await dying.accept(kafka.fetch(ONE, 0, *(low(number) for number in range(SHARE + 5))))
        await dying.flush()
        told = set(alert_ids(kafka))
        kafka.alerted.clear()
        heir = new_intake()
        await heir.take([ONE])
        await heir.flush()
        assert len(set(alert_ids(kafka)) - told) == 5
        await heir.accept(kafka.fetch(ONE, SHARE + 5, *(low(number) for number in range(100, 100 + SHARE))))
        await heir.close()
        assert sum(count["alerts"] for count in kafka.alerted[-1]["data"]["counts"]) == 5
        assert kafka.commits == {ONE: 2 * SHARE + 5}

    run(story())


def test_the_severe_are_listed_before_the_others(home, kafka, new_intake, clock):
    async def story():
        intake = new_intake()
        await intake.take([ONE])
        warnings = [low(number, value=250) for number in range(SHARE)]
        await intake.accept(kafka.fetch(ONE, 0, *warnings, low("worst")))
        await intake.flush()
        assert [message["data"]["severity"] for message in kafka.alerted] == ["critical", *["warning"] * (SHARE - 1)]

    run(story())


def test_a_backfill_alerts_nobody(home, kafka, new_intake):
    async def story():
        intake = new_intake()
        await intake.take([ONE])
        old = (RECEIVED - timedelta(days=20)).date().isoformat()
        await intake.accept(kafka.fetch(ONE, 0, *(low(number, collected=old) for number in range(50)), *ids(2)))
        await intake.flush()

    run(story())
    assert kafka.alerted == []
