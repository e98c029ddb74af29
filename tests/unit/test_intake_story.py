"""Random stories of two workers, a network that loses things, and crashes: in the end every delivery is stored once.

The lake, the judge and the intake are real. Kafka is a list per partition, read as streams/transport.py reads it.
"""

import asyncio
import random
from collections import Counter
from types import SimpleNamespace

import pytest
from faust.types import TP

from contracts.site import Site
from lake.snapshot import snapshot
from lake.table import Lake
from streams.intake import Intake
from streams.metrics import Metrics
from streams.transport import Fetch, Grant
from tests.intake_fixture import RECEIVED_MS, Kafka
from tests.lake_fixture import rows
from tests.sample_events import event

SITE = Site(id="BLR01", name="A laboratory", country="IN", time_zone="Asia/Kolkata", synthetic=True)
PARTITIONS = [TP(SITE.events_topic, number) for number in range(2)]
STEPS = 150
ACTIONS = {"produce": 6, "poll": 10, "flush": 3, "lose": 1, "late": 1, "deal": 0.5, "usurp": 2, "die": 0.5}
"""What happens, and how often."""


class Crash(Exception):
    """The worker died at this point."""


class Broker:
    """What outlives the workers: the log, Kafka's committed offsets, and the receipts that were sent."""

    def __init__(self, dice):
        self.dice = dice
        self.log = {tp: [] for tp in PARTITIONS}
        self.next_offset = dict.fromkeys(PARTITIONS, 0)
        self.commits = {}
        self.sent = []
        self.fragile = True

    def produce(self):
        tp = self.dice.choice(PARTITIONS)
        for _ in range(self.dice.randint(1, 6)):
            self.next_offset[tp] += self.dice.random() < 0.1  # an offset of no delivery
            offset = self.next_offset[tp]
            value = b"not json" if self.dice.random() < 0.2 else event(id=f"{tp.partition}-{offset}")
            self.log[tp].append(SimpleNamespace(offset=offset, timestamp=RECEIVED_MS, value=value, headers=()))
            self.next_offset[tp] += 1

    def maybe_crash(self):
        if self.fragile and self.dice.random() < 0.05:
            raise Crash


class Client(Kafka):
    """One worker's consumer and producer."""

    def __init__(self, broker):
        super().__init__()
        self.broker = broker
        self.owned = set()
        self.places = {}

    async def grant(self, grants):
        self.places |= {tp: grant for tp, grant in grants.items() if tp in self.owned}

    def handed_over(self):
        return dict(self.places)

    async def committed(self, partitions):
        return {tp: self.broker.commits[tp] for tp in partitions if tp in self.broker.commits}

    async def bounds(self, partitions):
        return {tp: (0, self.broker.next_offset[tp]) for tp in partitions}

    async def commit_receipts(self, cursors):
        self.broker.maybe_crash()
        ours = {tp: cursor for tp, cursor in cursors.items() if tp in self.owned}
        self.broker.commits |= ours
        self.broker.maybe_crash()
        return len(ours) == len(cursors)

    async def send(self, topic, partition, values):
        self.broker.maybe_crash()
        await super().send(topic, partition, values)
        self.broker.sent += self.sent
        self.sent.clear()
        self.broker.maybe_crash()

    def poll(self, tp):
        """The next fetch, as the transport makes it; None when there is nothing."""
        place = self.places.get(tp)
        found = [record for record in self.broker.log[tp] if place and record.offset >= place.offset]
        if not found:
            return None
        found = found[: self.broker.dice.randint(1, 5)]
        fetch = Fetch(tp, place.lease, place.offset, found[-1].offset + 1, found)
        self.places[tp] = Grant(fetch.end, place.lease)
        return fetch


class Story:
    """Two workers that come, go and die, by the dice."""

    def __init__(self, home, seed):
        self.home = home
        self.dice = random.Random(seed)  # noqa: S311 - a story, not a secret
        self.broker = Broker(self.dice)
        self.workers = []
        self.under_way = []

    async def deal(self):
        """Deal the partitions out among the living, and tell them."""
        owners = [self.dice.choice(self.workers) for _ in PARTITIONS]
        for worker in self.workers:
            await self.give(worker, [tp for tp, owner in zip(PARTITIONS, owners, strict=True) if owner is worker])

    async def usurp(self):
        """Deal everything to one worker, and the others do not hear of it: they keep their buffers, and flush them."""
        heir = self.dice.choice(self.workers)
        for client, _ in self.workers:
            client.owned, client.places = set(), {}
        await self.give(heir, PARTITIONS)

    async def give(self, worker, partitions):
        client, intake = worker
        client.owned, client.places = set(partitions), {}
        await intake.take(partitions)

    async def start(self):
        client = Client(self.broker)
        intake = Intake(self.home, Lake.open(self.home.lake, self.home.secret()), client, client, client, Metrics())
        intake.register({SITE.events_topic: SITE})
        self.workers.append((client, intake))
        await self.deal()

    async def step(self):
        client, intake = worker = self.dice.choice(self.workers)
        action = self.dice.choices(list(ACTIONS), list(ACTIONS.values()))[0]
        try:
            if action == "produce":
                self.broker.produce()
            elif action == "flush":
                await intake.flush()
            elif action == "deal":
                await self.deal()
            elif action == "usurp":
                await self.usurp()
            elif action == "die":
                raise Crash
            elif action == "late" and self.under_way:
                _, other, fetch = self.under_way.pop(self.dice.randrange(len(self.under_way)))
                await other.accept(fetch)
            elif client.owned and (fetch := client.poll(self.dice.choice(sorted(client.owned)))):
                if action == "lose":
                    self.under_way.append((client, intake, fetch))  # it may still arrive, out of order
                else:
                    await intake.accept(fetch)
        except Crash:
            self.workers.remove(worker)
            if not self.workers:
                await self.start()
            else:
                await self.deal()
            if len(self.workers) < 2:
                await self.start()

    async def tell(self):
        await self.start()
        await self.start()
        for _ in range(STEPS):
            await self.step()
        self.broker.fragile = False
        for _ in range(2):  # what was lost on its way is found by a new deal at the latest
            await self.deal()
            for client, intake in self.workers:
                for tp in PARTITIONS:
                    while fetch := client.poll(tp):
                        await intake.accept(fetch)
                await intake.flush()


@pytest.mark.parametrize("seed", range(6))
def test_whatever_happens_every_delivery_is_stored_once_and_answered(home, seed):
    home.ensure_secret()
    story = Story(home, seed)
    asyncio.run(story.tell())
    expected = {(tp.partition, record.offset): record for tp in PARTITIONS for record in story.broker.log[tp]}
    assert len(expected) > 20
    assert Counter((row["partition"], row["offset"]) for row in rows(home)) == Counter(list(expected))
    assert sum(position.received for position in snapshot(home).positions.values()) == len(expected)
    refused, spoken_of = set(), set()
    for data in story.broker.sent:
        spoken_of |= {(data["partition"], offset) for offset in range(data["from_offset"], data["to_offset"])}
        refused |= {(data["partition"], entry["offset"]) for entry in data["refused"]}
    assert set(expected) <= spoken_of
    assert refused == {place for place, record in expected.items() if record.value == b"not json"}
