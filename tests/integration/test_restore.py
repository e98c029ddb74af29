"""A lake from a backup is older than Kafka's committed offsets: workers read the rest again, or say that it is gone."""

from kafka import TopicPartition

from b12 import admin
from b12.backup import make
from b12.restore import restore
from lake import gaps
from lake.home import Home
from tests.sample_events import event
from tests.worker_processes import add_to, answered, rows, send, wait_for_answers, wait_for_rows


def test_a_restored_lake_catches_up_or_says_that_retention_has_passed(intake_home, start_worker, new_site_id, tmp_path):
    sites = [add_to(intake_home, new_site_id()) for _ in range(2)]
    whole, cut = sites

    def send_to_both(numbers):
        for site in sites:
            send(intake_home, site, [event(site=site.id, id=f"e-{number}") for number in numbers])

    worker = start_worker()
    send_to_both(range(10))
    for site in sites:
        wait_for_rows(intake_home, site, 10)
    make(intake_home, tmp_path / "backup")  # beside the running worker
    send_to_both(range(10, 20))
    for site in sites:
        wait_for_answers(intake_home, site, 20)
    assert worker.stop() == 0
    before = sorted((row["partition"], row["offset"]) for row in rows(intake_home, whole))
    told = answered(intake_home, whole)
    with admin.connect(intake_home.internal_kafka()) as client:
        client.delete_records({TopicPartition(cut.events_topic, 0): 8})

    other = Home(tmp_path / "other")
    restore(tmp_path / "backup", other)
    assert len(rows(other, whole)) == 10
    worker = start_worker(B12_HOME=str(other.path))
    held = worker.wait_for("held", reason="gap", topic=cut.events_topic)
    assert (held["partition"], held["wanted"], held["offered"]) == (0, 5, 8)
    found = wait_for_rows(other, whole, 20)
    assert sorted((row["partition"], row["offset"]) for row in found) == before, "each exactly once"
    assert answered(other, whole) == told, "what was answered twice was answered alike"
    assert len(wait_for_rows(other, cut, 15)) == 15  # five of its other partition
    (gap,) = gaps.gaps(other)
    assert gaps.remedy(gap.topic).endswith(f"b12 site accept-gap {cut.id}")
    gaps.accept(other, cut.events_topic)
    assert len(wait_for_rows(other, cut, 17)) == 17
    assert worker.stop() == 0
