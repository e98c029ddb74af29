"""The settings (`B12_*`) that the running stack was started with, so that later commands and restarts see the same.

What a setting means stands where it is read.
"""

import os
from collections.abc import Mapping

from lake import settings_file
from lake.home import Home

_OWN = ("B12_HOME",)
"""Known from where the file lies."""
_PATHS = {"B12_LAKE", "B12_CACHE", "B12_BROKERS_CA", "B12_BROKERS_CERT", "B12_BROKERS_KEY", "B12_SITE_CA"}


def current() -> dict[str, str]:
    """This process's settings, paths made absolute: the programs of the stack run in a directory of their own."""
    settings = {k: v for k, v in sorted(os.environ.items()) if k.startswith("B12_") and k not in _OWN}
    for name in _PATHS & settings.keys():
        if settings[name] and "://" not in settings[name]:
            settings[name] = os.path.abspath(settings[name])  # noqa: PTH100 - and never resolved through a link
    return settings


def save(home: Home) -> None:
    """Keep this process's settings for the programs of the stack; owner's eyes only, one may be a web hook."""
    settings_file.write(home.run / "settings.toml", current(), settings_file.SECRET)


def saved(home: Home) -> dict[str, str] | None:
    """The settings that the stack was started with; None when it never was."""
    try:
        return settings_file.read(home.run / "settings.toml")
    except FileNotFoundError:
        return None


def apply(home: Home) -> None:
    """Make the stack's settings this process's."""
    stack = saved(home)
    if stack is not None:
        _replace(stack)
    os.environ["B12_HOME"] = str(home.path)
    os.environ["DAGSTER_HOME"] = str(home.dagster)


def _replace(settings: Mapping[str, str]) -> None:
    for name in current():
        del os.environ[name]
    os.environ.update(settings)
