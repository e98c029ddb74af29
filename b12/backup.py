"""A backup: one directory that holds all of an installation that Kafka cannot give back, and a list of its sums.

Taking it back belongs to b12/restore.py. What is in Kafka, and logs, are in no backup.
"""

import hashlib
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import msgspec
from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError

from contracts.errors import EnvironmentProblem, UsageError
from contracts.pseudonyms import fingerprint
from lake import settings_file
from lake.checkpoints import checkpoint
from lake.compaction import sizes
from lake.damage import read_whole
from lake.home import Home
from lake.storage import Storage
from lake.table import SECRET_PROPERTY

FORMAT = 1
LIST = "backup.json"
"""Written last: a directory without it is no backup."""
LAKE, STATE = "lake", "home"
"""Parts of a backup: the lake's table, and the files of the home by their paths in it."""
_CHUNK = 1 << 20
_SQLITE = b"SQLite format 3\x00"
_TOLD = ("maintained.toml", "verdicts.told", "held.json")
"""Under run/: what was done and told, so that it is not told anew. The rest there is of processes that run."""
_JOURNALS = ("-wal", "-shm", "-journal")

Progress = Callable[[str], None]


class Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file of a backup."""

    sha256: str
    bytes: int
    mode: int


class Backup(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a backup says of itself."""

    format: int
    made_at: str
    """UTC, ISO 8601: when the lake was pinned."""
    software: str
    lake_version: int | None
    """None: there was no lake yet."""
    secret: str
    """Fingerprint of the pseudonyms' secret, under which the lake was written."""
    files: dict[str, Kept]
    """By path in the backup."""

    @property
    def bytes(self) -> int:
        """Of all files."""
        return sum(kept.bytes for kept in self.files.values())


def make(home: Home, directory: Path, progress: Progress = lambda _words: None) -> Backup:
    """Write a backup of `home` to a new or empty directory, while workers write and builds run.

    Releases come first, then one version of the lake, then sites and secrets: so no release in it is newer than its
    lake, and no delivery of a site that it does not list. Raises UsageError when the directory holds something,
    EnvironmentProblem when the lake cannot be read or was written under another secret.
    """
    secret = fingerprint(home.secret())
    _claim(home, directory)
    progress("copying releases and Dagster's store")
    _state(home, directory, _built(home))
    storage = Storage(home.lake)
    made_at = datetime.now(UTC).isoformat(timespec="seconds")
    pinned = _pinned(storage, secret)
    if pinned is not None:
        _lake(pinned, storage, directory / LAKE, progress)
    progress("copying sites and secrets")
    _state(home, directory, _registered(home))
    files = {str(path.relative_to(directory)): kept(path) for path in _files(directory)}
    made = Backup(FORMAT, made_at, version("b12-registry"), int(pinned.version()) if pinned else None, secret, files)
    settings_file.write_bytes(directory / LIST, msgspec.json.format(msgspec.json.encode(made)), settings_file.SECRET)
    return made


def kept(path: Path) -> Kept:
    """What a file is now."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
        status = path.stat()
    return Kept(digest.hexdigest(), status.st_size, status.st_mode & 0o777)


def _claim(home: Home, directory: Path) -> None:
    if directory.resolve().is_relative_to(home.path.resolve()):
        raise UsageError(f"{directory}: it lies within the home that is to be kept; name a directory on another disk")
    directory.mkdir(parents=True, exist_ok=True)
    if any(directory.iterdir()):
        raise UsageError(f"{directory}: not empty; each backup has a directory of its own")
    directory.chmod(0o700)


def _pinned(storage: Storage, secret: str) -> DeltaTable | None:
    with read_whole(storage.uri):
        try:
            table = DeltaTable(storage.uri)
        except TableNotFoundError:
            return None
        if table.metadata().configuration.get(SECRET_PROPERTY) != secret:
            raise EnvironmentProblem(
                f"the lake at {storage.uri} was written under another pseudonym secret than the one of this home, so a"
                " backup of the two would be of no use: put the right secrets/pseudonym.key back first"
            )
        checkpoint(table, storage)
        return table


def _lake(table: DeltaTable, storage: Storage, target: Path, progress: Progress) -> None:
    """A checkpoint is all of the log that one version needs. It goes first: the files that it names stay longer."""
    name = f"_delta_log/{int(table.version()):020}"
    log = [path for path in (f"{name}.checkpoint.parquet", f"{name}.json") if storage.exists(path)]
    paths = [*log, *sizes(table)]
    with read_whole(storage.uri):
        for number, path in enumerate(paths, 1):
            progress(f"copying file {number} of {len(paths)} of the lake")
            _fetched(storage, path, target / path)


def _fetched(storage: Storage, path: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with storage.files.open_input_file(storage.path(path)) as source, target.open("xb") as file:
        while chunk := source.read(_CHUNK):
            file.write(chunk)


def _built(home: Home) -> Iterator[Path]:
    """What follows from the lake, or accompanies it."""
    # The pointer first: what it names was there before it.
    yield from _present([home.releases / "current.json"])
    # A manifest is moved in behind its tables: whoever has it has them.
    for described in sorted(home.releases.glob("r*.json")):
        yield from _present([described.with_suffix(".duckdb"), described])
    yield from _present([home.operators])
    yield from (path for path in _files(home.dagster) if path.suffix in (".db", ".yaml"))


def _registered(home: Home) -> Iterator[Path]:
    """What nobody can make again."""
    yield from _files(home.secrets)
    yield from _files(home.run / "gaps")
    yield from _present(home.run / name for name in _TOLD)
    own = {home.operators, home.path / LIST}
    yield from (path for path in _present(sorted(home.path.glob("[!.]*"))) if path not in own)


def _present(paths: Iterable[Path]) -> Iterator[Path]:
    return (path for path in paths if path.is_file())


def _files(directory: Path) -> list[Path]:
    return [path for path in sorted(directory.rglob("*")) if path.is_file() and not path.name.startswith(".")]


def _state(home: Home, directory: Path, paths: Iterable[Path]) -> None:
    for path in paths:
        target = directory / STATE / path.relative_to(home.path)
        if target.exists() or path.name.endswith(_JOURNALS):
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            _copied(path, target)
        except FileNotFoundError:
            target.unlink(missing_ok=True)  # it went meanwhile, as a run's history does


def _copied(path: Path, target: Path) -> None:
    with path.open("rb") as source:
        is_database = source.read(len(_SQLITE)) == _SQLITE
        source.seek(0)
        if not is_database:
            with target.open("xb") as file:  # of what is replaced in one step, this is the old or the new
                shutil.copyfileobj(source, file, _CHUNK)
    if is_database:
        with (
            closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database,
            closing(sqlite3.connect(target)) as copy,
        ):
            database.backup(copy)
    target.chmod(path.stat().st_mode & 0o777)
