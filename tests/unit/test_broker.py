"""The broker's template, certificates, jars and directory, without starting it."""

import hashlib
import shutil
import socket
import ssl
import stat
from pathlib import Path

import pytest
from cryptography import x509

from b12.local import broker, jars, ports, tls
from b12.local.ports import Ports
from contracts.errors import EnvironmentProblem, UsageError


def rendered(home, **settings):
    return broker.load_properties(broker.properties(home, Ports(**settings)))


def test_nobody_gets_in_without_tls_and_a_password_or_a_certificate(home):
    settings = rendered(home)
    assert settings["listener.security.protocol.map"] == "INTERNAL:SSL,CONTROLLER:SSL,SITES:SASL_SSL"
    assert settings["listener.name.internal.ssl.client.auth"] == "required"
    assert settings["listener.name.controller.ssl.client.auth"] == "required"
    assert settings["authorizer.class.name"].endswith("StandardAuthorizer")
    assert settings["allow.everyone.if.no.acl.found"] == "false"
    assert settings["auto.create.topics.enable"] == "false"


def test_one_node_keeps_one_copy_of_every_internal_topic(home):
    settings = rendered(home)
    counts = {k: v for k, v in settings.items() if "replication.factor" in k or "min.isr" in k or "insync" in k}
    assert set(counts.values()) == {"1"}
    assert len(counts) == 7


def test_a_fresh_installation_is_not_on_the_network(home):
    hosts = {listener.rsplit(":", 1)[0].split("//")[1] for listener in rendered(home)["listeners"].split(",")}
    assert hosts == {"127.0.0.1"}


def test_an_advertised_host_opens_the_sites_listener_alone(home):
    settings = rendered(home, advertised="labs.example.org")
    assert "SITES://0.0.0.0:9094" in settings["listeners"]
    assert "SITES://labs.example.org:9094" in settings["advertised.listeners"]
    assert "INTERNAL://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093" in settings["listeners"]


def test_offsets_outlive_the_records_that_they_point_at(home):
    settings = rendered(home)
    assert int(settings["offsets.retention.minutes"]) > int(settings["log.retention.hours"]) * 60


def test_no_secret_stands_in_the_properties_or_on_the_command_line(home, monkeypatch):
    monkeypatch.setattr(jars, "class_path", lambda: "jars")
    tls.ensure(home.secrets, [])
    words = [*rendered(home).items(), *broker.command(home)]
    assert not [word for word in words if "password" in str(word).lower() or "PRIVATE KEY" in str(word)]


def test_a_template_with_a_value_missing_is_not_rendered():
    with pytest.raises(KeyError):
        broker.render(data="x")


def test_certificates_hold_their_hosts_and_are_secret(tmp_path):
    tls.ensure(tmp_path, ["labs.example.org"])
    certificate = x509.load_pem_x509_certificates((tmp_path / "broker.pem").read_bytes())[0]
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert set(names.get_values_for_type(x509.DNSName)) == {"localhost", "labs.example.org"}
    assert "127.0.0.1" in map(str, names.get_values_for_type(x509.IPAddress))
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}


def test_certificates_are_kept_until_a_host_is_added_and_the_authority_always(tmp_path):
    def content():
        return {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    tls.ensure(tmp_path, [])
    first = content()
    tls.ensure(tmp_path, [])
    assert content() == first
    tls.ensure(tmp_path, ["10.0.0.7"])
    assert {name for name, data in content().items() if data != first[name]} == {"broker.pem"}


def test_a_certificate_near_its_end_is_replaced(tmp_path, monkeypatch):
    monkeypatch.setattr(tls, "LIFE", tls.RENEW_BEFORE / 2)
    tls.ensure(tmp_path, [])
    old = (tmp_path / "broker.pem").read_bytes()
    monkeypatch.undo()
    tls.ensure(tmp_path, [])
    assert (tmp_path / "broker.pem").read_bytes() != old


@pytest.mark.parametrize("name", ["ca.pem", "ca.key.pem"])
def test_an_authority_that_is_there_by_half_is_never_replaced_silently(tmp_path, name):
    tls.ensure(tmp_path, [])
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).unlink()
    with pytest.raises(EnvironmentProblem, match=f"{name} is gone.*restore the pair"):
        tls.ensure(tmp_path, [])
    (tmp_path / name).write_bytes(whole[:40])
    with pytest.raises(EnvironmentProblem, match="is damaged: restore the pair"):
        tls.ensure(tmp_path, [])


def test_a_damaged_certificate_is_made_anew(tmp_path):
    tls.ensure(tmp_path, [])
    (tmp_path / "broker.pem").write_bytes(b"")
    tls.ensure(tmp_path, [])
    assert b"BEGIN CERTIFICATE" in (tmp_path / "broker.pem").read_bytes()


def test_the_certificates_stand_up_to_a_strict_handshake(tmp_path):
    tls.ensure(tmp_path, [])
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=tmp_path / "ca.pem")
    server.verify_mode = ssl.CERT_REQUIRED
    server.load_cert_chain(tmp_path / "broker.pem")
    client = ssl.create_default_context(cafile=tmp_path / "ca.pem")
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    client.load_cert_chain(tmp_path / "internal.crt.pem", tmp_path / "internal.key.pem")
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(incoming, outgoing, server_hostname="localhost"),
        server.wrap_bio(outgoing, incoming, server_side=True),
    ]
    for _ in range(4):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
    assert ends[1].getpeercert()["subject"] == ((("commonName", "b12-internal"),),)


def test_a_jar_with_another_sum_is_refused(tmp_path, monkeypatch):
    good = hashlib.sha256(b"good").hexdigest()
    monkeypatch.setattr(jars, "pinned", lambda: [jars.Jar("g", "a", "1", good), jars.Jar("g", "b", "1", good)])
    (tmp_path / "a-1.jar").write_bytes(b"good")
    assert [jar.artifact for jar in jars.missing(tmp_path)] == ["b"]
    (tmp_path / "b-1.jar").write_bytes(b"bad")
    with pytest.raises(EnvironmentProblem, match=r"b-1\.jar is not the pinned jar"):
        jars.missing(tmp_path)


def test_jars_that_cannot_be_fetched_are_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("B12_CACHE", str(tmp_path))
    monkeypatch.setattr(jars, "pinned", lambda: [jars.Jar("g", "a", "1", "0")])

    def no_network(_self):
        raise ConnectionError

    monkeypatch.setattr("jgo.maven.Artifact.resolve", no_network)
    with pytest.raises(EnvironmentProblem, match="could not be fetched"):
        jars.class_path()
    assert list(jars.cache_directory().iterdir()) == []


def test_a_file_that_changed_on_its_way_is_thrown_away(tmp_path, monkeypatch):
    monkeypatch.setenv("B12_CACHE", str(tmp_path / "cache"))
    (tmp_path / "sent").write_bytes(b"something else")
    monkeypatch.setattr(jars, "pinned", lambda: [jars.Jar("g", "a", "1", "0")])
    monkeypatch.setattr("jgo.maven.Artifact.resolve", lambda _self: tmp_path / "sent")
    with pytest.raises(EnvironmentProblem, match="another file than the pinned one"):
        jars.class_path()
    assert list(jars.cache_directory().iterdir()) == []


def test_every_pinned_jar_has_a_sum_and_a_name_of_its_own():
    pins = jars.pinned()
    assert all(len(pin.sha256) == 64 for pin in pins)
    assert len({pin.filename for pin in pins}) == len(pins) > 50
    assert f"kafka_2.13-{jars.KAFKA_VERSION}.jar" in {pin.filename for pin in pins}


def test_a_half_formatted_directory_is_named_and_left_alone(home):
    data = home.broker / "data" / "b12.replay-0"
    data.mkdir(parents=True)
    with pytest.raises(EnvironmentProblem, match="half-formatted") as caught:
        broker.is_formatted(home)
    assert str(home.broker / "data") in str(caught.value)
    assert data.exists()


def test_a_full_disk_is_said_before_anything_starts(home, monkeypatch):
    usage = shutil.disk_usage(home.path)._replace(free=5 << 20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage)
    with pytest.raises(EnvironmentProblem, match="only 5 MB free"):
        broker.require_room(home)


def test_a_taken_port_is_named_with_the_setting_that_moves_ours():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(EnvironmentProblem, match=rf"port {port} .*B12_SITE_PORT"):
            ports.require_free({"B12_SITE_PORT": port})
    ports.require_free({"B12_SITE_PORT": port})


def test_a_port_that_is_no_number_is_refused(monkeypatch):
    monkeypatch.setenv("B12_DAGSTER_PORT", "http")
    with pytest.raises(UsageError, match="B12_DAGSTER_PORT"):
        Ports.from_env()


def test_the_pins_lie_in_the_package():
    assert Path(jars.__file__).with_name("kafka.jars").exists()
