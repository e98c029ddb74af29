"""Taking a backup back into a home that holds nothing yet, whole and verified, or not at all.

What a backup holds is b12/backup.py's. What arrived after it was made is in Kafka: the first worker reads it again.
"""

import os
import shutil
from pathlib import Path

import msgspec

from b12.backup import FORMAT, LAKE, LIST, STATE, Backup, Progress, kept
from b12.local import processes
from contracts.errors import B12Error, EnvironmentProblem, UsageError
from contracts.pseudonyms import fingerprint
from lake.home import Home
from lake.storage import Storage, sync

_STAGE = ".restoring"
_decode = msgspec.json.Decoder(Backup).decode
_MAY_BE_THERE = {"broker", "logs", _STAGE}
"""Kafka's own data is in no backup: what is left of it has what arrived since."""


class DamagedBackup(B12Error):
    """Files of a backup are missing, or not what was written."""


def read(directory: Path) -> Backup:
    """What a backup says of itself. UsageError when the directory is none."""
    try:
        content = (directory / LIST).read_bytes()
    except OSError:
        raise UsageError(
            f"{directory}: no {LIST}, so this is no backup, or one that was never finished; name a directory that"
            " `b12 backup` has written"
        ) from None
    try:
        found = _decode(content)
    except msgspec.MsgspecError:
        raise DamagedBackup(f"{directory / LIST}: cannot be read; take another backup") from None
    if found.format != FORMAT:
        raise UsageError(f"{directory}: made by another release of the software ({found.software}); restore with that")
    return found


def verify(directory: Path, progress: Progress = lambda _words: None) -> Backup:
    """The same, once every file is known to be what was written. DamagedBackup names the first that is not."""
    backup = read(directory)
    for number, (name, wanted) in enumerate(backup.files.items(), 1):
        progress(f"checking file {number} of {len(backup.files)}")
        path = directory / name
        if not path.is_file():
            raise DamagedBackup(f"{path}: missing; nothing was restored: take another backup, or find the file")
        there = kept(path)
        if (there.sha256, there.bytes) != (wanted.sha256, wanted.bytes):
            raise DamagedBackup(f"{path}: not what was written; nothing was restored: take another backup")
    secret = directory / STATE / "secrets" / "pseudonym.key"
    if not secret.is_file() or fingerprint(secret.read_bytes()) != backup.secret:
        raise DamagedBackup(f"{secret}: not the secret of this backup's lake; nothing was restored")
    return backup


def restore(directory: Path, home: Home, progress: Progress = lambda _words: None) -> Backup:
    """Put a backup's files into `home`, and its lake where the home has it.

    Nothing is overwritten: UsageError when the home or its lake holds something, EnvironmentProblem when it is in use.
    """
    _require_empty(home, directory)
    backup = verify(directory, progress)
    stage = home.path / _STAGE
    shutil.rmtree(stage, ignore_errors=True)
    stage.mkdir(parents=True, mode=0o700)
    try:
        _lake(backup, directory, _lake_at(home, stage), progress)
        progress("putting the home's files in place")
        for name in _of(backup, STATE):
            _put(directory / STATE / name, stage / name, backup.files[f"{STATE}/{name}"].mode)
        for path in sorted(stage.iterdir()):
            target = home.path / path.name
            if target.is_dir():  # of directories that hold nothing
                shutil.rmtree(target)
            path.replace(target)
    finally:
        shutil.rmtree(stage, ignore_errors=True)
    home.make()
    home.secrets.chmod(0o700)
    sync(home.path)
    return backup


def _require_empty(home: Home, directory: Path) -> None:
    if home.run.is_dir() and processes.running(home):
        raise EnvironmentProblem(f"{home.path}: a stack is running there; `b12 down` first, or name another home")
    _require_same_secret(home, read(directory))
    there = sorted(path.name for path in home.path.glob("*") if path.name not in _MAY_BE_THERE and _holds(path))
    if there:
        raise UsageError(
            f"{home.path}: holds {', '.join(there)}, and a restore overwrites nothing; set B12_HOME to a new directory,"
            " or move these away (its broker/ may stay: Kafka's data is in no backup)"
        )
    storage = Storage(home.lake)
    if storage.exists("_delta_log/_last_checkpoint") or storage.exists(f"_delta_log/{0:020}.json"):
        raise UsageError(
            f"{storage.uri}: holds a lake, and a restore overwrites nothing; move it away, or set B12_LAKE"
        )


def _require_same_secret(home: Home, backup: Backup) -> None:
    secret = home.secrets / "pseudonym.key"
    if secret.is_file() and fingerprint(secret.read_bytes()) != backup.secret:
        raise UsageError(
            f"{secret}: another pseudonym secret than the backup's, whose keys would not match those in its lake; this"
            " is the home of another installation, or its secret was made anew: restore into a new home"
        )


def _holds(path: Path) -> bool:
    return path.is_file() or any(part.is_file() for part in path.rglob("*"))


def _lake_at(home: Home, stage: Path) -> Storage:
    """A lake within the home is put in place with it; one elsewhere is written where it belongs."""
    storage = Storage(home.lake)
    if storage.is_local and Path(storage.uri).is_relative_to(home.path):
        return Storage(str(stage / Path(storage.uri).relative_to(home.path)))
    return storage


def _lake(backup: Backup, directory: Path, storage: Storage, progress: Progress) -> None:
    """Its log last: until that is there, nobody takes the files for a lake."""
    names = sorted(_of(backup, LAKE), key=lambda name: name.startswith("_delta_log"))
    for number, name in enumerate(names, 1):
        progress(f"putting file {number} of {len(names)} of the lake in place")
        source = directory / LAKE / name
        if storage.is_local:
            _put(source, Path(storage.path(name)), backup.files[f"{LAKE}/{name}"].mode)
        else:
            with source.open("rb") as content, storage.files.open_output_stream(storage.path(name)) as target:
                shutil.copyfileobj(content, target)
    storage.sync_names(names)


def _put(source: Path, target: Path, mode: int) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(handle, "wb") as file, source.open("rb") as content:
        shutil.copyfileobj(content, file, 1 << 20)
        file.flush()
        os.fsync(file.fileno())
    target.chmod(mode)


def _of(backup: Backup, part: str) -> list[str]:
    return [name.removeprefix(f"{part}/") for name in backup.files if name.startswith(f"{part}/")]
