"""The checker notices: each invariant is violated by code that is broken on purpose, on a real broker, and found.

The broken workers are tests/faults/broken.py's.
"""

import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from itertools import islice

import pytest
from deltalake import DeltaTable

from b12 import admin
from contracts.events import KIND_OF
from contracts.judge import is_refusal, judge
from contracts.site import Site
from lake.home import Home
from tests.faults import checker, evidence, ledger
from tests.faults.clients import librdkafka
from tests.faults.history import Value, events
from tests.faults.ledger import Tail
from tests.faults.producer import Order, Sender
from tests.worker_processes import SECONDS, new_home

EVENTS = 150
"""Sent to each broken worker at once, and four times in all."""
LONGEST = 90
"""Seconds. A dozen workers start together, and share what processors there are."""

NOTICED = {
    "nothing": set(),
    "progress_first": {"lost"},
    "skips_the_rows_of_a_flush": {"lost", "miscounted", "contradicted"},
    "repeats_a_flush": {"doubled", "miscounted", "contradicted"},
    "omits_receipts": {"unanswered"},
    "lies_in_receipts": {"contradicted"},
    "reads_uncommitted": {"unsent"},
    "counts_twice": {"miscounted"},
    "shifts_rows": {"misjudged"},
    "refuses_the_good": {"misjudged"},
    "alters_bytes": {"altered"},
    "erases_too_little": {"unerased"},
    "erases_too_much": {"misjudged"},
}
"""What the checker must say of each."""
ERASING = ("nothing", "erases_too_little", "erases_too_much")
"""Those of whom a subject is erased at the end."""


@pytest.fixture(scope="module")
def homes(kafka_home, tmp_path_factory):
    """A home for each way to be broken, with everything in its lake that its worker let in."""
    path = tmp_path_factory.mktemp("broken")
    feeds = [Feed(new_home(kafka_home, path / name), f"BRK{number:02d}") for number, name in enumerate(NOTICED)]
    with admin.connect(kafka_home.internal_kafka()) as client:
        topics = [topic for feed in feeds for topic in (feed.site.events_topic, feed.site.receipts_topic)]
        client.create_topics({topic: {"num_partitions": 2} for topic in topics}, wait_for_metadata=True)
        uuids = admin.topic_ids(client, topics)
    for feed in feeds:
        feed.uuid = str(uuids[feed.site.events_topic])
        feed.send("r1")
    orders = [f"{feed.name}={feed.home.path}" for feed in feeds]
    process = subprocess.Popen([sys.executable, "-m", "tests.faults.broken", *orders])
    try:
        for feed in feeds:
            # This one dies in its first flush, and goes on when it is started again.
            feed.wait_for(
                "started" if feed.name == "progress_first" else "flushed", 1 + (feed.name == "progress_first")
            )
        for feed in feeds:
            feed.send("r2")
        for feed in feeds:
            feed.wait_until_read()
            if feed.name in ERASING:
                ledger.erase(feed.home.path / "history", feed.site.id, [f"{feed.site.id}-S042"])
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(LONGEST) == 0
    return {feed.name: feed.home for feed in feeds}


class Feed:
    """The history of one broken worker's site."""

    def __init__(self, home: Home, site_id: str) -> None:
        self.home, self.name, self.uuid = home, home.path.name, ""
        self.site = Site(id=site_id, name="A laboratory", country="IN", time_zone="Asia/Kolkata", synthetic=True)
        home.put_site(self.site)

    def order(self, run: str) -> Order:
        kafka, history = librdkafka(self.home.internal_kafka()), str(self.home.path / "history")
        return Order(kafka, self.site.id, self.site.events_topic, self.uuid, 2, run, "7", 0, history)

    def send(self, run: str) -> None:
        """Send some events, then some that a transaction takes back, then some more."""
        history = events(self.site.id, run, 7)
        sender = Sender(self.order(run), wire=appended if self.name == "alters_bytes" else lambda value: value)
        sender.send(list(islice(history, EVENTS)))
        if self.name in ("nothing", "reads_uncommitted"):
            sender.producer.flush(SECONDS)
            self.send_and_abort(f"{run}-aborted")
        sender.send(list(islice(history, EVENTS)))
        assert sender.finish(SECONDS) == 0

    def send_and_abort(self, run: str) -> None:
        settings = {"transactional.id": self.site.id, "message.timeout.ms": 30_000}
        sender = Sender(self.order(run), **settings)
        sender.producer.init_transactions(SECONDS)
        sender.producer.begin_transaction()
        sender.send(list(islice(events(self.site.id, run, 7), 5)))
        sender.producer.flush(SECONDS)
        sender.producer.abort_transaction(SECONDS)
        sender.forget()
        assert sender.finish(SECONDS) == 0

    def log(self) -> str:
        path = self.home.logs / "worker-broken.log"
        return path.read_text() if path.exists() else ""

    def wait_for(self, event: str, count: int) -> None:
        end = time.monotonic() + LONGEST
        while self.log().count(f'"event": "{event}"') < count:
            assert time.monotonic() < end, f"no {event} from {self.name}:\n{self.log()}"
            time.sleep(0.1)

    def wait_until_read(self) -> None:
        end = time.monotonic() + LONGEST
        ends = Tail(self.home.path / "history").ends()
        while time.monotonic() < end:
            lake = DeltaTable(self.home.lake)
            if all((evidence.position(lake, *place)[0] or 0) >= offset for place, offset in ends.items()):
                return
            time.sleep(0.2)
        raise AssertionError(f"{self.name} does not read on:\n{self.log()}")


def appended(value: Value) -> Value:
    return None if value is None else value + b" "


@pytest.mark.parametrize("name", NOTICED)
def test_the_checker_notices(homes, name):
    home = homes[name]
    sites = home.sites()
    found = evidence.gather(
        *(admin.client_settings(home.internal_kafka()), sites, home.lake, home.secret(), home.path / "history")
    )
    report = checker.check(found)
    assert {name for name, count in report.found.items() if count} == NOTICED[name], report.text()
    assert report.acknowledged == 4 * EVENTS


def test_every_invariant_is_violated_by_one_of_them():
    assert set().union(*NOTICED.values()) == {invariant.name for invariant in checker.INVARIANTS}


def test_the_checker_imports_nothing_that_it_judges():
    code = "import sys, tests.faults.checker; print(*{name.split('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"b12", "contracts", "lake", "streams", "sites", "registry"} & set(loaded)


def test_the_history_is_the_same_for_a_seed_and_the_judge_agrees_with_its_verdicts():
    site = Site(id="FLT01", name="A laboratory", country="IN", time_zone="Asia/Kolkata", synthetic=True)
    planned = list(islice(events(site.id, "r1", 7), 2000))
    assert planned == list(islice(events(site.id, "r1", 7), 2000))
    for event in planned:
        judged = judge(event.value, site, datetime(2026, 11, 22, tzinfo=UTC))
        verdict = judged.rule if is_refusal(judged) else "accepted"
        kind = "refused" if is_refusal(judged) else KIND_OF[type(judged)]
        told = judged.id or "", judged.subject or ""
        assert (verdict, kind, *told) == (event.verdict, event.kind, event.id, event.subject)
    assert {event.verdict for event in planned} >= {"accepted", "not_utf8", "too_large", "wrong_site", "no_value"}
