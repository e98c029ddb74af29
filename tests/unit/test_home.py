"""The home: sites, secrets, and how Kafka is found."""

import stat

import pytest

from contracts.errors import EnvironmentProblem, UsageError
from contracts.site import Site
from lake import gaps, settings_file
from lake.home import Home, partitions

BLR01 = Site(
    id="BLR01",
    name='St "Mary\'s" Łab',
    country="IN",
    time_zone="Asia/Kolkata",
    elevation_m=920,
    lab_codes=("B12 \\ x", "ü"),
)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_the_home_is_var_unless_the_environment_names_another(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert Home.from_env().path == tmp_path / "var"
    monkeypatch.setenv("B12_HOME", str(tmp_path / "x"))
    assert Home.from_env().path == tmp_path / "x"


def test_a_site_is_read_back_as_it_was_registered(home):
    home.put_site(BLR01)
    assert home.sites() == {"BLR01": BLR01}
    assert home.site("BLR01") == BLR01


def test_sites_are_read_again_only_when_the_file_changed(home):
    home.put_site(BLR01)
    known = home.sites()["BLR01"]
    assert home.sites()["BLR01"] is known
    Home(home.path).put_site(Site(id="NBO01", name="-", country="KE", time_zone="Africa/Nairobi"))
    assert set(home.sites()) == {"BLR01", "NBO01"}
    home.sites_file.unlink()
    assert home.sites() == {}


def test_an_unknown_site_is_answered_with_the_known_ones(home):
    home.put_site(BLR01)
    with pytest.raises(UsageError, match="BLR01"):
        home.site("NBO01")


def test_a_home_stays_real_or_synthetic(home):
    home.put_site(BLR01)
    with pytest.raises(UsageError, match="holds real data and takes no synthetic site"):
        home.put_site(Site(id="DEMO1", name="d", country="IN", time_zone="UTC", synthetic=True))
    assert list(home.sites()) == ["BLR01"]


def test_the_secret_is_made_once_and_is_the_owners_alone(home):
    secret = home.ensure_secret()
    assert len(secret) == 32
    assert home.ensure_secret() == home.secret() == secret
    assert mode(home.secrets) == 0o700
    assert mode(home.secrets / "pseudonym.key") == 0o600


def test_a_missing_or_damaged_secret_is_never_replaced_silently(home):
    with pytest.raises(EnvironmentProblem, match="from a backup"):
        home.secret()
    (home.secrets / "pseudonym.key").write_bytes(b"short")
    with pytest.raises(EnvironmentProblem, match="damaged"):
        home.ensure_secret()


def test_a_secret_that_was_used_and_is_gone_is_not_made_anew(home):
    home.ensure_secret()
    settings_file.write(home.lab_config("BLR01"), {"site": "BLR01"}, settings_file.SECRET)
    (home.secrets / "pseudonym.key").unlink()
    with pytest.raises(EnvironmentProblem, match=r"pseudonym\.key is gone.*BLR01\.toml.*restore it from your backup"):
        home.ensure_secret()
    assert not (home.secrets / "pseudonym.key").exists()


def test_without_a_broker_the_message_says_how_to_get_one(home):
    with pytest.raises(EnvironmentProblem, match="b12 up"):
        home.internal_kafka()


def test_the_local_broker_is_found_by_what_up_recorded(home):
    home.put_connection("127.0.0.1:19092", "labs.example.org:19094")
    (home.secrets / "ca.pem").write_text("PEM")
    kafka = home.internal_kafka()
    assert kafka.servers == ["127.0.0.1:19092"]
    assert kafka.security_protocol == "SSL"
    assert home.site_listener().bootstrap == ("labs.example.org:19094",)
    assert home.site_listener().ca_pem == "PEM"


def test_a_cluster_of_ones_own_takes_the_place_of_the_local_broker(home, monkeypatch):
    monkeypatch.setenv("B12_BROKERS", "k1:9092, k2:9092")
    kafka = home.internal_kafka()
    assert kafka.servers == ["k1:9092", "k2:9092"]
    assert kafka.security_protocol == "PLAINTEXT"
    monkeypatch.setenv("B12_BROKERS_CA", "/certificates/ca.pem")
    assert home.internal_kafka().security_protocol == "SSL"


def test_the_lake_can_lie_elsewhere(home, monkeypatch):
    assert home.lake == str(home.path / "lake" / "deliveries")
    monkeypatch.setenv("B12_LAKE", "s3://bucket/deliveries")
    assert home.lake == "s3://bucket/deliveries"


@pytest.mark.parametrize("text", ["0", "two", "-1", "1001"])
def test_a_partition_count_that_is_none_is_refused(monkeypatch, text):
    monkeypatch.setenv("B12_PARTITIONS", text)
    with pytest.raises(UsageError, match="B12_PARTITIONS"):
        partitions()


def test_a_damaged_settings_file_is_named_and_never_quoted(home):
    home.sites_file.write_text('[BLR01]\npassword = "geheim')
    with pytest.raises(EnvironmentProblem) as caught:
        home.sites()
    assert str(home.sites_file) in str(caught.value)
    assert "geheim" not in str(caught.value)


def test_settings_survive_any_text(tmp_path):
    table = {"a": 'x"\\\n\t\x7f\x01é😀', "n": -3, "yes": True, "list": ["p", "q"], "t": {"odd key.": "v"}}
    settings_file.write(tmp_path / "s.toml", table, settings_file.SECRET)
    assert settings_file.read(tmp_path / "s.toml") == table
    assert mode(tmp_path / "s.toml") == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["s.toml"]


def test_a_gap_waits_until_it_is_accepted_and_again_when_it_grows(home):
    gap = gaps.Gap(BLR01.events_topic, "u-u", 1, 10, 50)
    assert not gaps.report(home, gap).accepted_at
    assert [g.to_offset for g in gaps.accept(home, BLR01.events_topic)] == [50]
    assert gaps.accept(home, BLR01.events_topic) == []
    assert gaps.report(home, gap).accepted_at
    grown = gaps.Gap(BLR01.events_topic, "u-u", 1, 10, 60)
    assert not gaps.report(home, grown).accepted_at
    assert [g.to_offset for g in gaps.gaps(home)] == [60]
