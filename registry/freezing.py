"""A release that a paper or a decision stands on: named, and kept for ever.

What a release is belongs to release.py; that its file goes when a family withdraws, to revocation.py.
"""

import re

import msgspec

from contracts.errors import UsageError
from lake import settings_file
from lake.home import Home
from registry import manifest, release
from registry.manifest import Manifest

_NAME = re.compile(r"[a-z][a-z0-9-]{2,63}")
_IS_TAKEN = re.compile(r"r\d+.*")
"""How releases are called by themselves."""


def freeze(home: Home, name: str, which: str | None = None) -> Manifest:
    """Keep a release (default: the current one) under a name. Said again of the same release, nothing changes.

    UsageError for a name that is none or is another release's, for a release that has another name or no file any more.
    """
    if not _NAME.fullmatch(name) or _IS_TAKEN.fullmatch(name):
        raise UsageError(
            f"{name!r}: a name of 3 to 64 small letters, digits and hyphens that begins with a letter and is not like"
            " that of a release, such as trial-2027"
        )
    with release.exclusive(home):
        found = release.current(home) if which is None else release.one(home, which)
        holder = next((each for each in release.history(home) if each.frozen == name), found)
        if holder.id != found.id:
            raise UsageError(f"{name}: {holder.id} is kept under this name; a name is given once, so take another")
        if found.frozen not in (None, name):
            raise UsageError(f"{found.id}: it is kept as {found.frozen} already, and its name stays")
        if found.revoked:
            raise UsageError(f"{found.id}: it was revoked and has no file any more; freeze a later one")
        frozen = msgspec.structs.replace(found, frozen=name)
        file = release.release_file(home, found.id).with_suffix(".json")
        settings_file.write_bytes(file, manifest.encoded(frozen))
    return frozen
