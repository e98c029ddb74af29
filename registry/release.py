"""Write, audit, publish: how a build becomes the release that analysts see, or leaves everything as it was.

A release is an immutable DuckDB file with a manifest. `current.json` names the newest and only ever moves forward.
The state of the operators is `operators.duckdb`, swapped in one step after it. What is computed belongs to build.py.
"""

import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from contracts.errors import EnvironmentProblem
from lake import settings_file
from lake.home import Home
from lake.storage import sync
from registry import build, content, invariants, manifest, verdicts
from registry.errors import BuildRunning, NoRelease, ReleaseHeld
from registry.inputs import Bound, Inputs
from registry.invariants import Outcome
from registry.manifest import Manifest
from registry.models import Model

Audit = Callable[[Path, Path], Sequence[Outcome]]
"""Judges the candidate and the operators' database; an outcome that does not hold keeps both from being published."""


class Workspace(NamedTuple):
    """Where a build writes before it is published."""

    candidate: Path
    operators: Path


class Release(NamedTuple):
    """What publishing led to."""

    manifest: Manifest
    file: Path
    is_new: bool
    """False when the current release has the same content: it stays, and only the operators' database is newer."""


class _Pointer(msgspec.Struct):
    release: str


_decode = msgspec.json.Decoder(_Pointer).decode


@contextmanager
def exclusive(home: Home, wait_seconds: float = 0) -> Iterator[Workspace]:
    """Hold the home's one build, and give it an empty place to write.

    BuildRunning when another build has not ended after `wait_seconds`. A build that was killed holds nothing.
    """
    home.make()
    path = home.run / "build.lock"
    with path.open("a+") as lock:
        _locked(lock.fileno(), path, wait_seconds)
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        # Beside the releases: a file is moved to its name in one step only within one file system.
        directory = home.releases / ".building"
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        for file in home.releases.glob("r*.duckdb"):
            if not file.with_suffix(".json").exists():  # a crash between the two: it never was a release
                file.unlink()
        try:
            yield Workspace(directory / "release.duckdb", directory / "operators.duckdb")
        finally:
            shutil.rmtree(directory, ignore_errors=True)


def make(
    home: Home,
    given: Inputs,
    *,
    audits: Sequence[Audit] = (),
    models: Sequence[Model] | None = None,
    definitions_from: Path | None = None,
    threads: int | None = None,
    wait_seconds: float = 0,
    progress: Callable[[build.Built], None] | None = None,
) -> Release:
    """Build, audit and publish. ReleaseHeld when an invariant or an audit fails.

    Whatever fails, the last good release stays.
    """
    with exclusive(home, wait_seconds) as (candidate, operators):
        for built in build.run(
            given, candidate, operators, models=models, definitions_from=definitions_from, threads=threads
        ):
            if progress is not None:
                progress(built)
        require(invariants.check(candidate, operators, models))
        for audit in audits:
            require(audit(candidate, operators))
        return publish(home, candidate, operators, given, definitions_from=definitions_from)


def require(outcomes: Sequence[Outcome]) -> None:
    """ReleaseHeld, with every outcome that does not hold."""
    failed = [str(outcome) for outcome in outcomes if not outcome.holds]
    if failed:
        raise ReleaseHeld(f"nothing was published, the last good release stays: {'; '.join(failed)}")


def publish(
    home: Home,
    candidate: Path,
    operators: Path,
    given: Inputs,
    *,
    suites: Sequence[Mapping[str, Any]] = (),
    held_because: Mapping[str, str] | None = None,
    definitions_from: Path | None = None,
) -> Release:
    """Make an audited build the current release. Call it inside `exclusive`, with the files of its workspace."""
    newest = _newest(home)
    with build.opened(candidate, operators, read_only=True) as connection:
        tables = content.of_release(connection, "release")
    described = manifest.described(
        newest.number + 1 if newest else 1,
        tables,
        given,
        datetime.now(UTC),
        suites,
        held_because,
        definitions_from,
    )
    verdicts.record_changes(home, operators, f"{described.content}-{given.lake_version}")
    now = current(home) if (home.releases / "current.json").exists() else None
    if now is not None and now.content == described.content:
        move(operators, home.operators)
        return Release(now, release_file(home, now.id), is_new=False)
    file = release_file(home, described.id)
    candidate.chmod(0o444)
    move(candidate, file)
    settings_file.write_bytes(file.with_suffix(".json"), manifest.encoded(described))
    _point_at(home, described)
    move(operators, home.operators)
    return Release(described, file, is_new=True)


def current(home: Home) -> Manifest:
    """The manifest of the current release. NoRelease when there is none."""
    try:
        pointer = _decode((home.releases / "current.json").read_bytes())
    except FileNotFoundError:
        raise NoRelease(
            f"{home.path}: nothing has been released yet; `b12 build` makes a release of what the lake holds"
        ) from None
    except (msgspec.MsgspecError, OSError) as error:
        raise EnvironmentProblem(
            f"{home.releases / 'current.json'} cannot be read ({type(error).__name__}); `b12 build` writes it again"
        ) from None
    return one(home, pointer.release)


def one(home: Home, release: str) -> Manifest:
    """The manifest of a release by its id or its number. NoRelease with the known ones when there is none."""
    known = history(home)
    for found in known:
        if release in (found.id, str(found.number), f"r{found.number:04d}", found.frozen):
            return found
    raise NoRelease(
        f"release {release}: there is none of that name (there are: {', '.join(m.id for m in known) or 'none yet'})"
    )


def history(home: Home) -> list[Manifest]:
    """Every release's manifest, oldest first, each before those that stand beside it."""
    found = []
    for path in home.releases.glob("r*.json"):
        try:
            found.append(manifest.decoded(path.read_bytes()))
        except (msgspec.MsgspecError, OSError) as error:
            raise EnvironmentProblem(
                f"{path}: not a readable manifest ({type(error).__name__}); restore it from a backup"
            ) from None
    return sorted(found, key=lambda each: (each.number, each.beside is not None, each.published))


def release_file(home: Home, release_id: str) -> Path:
    """Where a release's tables lie."""
    return home.releases / f"{release_id}.duckdb"


def last_good(home: Home) -> dict[str, tuple[Bound, ...]]:
    """Up to where the current release read each site; empty before the first release.

    A site that fails its checks is held there: see registry.inputs.pinned.
    """
    if not (home.releases / "current.json").exists():
        return {}
    return {site: state.bounds for site, state in current(home).sites.items()}


def _newest(home: Home) -> Manifest | None:
    known = history(home)
    return known[-1] if known else None


def _point_at(home: Home, described: Manifest) -> None:
    path = home.releases / "current.json"
    settings_file.write_bytes(path, msgspec.json.encode(_Pointer(described.id)) + b"\n")
    sync(home.releases)


def move(source: Path, target: Path) -> None:
    """One step, which survives a power failure; who has the old file open keeps it."""
    sync(source)
    source.replace(target)
    sync(target.parent)


def _locked(handle: int, path: Path, wait_seconds: float) -> None:
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                holder = path.read_text().strip() or "unknown"
                raise BuildRunning(
                    f"another build is running here (process {holder}); wait for it, or watch it in Dagster"
                ) from None
            time.sleep(0.2)
        else:
            return
