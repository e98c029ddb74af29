"""Fixtures of tests about dead letters: the lake is real, Kafka is not.

Imports stand inside: pytest may read this file before it knows which warnings of kafka-python to pass over.
"""

from contextlib import contextmanager

import pytest


@pytest.fixture(autouse=True)
def lake(home):
    """Two sites: of BLR01 the offsets 1, 2 and 4 are refused, of OSL01 the offset 0."""
    from tests.dead_letters_fixture import SECRET_VALUE, UNIT
    from tests.lake_fixture import record
    from tests.registry_fixture import BLR01, OSL01
    from tests.sample_events import event

    home.ensure_secret()
    home.put_site(BLR01)
    home.put_site(OSL01)
    record(home, BLR01, [event(id="a"), SECRET_VALUE, UNIT, event(id="b"), None])
    record(home, OSL01, [b""])


@pytest.fixture
def producer(monkeypatch):
    from streams import replays
    from tests.dead_letters_fixture import Producer

    made = Producer(max_request_size=replays.MOST_BYTES)
    monkeypatch.setattr(replays, "KafkaProducer", lambda **_: made)
    monkeypatch.setenv("B12_BROKERS", "nowhere:1")
    return made


@pytest.fixture
def records():
    """Kafka's records of the refused deliveries of BLR01, and of one replay for a site that is gone."""
    from tests.dead_letters_fixture import originals

    return originals()


@pytest.fixture
def open_(records):
    """What stands in for streams.replays.opened."""
    from lake import dead_letters
    from lake.snapshot import snapshot
    from streams.replays import Replays
    from tests.dead_letters_fixture import EVERYTHING, UUID
    from tests.registry_fixture import BLR01

    @contextmanager
    def opened(home):
        with dead_letters.opened(snapshot(home), EVERYTHING) as found:
            yield Replays(home, found, records, {UUID: BLR01.events_topic})

    return opened
