"""The lab's settings are found, and never printed."""

import pytest

from contracts.errors import UsageError
from sites import config

SETTINGS = """
site = "BLR01"
bootstrap_servers = ["localhost:9094"]
security_protocol = "SASL_SSL"
sasl_mechanism = "SCRAM-SHA-256"
username = "BLR01"
password = "CANARY"
site_key = "{key}"
time_zone = "Asia/Kolkata"
events_topic = "b12.site.BLR01.events"
receipts_topic = "b12.site.BLR01.receipts"
alerts_topic = "b12.site.BLR01.alerts"
consumer_group = "b12.site.BLR01"
later = "what a newer platform adds"
""".format(key="ab" * 64)


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("B12_SITE_CONFIG", raising=False)
    monkeypatch.delenv("B12_SITE_STATE", raising=False)
    monkeypatch.setattr("platformdirs.user_config_path", lambda name: tmp_path / "user" / name)
    return tmp_path


def put(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(SETTINGS)
    return path


def test_the_nearest_settings_count(places, monkeypatch):
    order = [
        put(places / "named.toml"),
        put(places / "from_env.toml"),
        put(places / "BLR01.b12.toml"),
        put(places / "BLR01.toml"),
        put(places / "user" / "b12" / "BLR01.toml"),
        put(places / "home" / "secrets" / "sites" / "BLR01.toml"),
    ]
    assert config.find("BLR01", order[0]) == order[0]
    monkeypatch.setenv("B12_SITE_CONFIG", str(order[1]))
    monkeypatch.setenv("B12_HOME", str(places / "home"))
    assert config.find("BLR01") == order[1]
    monkeypatch.delenv("B12_SITE_CONFIG")
    for path in order[2:]:
        assert config.find("BLR01").absolute() == path
        path.unlink()
    with pytest.raises(UsageError, match="no settings of site BLR01") as error:
        config.find("BLR01")
    assert "BLR01.b12.toml" in str(error.value)


def test_what_a_lab_needs_is_in_the_file(places):
    settings = config.load(put(places / "BLR01.toml"), "BLR01")
    assert settings.as_site.source == "/sites/BLR01"
    assert str(settings.as_site.zone) == "Asia/Kolkata"
    assert len(settings.key) == 64
    assert "CANARY" not in repr(settings)


def test_another_sites_or_damaged_settings_are_told_without_the_password(places):
    path = put(places / "BLR01.toml")
    with pytest.raises(UsageError, match="holds the settings of BLR01, not of OSL01"):
        config.load(path, "OSL01")
    for old, new in [('"CANARY"', "CANARY"), ('password = "CANARY"', ""), ("ab" * 64, "abc"), ("ab" * 64, "ab")]:
        path.write_text(SETTINGS.replace(old, new))
        with pytest.raises(UsageError, match="is damaged") as error:
            config.load(path, "BLR01")
        assert "CANARY" not in str(error.value)
    with pytest.raises(UsageError, match="is no site's name"):
        config.find("../BLR01")
    with pytest.raises(UsageError, match="no such settings file"):
        config.find("BLR01", places / "none.toml")


def test_the_ledger_lies_beside_the_settings_unless_the_environment_says_otherwise(places, monkeypatch):
    assert config.state_directory(places / "BLR01.toml") == places
    monkeypatch.setenv("B12_SITE_STATE", str(places / "state"))
    assert config.state_directory(places / "BLR01.toml") == places / "state"
