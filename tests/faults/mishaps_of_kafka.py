"""Brokers that are killed and stopped, and a group that forgets its members."""

import time
from random import Random
from threading import Thread

from kafka.admin import KafkaAdminClient, MemberToRemove

from lake.home import WORKER_GROUP
from tests.faults.mishaps import mishap
from tests.faults.world import World


@mishap("one broker killed", "kafka", 3)
def one_killed(world: World, dice: Random) -> None:
    node = dice.choice(world.brokers.nodes)
    node.kill()
    time.sleep(dice.uniform(0, 6))
    node.start()
    world.brokers.wait()


@mishap("one broker stopped", "kafka", 2)
def one_stopped(world: World, dice: Random) -> None:
    node = dice.choice(world.brokers.nodes)
    node.stop()
    time.sleep(dice.uniform(0, 3))
    node.start()
    world.brokers.wait()


@mishap("all brokers killed", "kafka", 1, nodes=3)
def all_killed(world: World, dice: Random) -> None:
    for node in world.brokers.nodes:
        node.kill()
    time.sleep(dice.uniform(0, 3))
    for node in world.brokers.nodes:
        node.start()
    world.brokers.wait()


@mishap("all brokers stopped", "kafka", 1, nodes=3)
def all_stopped(world: World, dice: Random) -> None:
    stopping = [Thread(target=node.stop) for node in world.brokers.nodes]
    for thread in stopping:
        thread.start()
    for thread in stopping:
        thread.join()
    for node in world.brokers.nodes:
        node.start()
    world.brokers.wait()


@mishap("living workers expelled from their group", "kafka", 4)
def expelled(world: World, dice: Random) -> None:
    def expel(client: KafkaAdminClient) -> None:
        members = client.describe_groups([WORKER_GROUP])[WORKER_GROUP]["members"]
        chosen = [MemberToRemove(member["member_id"]) for member in members if dice.random() < 0.6]
        if chosen:
            client.remove_group_members(WORKER_GROUP, chosen)

    world.ask(expel)
