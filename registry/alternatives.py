"""A study's own definitions: the deliveries of the current release, built again by other files, beside it.

An alternative never becomes current, and is compared by registry/comparison.py.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

import msgspec

from contracts.errors import UsageError
from lake import settings_file
from lake.home import Home
from lake.origins import NO_SITE
from lake.snapshot import snapshot
from registry import build, content, inputs, invariants, manifest, release
from registry.content import Content
from registry.errors import DefinitionsWrong
from registry.inputs import Inputs
from registry.manifest import Manifest
from registry.models import Model

_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")


class Alternative(NamedTuple):
    """What building one led to."""

    manifest: Manifest
    file: Path
    is_new: bool
    """False when it was there already."""
    moved: tuple[str, ...]
    """Tables that hold something else than in the release beside it."""


def make(
    home: Home,
    directory: Path,
    name: str | None = None,
    *,
    models: tuple[Model, ...] | None = None,
    progress: Callable[[build.Built], None] | None = None,
) -> Alternative:
    """Build what the current release read by the definitions of `directory`, and keep it under a name of its own.

    A file of the directory stands in for the contract's file of the same name. `name` is the directory's unless given.
    UsageError for a name that is none, DefinitionsWrong for files that cannot be used, NoRelease without a release.
    """
    name = name or directory.name
    if not _NAME.fullmatch(name):
        raise UsageError("--name: a name of small letters, digits and underscores, like lower_b12, at most 32 of them")
    _require_known(directory)
    with release.exclusive(home) as (candidate, operators):
        base = release.current(home)
        given = _as_released(home, base)
        for built in build.run(given, candidate, operators, models=models, definitions_from=directory):
            if progress is not None:
                progress(built)
        release.require(invariants.check(candidate, operators, models))
        with build.opened(candidate, operators, read_only=True) as connection:
            tables = content.of_release(connection, "release")
        made = manifest.described(base.number, tables, given, datetime.now(UTC), definitions_from=directory)
        made = msgspec.structs.replace(made, id=f"{base.id}-{name}-{made.content[:8]}", beside=base.id)
        file = release.release_file(home, made.id)
        is_new = not file.exists()
        if is_new:
            candidate.chmod(0o444)
            release.move(candidate, file)
            settings_file.write_bytes(file.with_suffix(".json"), manifest.encoded(made))
    return Alternative(made, file, is_new, moved(base.tables, tables))


def moved(before: Mapping[str, Content], after: Mapping[str, Content]) -> tuple[str, ...]:
    """The tables whose content is not the same in both, or that only one has."""
    return tuple(sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name)))


def _require_known(directory: Path) -> None:
    known = {
        entry.name for entry in files("contracts").joinpath("definitions").iterdir() if entry.name.endswith(".toml")
    }
    given = {path.name for path in directory.glob("*.toml")} if directory.is_dir() else set()
    if not given:
        raise DefinitionsWrong(
            f"{directory}: no definitions are here; copy a file of contracts/definitions and edit it"
        )
    if unknown := sorted(given - known):
        raise DefinitionsWrong(
            f"{directory}: {', '.join(unknown)} stands in for no file; the definitions are {', '.join(sorted(known))}"
        )


def _as_released(home: Home, base: Manifest) -> Inputs:
    """The deliveries that a release read; what has come since is left out, a family's withdrawal excepted."""
    bounds = {site: state.bounds for site, state in base.sites.items()}
    held_at = dict.fromkeys((*home.sites(), NO_SITE), ()) | bounds
    given = inputs.pinned(home, snapshot(home), base.cut_off, held_at)
    return replace(given, waiting={site: state.waiting for site, state in base.sites.items()})
