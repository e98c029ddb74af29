"""Clients that are not ours send an event by the page for labs, and it is accepted."""

import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from kafka import KafkaConsumer, TopicPartition

from b12 import admin
from b12.local import jars
from contracts.judge import is_refusal, judge

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "send-from-your-own-software.md").read_text(encoding="utf-8")


def example(language):
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return found


@pytest.fixture
def lab(kafka_home, add_site, tmp_path):
    """A directory as the page assumes it, for a site of this test's own; and the site."""
    site = add_site()
    (tmp_path / "event.ndjson").write_text(example("json").replace("BLR01", site.id))
    (tmp_path / "BLR01.toml").write_bytes(kafka_home.lab_config(site.id).read_bytes())
    return tmp_path, site


def accepted(home, site):
    """The events in the site's topic, each accepted by the judge."""
    consumer = KafkaConsumer(
        **admin.client_settings(home.internal_kafka()), enable_auto_commit=False, auto_offset_reset="earliest"
    )
    try:
        partitions = [TopicPartition(site.events_topic, n) for n in consumer.partitions_for_topic(site.events_topic)]
        consumer.assign(partitions)
        ends = consumer.end_offsets(partitions)
        records = []
        while any(consumer.position(partition) < ends[partition] for partition in partitions):
            records += [record for batch in consumer.poll(500).values() for record in batch]
    finally:
        consumer.close()
    judged = [judge(record.value, site, None, record.headers) for record in records]
    assert not any(is_refusal(each) for each in judged)
    return [event.id for event in judged]


def test_a_client_on_librdkafka(kafka_home, lab):
    directory, site = lab
    subprocess.run([sys.executable, "-W", "error", "-c", example("python")], cwd=directory, check=True, timeout=60)
    assert accepted(kafka_home, site) == ["LIS-2026-000118"]


def test_kafkas_own_java_client(kafka_home, lab):
    directory, site = lab
    settings = msgspec.toml.decode((directory / "BLR01.toml").read_bytes())
    values = {
        **settings,
        "ca_pem": settings["ca_pem"].strip().replace("\n", "\\n"),
        "bootstrap_servers": ",".join(settings["bootstrap_servers"]),
    }

    def filled(text):
        return re.sub(r"\{(\w+)\}", lambda match: values[match[1]], text)

    (directory / "producer.properties").write_text(filled(example("properties")))
    command = filled(example("sh")).replace('"libs/*"', '"$CLASS_PATH"').replace("java ", '"$JAVA" ', 1)
    done = subprocess.run(
        ["/bin/bash", "-c", command],
        cwd=directory,
        env={"PATH": "/usr/bin:/bin", "CLASS_PATH": jars.class_path(), "JAVA": str(jars.java())},
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert done.returncode == 0, done.stderr
    assert accepted(kafka_home, site) == ["LIS-2026-000118"]
