"""Single faults of workers on a real broker, each followed by the whole checker.

Mixtures of them are tests/faults/test_short_run.py's, kills at each moment tests/integration/test_killed_workers.py's.
"""

import signal
import time
from itertools import islice

import pytest

from b12 import admin
from lake import crash
from tests.faults import checker, evidence, variants
from tests.faults.crew import Slot
from tests.faults.feeds import Feed
from tests.faults.history import CHANGED_LIMIT, events
from tests.faults.producer import Sender
from tests.faults.watch import Watch
from tests.worker_processes import forget_dead_workers, new_home, rows, wait_for_answers

LONGEST = 60
"""Seconds for anything here."""


class Scene:
    """One site, its history so far, and the workers that a test starts."""

    def __init__(self, home, site_id):
        self.home, self.history = home, home.path / "history"
        self.feed = Feed(home, site_id, "7", 0, self.history)
        self.watch = Watch(home.lake, self.history)
        self.slots = []

    def send(self, count, partition=None):
        order = self.feed.order("s")
        sender = Sender(order)
        sender.send(list(islice(events(order.site, order.run, order.seed), count)), partition)
        assert sender.finish(LONGEST) == 0

    def slot(self):
        self.slots.append(Slot(self.home, len(self.slots)))
        return self.slots[-1]

    def wait_for(self, holds, what):
        end = time.monotonic() + LONGEST
        while not holds():
            assert time.monotonic() < end, f"{what}:\n{self.logs()}"
            time.sleep(0.1)

    def wait_until_stored(self):
        ends = self.watch.ends()
        self.wait_for(lambda: self.watch.has(ends), "not everything is stored")

    def logs(self):
        return "\n".join(path.read_text() for path in sorted(self.home.logs.glob("worker-*.log")))

    def require_clean(self):
        """End the workers in good order, then ask the checker."""
        for slot in self.slots:
            slot.leave()
        kafka = admin.client_settings(self.home.internal_kafka())
        found = evidence.gather(kafka, [self.feed.site.id], self.home.lake, self.home.secret(), self.history)
        report = checker.check(found)
        assert report.is_clean, report.text()
        return report


@pytest.fixture
def scene(kafka_home, tmp_path, new_site_id):
    scene = Scene(new_home(kafka_home, tmp_path / "home"), new_site_id())
    yield scene
    for slot in scene.slots:
        slot.kill()
    forget_dead_workers(scene.home)


@pytest.mark.parametrize("moment", [variants.BEFORE_LOOKING, "files_written"])
def test_a_zombie_that_wakes_with_a_flush_in_its_hands_stores_nothing_twice(scene, moment):
    zombie = scene.slot()
    zombie.start_variant("stopped", **{variants.STOP_AT: f"{moment}:1"})
    sent = 0
    while not zombie.is_stopped() and sent < 4000:  # in its second flush, with a past in the lake
        scene.send(100)
        sent += 100
        time.sleep(0.5)
    assert zombie.is_stopped(), scene.logs()
    forget_dead_workers(scene.home)  # its session is over, in less time than it takes
    scene.slot().start()
    scene.wait_until_stored()
    zombie.signal(signal.SIGCONT)
    scene.wait_for(lambda: '"event": "fenced"' in scene.logs(), "the zombie was not fenced")
    scene.send(200)
    scene.wait_until_stored()
    assert scene.require_clean().acknowledged == sent + 200


@pytest.mark.parametrize(("moment", "judge"), [("files_written", "new"), ("committed", "old")])
def test_what_was_committed_under_the_old_rule_is_answered_by_it_and_all_else_by_the_new(scene, moment, judge):
    scene.send(300, partition=0)  # so that one flush has them all
    slot = scene.slot()
    slot.start(**{crash.SETTING: moment})
    scene.wait_for(slot.has_ended, "the worker does not die")
    forget_dead_workers(scene.home)
    slot.start_variant("changed_rule")
    wait_for_answers(scene.home, scene.feed.site, 300)
    scene.require_clean()
    found = rows(scene.home, scene.feed.site, ("rule", "size_bytes"))
    short = [row for row in found if row.get("rule") == "too_large" and row["size_bytes"] < 10 * CHANGED_LIMIT]
    assert bool(short) == (judge == "new")


@pytest.mark.parametrize("count", [60, 400], ids=["shorter", "longer"])
def test_a_topic_made_again_unseen_is_read_from_its_start_whichever_side_of_the_old_offset_it_ends(scene, count):
    slot = scene.slot()
    slot.start()
    scene.send(200)
    scene.wait_until_stored()
    slot.leave()
    old = scene.feed.uuid
    scene.feed.keep_log()
    scene.feed.make_again()
    assert scene.feed.uuid != old
    scene.send(count)
    slot.start()
    scene.wait_until_stored()
    scene.send(50)
    scene.wait_until_stored()
    assert scene.require_clean().rows == 250 + count
