"""A worker killed by SIGKILL, at each named moment of a flush and at a random one: every acknowledged event once."""

import random
import threading
import time
from collections import Counter

from lake import crash
from lake.home import REPLAY_TOPIC
from lake.snapshot import snapshot
from tests.sample_events import event
from tests.worker_processes import add_to, answered, forget_dead_workers, rows, send, wait_for_answers, wait_for_rows

EVENTS = 200
"""Sent for each kill, one in ten of them refused."""


def events(site, turn):
    return [
        b"not json" if number % 10 == 9 else event(site=site.id, id=f"{turn}-{number}", subject=f"S-{number % 7}")
        for number in range(EVENTS)
    ]


def test_every_acknowledged_event_is_stored_once_and_answered_whenever_the_worker_dies(
    intake_home, start_worker, new_site_id, capsys
):
    site = add_to(intake_home, new_site_id())
    acknowledged = []
    found_after = {}
    # Each victim first flushes once unharmed, so that it dies with a past and with events in hand.
    for moment in crash.MOMENTS:
        acknowledged += send(intake_home, site, events(site, f"before-{moment}"))
        worker = start_worker(**{crash.SETTING: f"{moment}:1"})
        worker.wait_for("flushed")
        acknowledged += send(intake_home, site, events(site, moment))
        assert worker.wait_for_end() == -9
        forget_dead_workers(intake_home)
        found_after[moment] = len(rows(intake_home, site))
    acknowledged += killed_at_random(intake_home, site, start_worker)
    found_after["random"] = len(rows(intake_home, site))

    survivor = start_worker()
    survivor.wait_for("started")  # the others may have left nothing to do
    found = wait_for_rows(intake_home, site, len(acknowledged))
    verdicts = wait_for_answers(intake_home, site, len(acknowledged))
    assert survivor.stop() == 0

    times = Counter((row["partition"], row["offset"]) for row in found)
    with capsys.disabled():
        print(f"\n  killed {len(found_after)} times: {len(acknowledged)} acknowledged, {len(found)} rows,")
        print(f"  {len(times)} distinct, {sum(n > 1 for n in times.values())} twice; rows after each: {found_after}")
    assert set(times) == set(acknowledged)
    assert set(times.values()) == {1}
    assert set(verdicts) == set(acknowledged)
    assert Counter(verdicts.values()) == {"accepted": len(acknowledged) * 9 // 10, "not_json": len(acknowledged) // 10}
    received = sum(position.received for position in snapshot(intake_home).positions.values())
    assert received == len(acknowledged)


def killed_at_random(home, site, start_worker) -> list[tuple[int, int]]:
    """Kill a worker a moment after it began to read, while more is being sent; what was acknowledged."""
    acknowledged: list[tuple[int, int]] = []
    worker = start_worker()
    worker.wait_for("reading")

    def feed():
        for turn in range(5):
            acknowledged.extend(send(home, site, events(site, f"random-{turn}")))

    feeder = threading.Thread(target=feed)
    feeder.start()
    time.sleep(random.uniform(0.1, 1.5))  # noqa: S311 - any moment will do
    worker.kill()
    feeder.join()
    forget_dead_workers(home)
    return acknowledged


def test_two_workers_share_the_partitions_and_one_takes_over_when_the_other_dies(
    intake_home, start_worker, new_site_id
):
    site = add_to(intake_home, new_site_id())
    first, second = start_worker(), start_worker()
    acknowledged = send(intake_home, site, events(site, "both"))
    for worker in (first, second):
        worker.wait_for("started")
    # Each in the end reads one partition.
    deadline = time.monotonic() + 30
    while {last_partitions(first), last_partitions(second)} != {(0,), (1,)} and time.monotonic() < deadline:
        time.sleep(0.2)
    assert {last_partitions(first), last_partitions(second)} == {(0,), (1,)}
    acknowledged += send(intake_home, site, events(site, "shared"))
    wait_for_rows(intake_home, site, len(acknowledged))
    first.kill()
    acknowledged += send(intake_home, site, events(site, "alone"))
    forget_dead_workers_but(intake_home, second)
    found = wait_for_rows(intake_home, site, len(acknowledged))
    assert Counter((row["partition"], row["offset"]) for row in found) == Counter(acknowledged)
    assert second.stop() == 0
    assert answered(intake_home, site).keys() == set(acknowledged)


def last_partitions(worker) -> tuple[int, ...]:
    """The partitions of sites that a worker was dealt last: lines follow each other at once in one deal."""
    lines = [line for line in worker.lines() if line["event"] in ("reading", "revoked")]
    lines = [line for line in lines if line.get("topic") != REPLAY_TOPIC]
    dealt = []
    for line in reversed(lines):
        if line["event"] == "revoked":
            break
        dealt.append(line["partition"])
    return tuple(sorted(dealt))


def forget_dead_workers_but(home, worker):
    """Remove the members of the group that are not this worker's."""
    from kafka.admin import MemberToRemove

    from b12 import admin
    from lake.home import WORKER_GROUP

    with admin.connect(home.internal_kafka()) as client:
        members = client.describe_groups([WORKER_GROUP])[WORKER_GROUP]["members"]
        dead = [m for m in members if not m["client_id"].endswith(f"-{worker.process.pid}")]
        if dead:
            client.remove_group_members(WORKER_GROUP, [MemberToRemove(m["member_id"]) for m in dead])
