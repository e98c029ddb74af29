"""Deliveries through a real broker and real worker processes into the lake, and receipts back."""

import pytest

from contracts.events import KINDS
from lake.snapshot import snapshot
from tests.sample_events import event, one_of_each
from tests.worker_processes import (
    add_to,
    answered,
    new_home,
    receipts,
    rows,
    send,
    started,
    wait_for_answers,
    wait_for_rows,
)


@pytest.fixture
def intake_home(kafka_home, tmp_path):
    return new_home(kafka_home, tmp_path / "home")


@pytest.fixture
def start_worker(intake_home):
    yield from started(intake_home, [])


def test_events_of_every_kind_are_stored_once_and_answered(intake_home, start_worker, new_site_id):
    site = add_to(intake_home, new_site_id())
    worker = start_worker()
    sent = send(intake_home, site, [*one_of_each(site.id), b"not json"])
    found = wait_for_rows(intake_home, site, 16)
    assert sorted((row["partition"], row["offset"]) for row in found) == sorted(sent)
    assert {row["kind"] for row in found} == {*KINDS, "refused"}
    verdicts = wait_for_answers(intake_home, site, 16)
    assert sorted(verdicts) == sorted(sent)
    assert sorted(verdicts.values()) == ["accepted"] * 15 + ["not_json"]
    assert sum(p.received for p in snapshot(intake_home).positions.values()) == 16
    assert worker.stop() == 0
    assert worker.lines()[-1]["event"] == "left"
