"""Refused deliveries of two sites in a real lake, and what stands in for Kafka beside it: its records, and a producer.

The fixtures that bring them together are those of tests/unit/dead_letters/conftest.py.
"""

from types import SimpleNamespace

from kafka.errors import KafkaTimeoutError, MessageSizeTooLargeError

from lake import dead_letters
from lake.dead_letters import Place
from lake.home import REPLAY_TOPIC
from lake.origins import HEADER, Origin, header
from lake.snapshot import snapshot
from tests.lake_fixture import RECEIVED, REPLAY_UUID, topic_uuid_of
from tests.registry_fixture import BLR01, OSL01
from tests.sample_events import event

SECRET_VALUE = b'{"subject": "CANARY", '
UNIT = event(id="u", data={"unit": "furlong"})
UUID = topic_uuid_of(BLR01)
EVERYTHING = {(UUID, 0): 0, (topic_uuid_of(OSL01), 0): 0, (REPLAY_UUID, 0): 0}
RECEIVED_MS = int(RECEIVED.timestamp() * 1000)


def letters(home, kept=EVERYTHING, on_their_way=(), site="BLR01", **choice):
    with dead_letters.opened(snapshot(home), kept, on_their_way) as opened:
        return list(opened.letters(site, **choice))


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


def kept(value, *headers, topic=BLR01.events_topic):
    return SimpleNamespace(topic=topic, value=value, headers=list(headers), timestamp=RECEIVED_MS)


def originals():
    """What Kafka holds of BLR01's refused deliveries, and a replay for a site that is gone."""
    return Records(
        {
            Place(UUID, 0, 1): kept(SECRET_VALUE),
            Place(UUID, 0, 2): kept(UNIT, ("traceparent", b"00"), ("ce_id", None), (HEADER, b"the site's own")),
            Place(UUID, 0, 4): kept(None),
            Place(REPLAY_UUID, 0, 0): kept(UNIT, header(Origin("GONE01", "t", UUID, 0, 9, 5)), topic=REPLAY_TOPIC),
        }
    )
