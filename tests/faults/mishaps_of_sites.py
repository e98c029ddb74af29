"""Producers that die, send poison, take transactions back and flood; sites that come, and topics that come again."""

import time
from itertools import islice
from random import Random

from confluent_kafka import KafkaException

from tests.faults.feeds import PARTITIONS, Feed
from tests.faults.history import ACCEPTED, events
from tests.faults.mishaps import mishap
from tests.faults.producer import Sender
from tests.faults.world import MOST_SITES, World

TRANSACTION_SECONDS = 10
"""After which Kafka takes back what nobody committed."""
SEND_SECONDS = 60


@mishap("producer killed and run again", "sites", 4)
def killed(world: World, dice: Random) -> None:
    feed = dice.choice(world.feeds)
    with feed.lock:
        feed.kill()
        time.sleep(dice.uniform(0, 2))
        feed.start()


@mishap("transactions taken back", "sites", 3)
def aborted(world: World, dice: Random) -> None:
    feed = dice.choice(world.feeds)
    with feed.lock:
        order = feed.order("t")
        settings = {
            "transactional.id": feed.site.id,
            "transaction.timeout.ms": TRANSACTION_SECONDS * 1000,
            "message.timeout.ms": TRANSACTION_SECONDS * 1000,
        }
        sender, history = Sender(order, **settings), events(order.site, order.run, order.seed)
        try:
            sender.producer.init_transactions(SEND_SECONDS)
            for _ in range(dice.randint(2, 6)):
                sender.producer.begin_transaction()
                sender.send(list(islice(history, dice.randint(1, 40))))
                sender.producer.flush(TRANSACTION_SECONDS)
                time.sleep(dice.uniform(0, 1))  # readers wait for what the transaction will come to
                if dice.random() < 0.3:
                    sender.producer.commit_transaction(SEND_SECONDS)
                    sender.write_down()
                else:
                    sender.producer.abort_transaction(SEND_SECONDS)
                    sender.forget()
        except KafkaException:
            sender.forget()  # what became of it only the log knows
        sender.finish(SEND_SECONDS)


@mishap("poison", "sites", 2)
def poison(world: World, dice: Random) -> None:
    feed = dice.choice(world.feeds)
    with feed.lock:
        order = feed.order("x")
        bad = (event for event in events(order.site, order.run, order.seed) if event.verdict != ACCEPTED)
        sender = Sender(order)
        sender.send(list(islice(bad, dice.randint(10, 300))), dice.randrange(PARTITIONS))
        sender.finish(SEND_SECONDS)


@mishap("flood", "sites", 2)
def flood(world: World, dice: Random) -> None:
    dice.choice(world.feeds).flood()
    time.sleep(2)


@mishap("site added", "sites", 2, lambda world: f"there are {MOST_SITES}" if len(world.feeds) >= MOST_SITES else "")
def added(world: World, dice: Random) -> None:
    world.add_site()


@mishap("topic made again", "sites", 1)
def remade(world: World, dice: Random) -> None:
    feed: Feed = dice.choice(world.feeds)
    with feed.lock:
        world.empty(feed)
        feed.make_again()
        feed.start()
