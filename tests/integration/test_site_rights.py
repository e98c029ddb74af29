"""What a site's credentials open, and what they do not."""

import msgspec
import pytest
from kafka import KafkaConsumer, KafkaProducer
from kafka.admin import KafkaAdminClient
from kafka.errors import GroupAuthorizationFailedError, KafkaError, TopicAuthorizationFailedError

from b12 import admin, registration
from contracts import pseudonyms
from contracts.errors import UsageError
from lake.home import REPLAY_TOPIC


def lab_client(home, site, tmp_path):
    """kafka-python's settings, made from nothing but the file that the lab was handed."""
    config = msgspec.toml.decode(home.lab_config(site.id).read_bytes())
    ca = tmp_path / f"{site.id}.ca.pem"
    ca.write_text(config["ca_pem"])
    return config, {
        "bootstrap_servers": config["bootstrap_servers"],
        "security_protocol": config["security_protocol"],
        "sasl_mechanism": config["sasl_mechanism"],
        "sasl_plain_username": config["username"],
        "sasl_plain_password": config["password"],
        "ssl_cafile": str(ca),
        "bootstrap_timeout_ms": 5000,
    }


def send(settings, topic):
    producer = KafkaProducer(**settings, delivery_timeout_ms=8000, request_timeout_ms=4000)
    try:
        return producer.send(topic, b"{}", partition=0).get(10)
    finally:
        producer.close(2)


def read(settings, topic, group, wait_ms=6000):
    consumer = KafkaConsumer(
        topic, group_id=group, auto_offset_reset="earliest", consumer_timeout_ms=wait_ms, **settings
    )
    try:
        return next(iter(consumer), None)
    finally:
        consumer.close()


def test_a_site_writes_its_own_events_stamped_by_the_brokers_clock(kafka_home, add_site, tmp_path):
    config, settings = lab_client(kafka_home, add_site(), tmp_path)
    sent = send(settings, config["events_topic"])
    assert sent.timestamp > 0
    assert sent.offset == 0


def test_a_site_cannot_write_to_another_sites_topic(kafka_home, add_site, tmp_path):
    _, settings = lab_client(kafka_home, add_site(), tmp_path)
    with pytest.raises(TopicAuthorizationFailedError):
        send(settings, add_site().events_topic)


def test_a_site_can_neither_write_nor_read_replays(kafka_home, add_site, tmp_path):
    _, settings = lab_client(kafka_home, add_site(), tmp_path)
    with pytest.raises(TopicAuthorizationFailedError):
        send(settings, REPLAY_TOPIC)
    with KafkaAdminClient(**settings) as client:
        [described] = client.describe_topics([REPLAY_TOPIC])
    assert described["error_code"] == TopicAuthorizationFailedError.errno


def test_a_site_reads_its_own_receipts_and_not_anothers(kafka_home, add_site, tmp_path):
    site, other = add_site(), add_site()
    platform = admin.client_settings(kafka_home.internal_kafka())
    for topic in (site.receipts_topic, other.receipts_topic):
        send(platform, topic)
    config, settings = lab_client(kafka_home, site, tmp_path)
    assert read(settings, site.receipts_topic, config["consumer_group"]).value == b"{}"
    assert read(settings, other.receipts_topic, config["consumer_group"], wait_ms=1000) is None
    with KafkaAdminClient(**settings) as client:  # kafka-python's consumer only logs why it reads nothing
        codes = {t["name"]: t["error_code"] for t in client.describe_topics([site.alerts_topic, other.alerts_topic])}
    assert codes == {site.alerts_topic: 0, other.alerts_topic: TopicAuthorizationFailedError.errno}


def test_a_site_reads_with_its_own_consumer_group_alone(kafka_home, add_site, tmp_path):
    site = add_site()
    _, settings = lab_client(kafka_home, site, tmp_path)
    with pytest.raises(GroupAuthorizationFailedError):
        read(settings, site.receipts_topic, f"b12.site.{site.id}X")


def test_the_sites_listener_takes_no_plain_connection_and_no_wrong_password(kafka_home, add_site, tmp_path):
    config, settings = lab_client(kafka_home, add_site(), tmp_path)
    with pytest.raises(KafkaError):
        send({"bootstrap_servers": settings["bootstrap_servers"], "bootstrap_timeout_ms": 1000}, config["events_topic"])
    with pytest.raises(KafkaError):
        send({**settings, "sasl_plain_password": "guess", "bootstrap_timeout_ms": 1000}, config["events_topic"])


def test_the_platforms_listener_wants_a_certificate(kafka_home):
    kafka = kafka_home.internal_kafka()
    with pytest.raises(KafkaError):
        send(
            {
                "bootstrap_servers": kafka.servers,
                "security_protocol": "SSL",
                "ssl_cafile": str(kafka.cafile),
                "bootstrap_timeout_ms": 1000,
            },
            REPLAY_TOPIC,
        )


def test_rotate_changes_the_password_and_keeps_the_key(kafka_home, add_site, tmp_path):
    site = add_site()
    old, old_settings = lab_client(kafka_home, site, tmp_path)
    registration.rotate(kafka_home, site.id)
    new, settings = lab_client(kafka_home, site, tmp_path)
    assert new["password"] != old["password"]
    assert new["site_key"] == old["site_key"] == pseudonyms.site_key(kafka_home.secret(), site.id).hex()
    assert send(settings, site.events_topic).offset == 0
    with pytest.raises(KafkaError):
        send({**old_settings, "bootstrap_timeout_ms": 1000}, site.events_topic)


def test_disable_shuts_a_site_out_and_rotate_lets_it_in_again(kafka_home, add_site, tmp_path):
    site = add_site()
    _, settings = lab_client(kafka_home, site, tmp_path)
    send(settings, site.events_topic)
    registration.disable(kafka_home, site.id)
    assert kafka_home.site(site.id).disabled
    with pytest.raises(KafkaError):
        send({**settings, "bootstrap_timeout_ms": 1000}, site.events_topic)
    registration.rotate(kafka_home, site.id)
    assert not kafka_home.site(site.id).disabled
    assert send(lab_client(kafka_home, site, tmp_path)[1], site.events_topic).offset == 1


def test_a_time_zone_can_change_until_the_site_has_sent_data(kafka_home, add_site, tmp_path):
    site = add_site()
    old, settings = lab_client(kafka_home, site, tmp_path)
    changed = registration.edit(kafka_home, site.id, {"time_zone": "Africa/Nairobi"})
    assert changed == {"time_zone": (site.time_zone, "Africa/Nairobi")}
    new, _ = lab_client(kafka_home, site, tmp_path)
    assert new == old | {"time_zone": "Africa/Nairobi"}
    send(settings, site.events_topic)
    with pytest.raises(UsageError, match="cannot change, because it has sent data: the local date of every event"):
        registration.edit(kafka_home, site.id, {"time_zone": "Asia/Kolkata", "name": "Another"})
    assert kafka_home.site(site.id).time_zone == "Africa/Nairobi"
    assert registration.edit(kafka_home, site.id, {"name": "Another"}) == {"name": (site.name, "Another")}


def test_registering_twice_changes_nothing_and_other_settings_are_refused(kafka_home, add_site):
    site = add_site()
    before = kafka_home.lab_config(site.id).read_bytes()
    with admin.connect(kafka_home.internal_kafka()) as client:
        ids = admin.topic_ids(client, [site.events_topic])
        registration.register(kafka_home, site)
        assert admin.topic_ids(client, [site.events_topic]) == ids
    assert kafka_home.lab_config(site.id).read_bytes() == before
    with pytest.raises(Exception, match="registered already, with other settings"):
        add_site(site.id, country="KE")
