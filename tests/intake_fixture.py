"""An intake whose Kafka is a stand-in: a test makes the fetches, and sees what was committed and answered.

    def test_it(home, kafka, new_intake):                      # fixtures of tests/unit/conftest.py
        async def story():
            intake = new_intake()
            await intake.take([ONE, TWO])
            await intake.accept(kafka.fetch(ONE, 0, *ids(3)))
            await intake.flush()

        run(story())

What is asserted of the intake belongs to the tests.
"""

import asyncio
import itertools
import json
from types import SimpleNamespace

from aiokafka.errors import UnknownTopicOrPartitionError
from faust.types import TP

from contracts.site import Site
from streams.transport import Cursor, Fetch
from tests.lake_fixture import rows
from tests.sample_events import event

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
        self.committed_of = {}  # the topic's UUID, as it goes with a commit
        self.sent = []
        self.alerted = []
        self.out_of_range = set()
        self.handed = {}
        self.refuses_receipts = False
        self.has_coordinator = True
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
        uuids = self.topic_uuids({tp.topic for tp in partitions}) | self.committed_of
        return {
            tp: Cursor(self.commits[tp], uuids.get(tp, uuids.get(tp.topic))) for tp in partitions if tp in self.commits
        }

    async def bounds(self, partitions):
        return {tp: self.log[tp] for tp in partitions}

    async def commit_receipts(self, cursors):
        if self.has_coordinator:
            self.commits |= {tp: cursor.offset for tp, cursor in cursors.items()}
            self.committed_of |= {tp: cursor.topic_uuid for tp, cursor in cursors.items()}
        return self.has_coordinator

    def topic_uuids(self, names):
        return {name: self.uuids[name] for name in names if name in self.uuids}

    async def send(self, topic, partition, values):
        if self.refuses_receipts:
            raise UnknownTopicOrPartitionError
        if topic == SITE.alerts_topic:
            self.alerted += map(json.loads, values)
            return
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


def run(coroutine):
    return asyncio.run(coroutine)


def ids(count, first=0):
    return [event(id=f"e-{number}") for number in range(first, first + count)]


def offsets(home):
    return sorted((row["partition"], row["offset"]) for row in rows(home))


def said(capfd_or_caplog, name):
    return [record for record in capfd_or_caplog.records if record.msg == name]
