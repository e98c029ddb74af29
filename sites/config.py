"""The file that a lab is handed: how to reach the platform, its password and its site key; and where it is looked for.

What the lab keeps for itself (its ledger) belongs to `sites.ledger`.
"""

import os
import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import platformdirs

from contracts.errors import UsageError
from contracts.readable import readable
from contracts.site import SITE_ID, Site
from sites.checking import unregistered_site


@readable
class LabConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What one site's file holds. Fields of a newer platform are left alone."""

    site: str
    bootstrap_servers: tuple[str, ...]
    security_protocol: str
    sasl_mechanism: str
    username: str
    password: str
    site_key: str
    time_zone: str
    events_topic: str
    receipts_topic: str
    alerts_topic: str
    consumer_group: str
    ca_pem: str | None = None
    """The authority to trust; None: the system's."""

    @property
    def key(self) -> bytes:
        """The 64 bytes under which this site's codes become pseudonyms."""
        return bytes.fromhex(self.site_key)

    @property
    def as_site(self) -> Site:
        """The site as far as a lab's check needs to know it."""
        return unregistered_site(self.site, self.time_zone)

    def __repr__(self) -> str:
        return f"LabConfig({self.site!r})"  # never the password or the key


def find(site: str, given: Path | None = None) -> Path:
    """The settings file of a site: the one that was named, else the first that is there.

    Looked for in order: `B12_SITE_CONFIG`, `SITE.b12.toml` and `SITE.toml` in the working directory, the user's
    configuration directory, and the home of a platform on this machine (`B12_HOME`).
    """
    if not re.fullmatch(SITE_ID, site):
        raise UsageError(f"{site!r} is no site's name: three to twelve capital letters and digits, like BLR01")
    named = given or (Path(path) if (path := os.environ.get("B12_SITE_CONFIG")) else None)
    if named is not None:
        if not named.is_file():
            raise UsageError(f"{named}: there is no such settings file")
        return named
    places = [
        Path(f"{site}.b12.toml"),
        Path(f"{site}.toml"),
        platformdirs.user_config_path("b12") / f"{site}.toml",
        Path(os.environ.get("B12_HOME") or "var") / "secrets" / "sites" / f"{site}.toml",
    ]
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        looked = "".join(f"\n  - {place}" for place in places)
        raise UsageError(
            f"no settings of site {site}: save the file that the platform's operators gave you as one of these,"
            f" or name it with --config{looked}"
        )
    return found


def load(path: Path, site: str) -> LabConfig:
    """Read a site's file; UsageError when it is damaged or belongs to another site."""
    try:
        tree: Any = tomllib.loads(path.read_text(encoding="utf-8"))
        config = msgspec.convert(tree, LabConfig)
        key = config.key
    except (OSError, ValueError) as error:
        # The message of a parser may quote the password: name the file alone.
        raise UsageError(
            f"{path} is damaged ({type(error).__name__}): ask the platform's operators for it anew"
        ) from None
    if config.site != site:
        raise UsageError(f"{path} holds the settings of {config.site}, not of {site}")
    if len(key) != 64:
        raise UsageError(f"{path} is damaged (site_key): ask the platform's operators for it anew")
    return config


def state_directory(config: Path) -> Path:
    """Where the lab's ledger lies: beside its settings, unless `B12_SITE_STATE` names a directory."""
    named = os.environ.get("B12_SITE_STATE")
    return Path(named) if named else config.parent
