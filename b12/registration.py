"""Registering a partner site: its topics, its user and rights on Kafka, and the file that its lab needs.

The command line that calls this is `b12.commands.site`; what a lab does with its file belongs to `sites`.
"""

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kafka.admin import KafkaAdminClient

from b12 import admin
from contracts import pseudonyms
from contracts.errors import EnvironmentProblem, UsageError
from contracts.site import Site
from lake import settings_file
from lake.home import Home, partitions


def register(home: Home, site: Site) -> Path:
    """Register `site` with Kafka and in the home; the path of the file for its lab.

    Repeating it with the same settings mends what is missing (a broker made anew, a lost file) and changes nothing
    else. UsageError when the site is registered with other settings.
    """
    _require_free(home, site)
    with admin.connect(home.internal_kafka()) as client:
        _connect_site(home, client, site, new_password=False)
    # Last, so that a worker that finds a site here also finds its topics, and a second try mends a broken first.
    home.put_site(site)
    return home.lab_config(site.id)


def enter(home: Home, site: Site) -> None:
    """Register `site` in the home alone, before there is a broker: what Kafka lacks, `restore` makes at `b12 up`."""
    _require_free(home, site)
    home.put_site(site)


def edit(home: Home, site_id: str, changes: Mapping[str, object]) -> dict[str, tuple[object, object]]:
    """Change what is registered of a site; each changed field with its old and new value.

    Workers read it within a second, and what it means for data that is there is decided by the next build. UsageError
    for a time zone that can no longer change.
    """
    known = home.site(site_id)
    site = _with(known, **changes)
    if site.time_zone != known.time_zone:
        if _has_data(home, known):
            raise UsageError(
                f"site {site_id}: its time zone cannot change, because it has sent data: the local date of every event"
                " was read in that zone when it arrived, and all ages rest on those dates. Register it under another"
                " name with the right zone, and let the lab push everything as that site"
            )
        if password := _password(home, site):
            _write_lab_config(home, site, password, home.ensure_secret())
    home.put_site(site)
    fields = {name: (getattr(known, name), getattr(site, name)) for name in Site.__struct_fields__}
    return {name: (before, after) for name, (before, after) in fields.items() if before != after}


def rotate(home: Home, site_id: str) -> Path:
    """Give the site's user another password and write its file anew; its site key never changes.

    A disabled site is in use again after this.
    """
    site = _with(home.site(site_id), disabled=False)
    with admin.connect(home.internal_kafka()) as client:
        _connect_site(home, client, site, new_password=True)
    home.put_site(site)
    return home.lab_config(site_id)


def disable(home: Home, site_id: str) -> None:
    """Revoke the site's rights and its user. Its topics, its deliveries and its registration stay."""
    site = home.site(site_id)
    with admin.connect(home.internal_kafka()) as client:
        admin.revoke(client, site)
        admin.remove_password(client, site)
    home.put_site(_with(site, disabled=True))


def restore(home: Home) -> None:
    """Make what Kafka lacks of the registered sites, as after its directory was made anew."""
    with admin.connect(home.internal_kafka()) as client:
        admin.ensure_replay_topic(client, partitions())
        for site in home.sites().values():
            if not site.disabled:
                _connect_site(home, client, site, new_password=False)


def _require_free(home: Home, site: Site) -> None:
    known = home.sites().get(site.id)
    if known is not None and known.disabled:
        raise UsageError(f"site {site.id} is registered and disabled; `b12 site rotate {site.id}` lets it in again")
    if known is not None and known != site:
        raise UsageError(
            f"site {site.id} is registered already, with other settings: `b12 site list` shows them,"
            f" `b12 site edit {site.id}` changes them"
        )
    home.require_same_kind(site)


def _connect_site(home: Home, client: KafkaAdminClient, site: Site, *, new_password: bool) -> None:
    secret = home.ensure_secret()
    password = None if new_password else _password(home, site)
    admin.ensure_replay_topic(client, partitions())
    admin.ensure_site_topics(client, site, partitions())
    admin.grant(client, site)
    if password is None or not admin.has_password(client, site):
        # The file first: a password that only Kafka knows would be lost with an interruption here.
        password = password or secrets.token_urlsafe(32)
        _write_lab_config(home, site, password, secret)
        admin.set_password(client, site, password)
    else:
        _write_lab_config(home, site, password, secret)


def _password(home: Home, site: Site) -> str | None:
    try:
        return settings_file.read(home.lab_config(site.id)).get("password")
    except FileNotFoundError:
        return None


def _write_lab_config(home: Home, site: Site, password: str, secret: bytes) -> None:
    listener = home.site_listener()
    config: dict[str, object] = {
        "site": site.id,
        "bootstrap_servers": list(listener.bootstrap),
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-256",
        "username": site.id,
        "password": password,
        "site_key": pseudonyms.site_key(secret, site.id).hex(),
        "time_zone": site.time_zone,
        "events_topic": site.events_topic,
        "receipts_topic": site.receipts_topic,
        "alerts_topic": site.alerts_topic,
        "consumer_group": admin.consumer_group(site),
    }
    if listener.ca_pem:
        config["ca_pem"] = listener.ca_pem
    settings_file.write(home.lab_config(site.id), config, settings_file.SECRET)


def _with(site: Site, **changes: object) -> Site:
    fields: dict[str, Any] = {name: getattr(site, name) for name in Site.__struct_fields__}
    return Site(**fields | changes)


def _has_data(home: Home, site: Site) -> bool:
    """Whether anything of the site is in the lake, or on its way there."""
    from lake.snapshot import snapshot

    with admin.connect(home.internal_kafka()) as client:
        if admin.has_records(client, site.events_topic):
            return True
    try:
        positions = snapshot(home).positions.values()
    except EnvironmentProblem:  # no lake yet
        return False
    return any(site.id in position.by_site for position in positions)
