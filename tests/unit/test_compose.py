"""docker-compose.yml and the Dockerfile, read by Debian's docker-compose; no engine runs them here."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from b12.local import broker, jars, programs
from b12.local.ports import Ports

ROOT = Path(__file__).parents[2]
ONE_SHOT = {"prepare", "topics"}
MAY_DIFFER = {
    "listeners",
    "advertised.listeners",
    "controller.quorum.bootstrap.servers",
    "log.dirs",
    "ssl.keystore.location",
    "ssl.truststore.location",
}


@pytest.fixture(scope="module")
def services():
    compose = shutil.which("docker-compose")
    if compose is None:
        message = "docker-compose is not installed, so docker-compose.yml WAS NOT CHECKED"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    done = subprocess.run([compose, "config"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return yaml.safe_load(done.stdout)["services"]


def test_it_brings_up_the_same_parts_as_b12_up(services, monkeypatch):
    monkeypatch.setenv("B12_ALERT_WEBHOOK_URL", "https://example.org/")
    assert set(services) - ONE_SHOT == {program.name for program in programs.programs()}


def test_local_and_compose_differ_in_places_and_addresses_alone(home):
    local = broker.load_properties(broker.properties(home, Ports()))
    compose = broker.load_properties(broker.compose_properties(Ports()))
    assert {key for key in local | compose if local.get(key) != compose.get(key)} == MAY_DIFFER


def test_the_brokers_image_is_the_pinned_version_and_reads_the_rendered_file(services):
    assert services["broker"]["image"] == f"apache/kafka:{jars.KAFKA_VERSION}"
    script = services["broker"]["command"][0]
    assert "/config/server.properties" in script
    settings = broker.load_properties(broker.compose_properties(Ports()))
    targets = {volume.split(":")[1] for volume in services["broker"]["volumes"]}
    assert {settings["log.dirs"], settings["ssl.keystore.location"].rsplit("/", 1)[0]} == targets


def test_the_broker_sees_its_own_certificates_and_no_other_secret(services):
    assert not [volume for volume in services["broker"]["volumes"] if volume.startswith("home:")]


def test_ports_are_published_on_this_machine_alone(services):
    published = [port for service in services.values() for port in service.get("ports", [])]
    assert len(published) == 2
    assert all(str(port).startswith("127.0.0.1:") for port in published)


@pytest.mark.parametrize("name", ["broker", "worker", "dagster-code", "dagster-web", "dagster-daemon"])
def test_every_lasting_service_has_a_health_check_and_comes_back(services, name):
    assert services[name]["healthcheck"]["test"][0] == "CMD"
    assert services[name]["restart"] == "unless-stopped"


@pytest.mark.parametrize(("url", "runs"), [("", ["sleep", "infinity"]), ("https://example.org/", ["alert-webhook"])])
def test_the_alert_webhook_comes_back_and_sleeps_unless_its_address_is_set(services, monkeypatch, home, url, runs):
    from b12 import cli

    service = services["alert-webhook"]
    assert (service["restart"], service["environment"]["B12_ALERT_WEBHOOK_URL"]) == ("unless-stopped", "")
    became = []
    for become in ("execv", "execvp"):
        monkeypatch.setattr(os, become, lambda _, command: became.append(command) or sys.exit(0))
    monkeypatch.setenv("DAGSTER_HOME", "")
    monkeypatch.setenv("B12_HOME", str(home.path))
    monkeypatch.setenv("B12_ALERT_WEBHOOK_URL", url)
    with pytest.raises(SystemExit):
        cli.main(service["command"])
    assert became[0][-len(runs) :] == runs


def test_no_service_has_rights_to_spare(services):
    for service in services.values():
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert "privileged" not in service


def test_no_password_stands_in_the_file(services):
    assert not re.search("password|secret_key|token", str(services), re.IGNORECASE)


def test_the_image_installs_the_lock_with_hashes_and_runs_as_nobody_special():
    lines = (ROOT / "Dockerfile").read_text()
    user = lines.index("\nUSER b12")
    assert user < lines.index("--require-hashes --requirement requirements.lock")
    assert "USER root" not in lines
    assert "--uid 1000" in lines


def test_every_room_is_in_the_image():
    rooms = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "bench"}
    dockerfile, kept = (ROOT / "Dockerfile").read_text(), (ROOT / ".dockerignore").read_text()
    for room in rooms:
        assert f"COPY --chown=b12:b12 {room} {room}\n" in dockerfile
        assert f"!{room}\n" in kept


def test_prepare_hands_the_broker_what_it_needs_and_nothing_else(tmp_path, monkeypatch, home):
    from b12 import cli

    monkeypatch.setenv("B12_HOME", str(home.path))
    monkeypatch.setenv("B12_BROKERS", "broker:9092")
    config = tmp_path / "config"
    config.mkdir()
    assert cli.main(["container", "prepare", str(config)]) == 0
    assert cli.main(["container", "prepare", str(config)]) == 0
    assert {path.name for path in config.iterdir()} == {"broker.pem", "ca.pem", "server.properties"}
    assert len(home.secret()) == 32
    assert (home.dagster / "dagster.yaml").exists()
