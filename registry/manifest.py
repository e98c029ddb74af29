"""What stands beside a release: what it was made of, what it holds, and what the suites said of it.

Writing it, and pointing at it, belongs to release.py.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import msgspec

import contracts
from registry import content
from registry.content import Content
from registry.inputs import Bound, Inputs
from registry.models import load_models

_PACKAGES = (
    "b12-registry",
    "dagster",
    "deltalake",
    "duckdb",
    "great-expectations",
    "msgspec",
    "pyarrow",
)


class SiteState(msgspec.Struct, frozen=True):
    """What a release read of one site."""

    bounds: tuple[Bound, ...]
    """Up to where, and how many deliveries had been received by then."""
    waiting: int = 0
    """Deliveries beyond: received and not judged, because the site is held."""
    held_because: str | None = None
    """Why the site stays at its last good offsets, or, without bounds, is left out."""


class Manifest(msgspec.Struct, frozen=True):
    """The manifest of one release. `content` depends on nothing but the tables."""

    id: str
    number: int
    content: str
    """Fingerprint of every table together."""
    published: datetime
    cut_off: date
    lake_version: int
    sites: dict[str, SiteState]
    tables: dict[str, Content]
    contract: str
    rules: str
    """Fingerprint of the rules of the door and of the rows."""
    definitions: str
    """Fingerprint of the tables and clinical definitions."""
    models: str
    """Fingerprint of the models' SQL."""
    suites: tuple[dict[str, Any], ...]
    """What the suites said: plain data, without any value."""
    packages: dict[str, str]
    revoked: datetime | None = None
    """When its file was removed, because it held families who withdrew."""
    frozen: str | None = None
    """The name under which it is kept for ever; None for one that nobody has frozen."""
    beside: str | None = None
    """The release that it stands beside, of the same deliveries by other definitions; None for one of its own right."""


_decode = msgspec.json.Decoder(Manifest).decode


def described(
    number: int,
    tables: Mapping[str, Content],
    given: Inputs,
    published: datetime,
    suites: Sequence[Mapping[str, Any]] = (),
    held_because: Mapping[str, str] | None = None,
    definitions_from: Path | None = None,
) -> Manifest:
    """The manifest of a build that passed its audits."""
    held_because = held_because or {}
    whole = content.together(tables.items())
    sites = {
        site: SiteState(
            tuple(sorted(bound for bound in given.bounds if bound.site == site)),
            given.waiting.get(site, 0),
            held_because.get(site),
        )
        for site in sorted({bound.site for bound in given.bounds} | set(given.waiting))
    }
    contract = files("contracts")
    folders: list[Traversable | Path] = [contract / "tables", contract / "definitions"]
    if definitions_from is not None:
        folders.append(definitions_from)
    return Manifest(
        id=f"r{number:04d}-{whole[:8]}",
        number=number,
        content=whole,
        published=published,
        cut_off=given.cut_off,
        lake_version=given.lake_version,
        sites=sites,
        tables=dict(sorted(tables.items())),
        contract=contracts.VERSION,
        rules=_of_files([contract / "rules"]),
        definitions=_of_files(folders),
        models=_of_texts(f"{model.name}\n{model.sql}" for model in load_models()),
        suites=tuple(dict(suite) for suite in suites),
        packages=_versions(),
    )


def encoded(manifest: Manifest) -> bytes:
    """JSON, one field a line."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"


def decoded(raw: bytes) -> Manifest:
    """Raises msgspec.ValidationError or DecodeError when it is none."""
    return _decode(raw)


def _of_files(folders: Sequence[Traversable | Path]) -> str:
    return _of_texts(
        f"{entry.name}\n{entry.read_text(encoding='utf-8')}"
        for folder in folders
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(".toml")
    )


def _of_texts(texts: Any) -> str:
    digest = sha256()
    for text in texts:
        encoded_text = text.encode()
        digest.update(len(encoded_text).to_bytes(8, "big") + encoded_text)
    return digest.hexdigest()[:16]


def _versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
