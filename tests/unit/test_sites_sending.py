"""Statements are sent until each is acknowledged; a producer that failed is never used again."""

from types import SimpleNamespace
from uuid import UUID

import msgspec
import pytest
from kafka.errors import KafkaTimeoutError, TopicAuthorizationFailedError

from contracts.errors import EnvironmentProblem
from sites import config, connection, sending
from sites.statement import Statement

TOPIC_ID = UUID(int=7)
STORED_MS = 1_780_000_000_000  # 2026-05-28
SETTINGS = msgspec.convert(
    {
        **dict.fromkeys(config.LabConfig.__struct_fields__, "x"),
        "bootstrap_servers": ["localhost:1"],
        "security_protocol": "PLAINTEXT",
    },
    config.LabConfig,
)


class Cluster:
    """Producers that fail as told, and what they stored."""

    def __init__(self):
        self.stored = []
        self.failures = []
        """For each producer: after how many sends it fails, and how."""
        self.open = 0
        self.line_is_broken = False

    def producer(self, **_):
        self.open += 1
        fails_after, error = self.failures.pop(0) if self.failures else (10**9, None)
        sent = 0

        def send(topic, value, headers):
            nonlocal sent
            sent += 1
            if sent > fails_after:
                return SimpleNamespace(get=lambda **_: self.fail(error))
            self.stored.append(value)
            offset = len(self.stored) - 1
            return SimpleNamespace(get=lambda **_: SimpleNamespace(partition=0, offset=offset, timestamp=STORED_MS))

        def close(timeout):
            self.open -= 1

        return SimpleNamespace(send=send, close=close)

    def fail(self, error):
        raise error

    def reach(self, *_):
        if self.line_is_broken:
            raise EnvironmentProblem("network: the platform cannot be reached")
        return connection.Reached("localhost:1", TOPIC_ID)


@pytest.fixture
def cluster(monkeypatch):
    cluster = Cluster()
    monkeypatch.setattr(sending, "KafkaProducer", cluster.producer)
    monkeypatch.setattr(connection, "reach", cluster.reach)
    return cluster


def statements(count, time="2026-05-28T00:00:00+00:00"):
    return [Statement(n, "b12", "lab_result", "A", str(n), str(n), time, str(n).encode()) for n in range(count)]


def send(count, **changes):
    taken = []
    try:
        sending.KafkaSender(SETTINGS).send(
            statements(count, **changes), lambda statement, position: taken.append((statement.id, position))
        )
    finally:
        send.taken = taken
    return taken


def test_every_statement_is_acknowledged_once_with_its_position(cluster):
    taken = send(5000)
    assert taken == [(str(n), f"{TOPIC_ID}/0/{n}") for n in range(5000)]
    assert cluster.open == 0


@pytest.mark.parametrize("after", [0, 1, 999, 1000, 2500])
def test_after_a_failure_another_producer_replays_what_was_not_acknowledged(cluster, after):
    cluster.failures = [(after, KafkaTimeoutError()), (after, KafkaTimeoutError())]
    taken = send(5000)
    assert [id_ for id_, _ in taken] == [str(n) for n in range(5000)]
    assert set(cluster.stored) == {str(n).encode() for n in range(5000)}
    assert cluster.open == 0


def test_a_platform_that_takes_nothing_is_given_up_after_three_tries(cluster):
    cluster.failures = [(0, KafkaTimeoutError())] * 5
    with pytest.raises(EnvironmentProblem, match=r"takes no events \(KafkaTimeoutError\)"):
        send(10)
    assert len(cluster.failures) == 2


def test_what_is_wrong_with_the_line_is_said_instead(cluster):
    cluster.failures = [(3, KafkaTimeoutError())]
    sender = sending.KafkaSender(SETTINGS)
    cluster.line_is_broken = True
    taken = []
    with pytest.raises(EnvironmentProblem, match="network: the platform cannot be reached"):
        sender.send(statements(10), lambda statement, _: taken.append(statement.id))
    assert taken == ["0", "1", "2"]


def test_a_refused_topic_is_not_tried_again(cluster):
    cluster.failures = [(0, TopicAuthorizationFailedError())] * 2
    with pytest.raises(EnvironmentProblem, match="topic: the user x may not write"):
        send(10)
    assert len(cluster.failures) == 1


def test_a_clock_that_is_ahead_of_the_platforms_is_told_and_not_remembered_as_sent(cluster):
    with pytest.raises(EnvironmentProblem, match="ahead of the platform's: set it"):
        send(10, time="2026-05-29T00:00:00+00:00")
    assert send.taken == []
