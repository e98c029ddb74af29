"""After a release a site reads on its own topic what the registry made of its deliveries."""

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import msgspec
from kafka import KafkaConsumer, TopicPartition

from b12.admin import client_settings
from contracts.pseudonyms import pseudonym, site_key
from contracts.site import Site
from contracts.verdict_receipts import ChangedVerdict, VerdictReceipt
from expectations.checks import CheckResult
from lake.home import Home
from pipelines.build import Finished, run_in_process
from pipelines.definitions import build_defs
from registry.models import needed_for
from tests.lake_fixture import record
from tests.registry_fixture import CUT_OFF
from tests.sample_events import event
from tests.worker_processes import new_home

MODELS = needed_for(["core.subjects", "core.doses"])


class NoChecks:
    """What is checked is another test's."""

    def run(self, *_: object, **__: object) -> list[CheckResult]:
        return []

    def write_docs(self, *_: object) -> None:
        pass


def build(home: Home) -> Finished:
    return run_in_process(home, CUT_OFF, build_defs(home, models=MODELS, auditor=lambda: nullcontext(NoChecks())))


def read(home: Home, site: Site) -> list[ChangedVerdict]:
    """Everything on the site's receipts topic."""
    consumer = KafkaConsumer(**client_settings(home.internal_kafka()), enable_auto_commit=False)
    try:
        partitions = [
            TopicPartition(site.receipts_topic, n) for n in consumer.partitions_for_topic(site.receipts_topic)
        ]
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        ends = consumer.end_offsets(partitions)
        found: list[ChangedVerdict] = []
        while any(consumer.position(partition) < ends[partition] for partition in partitions):
            for records in consumer.poll(500).values():
                for each in records:
                    found += msgspec.json.decode(each.value, type=VerdictReceipt).data.verdicts
        return found
    finally:
        consumer.close()


def test_verdicts_reach_the_site_once_they_change(
    kafka_home: Home, add_site: Callable[..., Site], tmp_path: Path
) -> None:
    site = add_site()
    home = new_home(kafka_home, tmp_path / "home")
    home.put_site(site)
    early = event("dose", site.id, id="d1", record="d1", subject="A-1")
    record(home, site, [early, early])

    assert build(home).problems == []
    told = {(verdict.offset, verdict.verdict): verdict for verdict in read(home, site)}
    assert set(told) == {(0, "held"), (1, "duplicate")}
    assert told[0, "held"].reason == "no_enrolment"
    assert "enrolment" in told[0, "held"].fix
    key = site_key(home.secret(), site.id)
    assert told[0, "held"].subject_key == pseudonym(key, "subject", "A-1").hex()
    assert told[0, "held"].id_key == pseudonym(key, "id", "d1").hex()

    assert build(home).problems == []
    assert len(read(home, site)) == 2, "nothing changed, so nothing is said again"

    record(home, site, [event("enrolment", site.id, id="e1", subject="A-1")])
    assert build(home).problems == []
    later = read(home, site)[2:]
    assert [(verdict.offset, verdict.verdict, verdict.fix) for verdict in later] == [(0, "included", "")]
