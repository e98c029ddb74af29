"""The gate between a build and its release: which sites are read to their end, which are held, and what says so.

A site that fails its own checks is read up to its last good offsets, and left out when it fails there too. Each model
and each check is told to Dagster when it is done. What is checked belongs to expectations/, what is built to registry/;
publishing is the caller's.
"""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple, Protocol

import dagster as dg

from contracts.errors import B12Error
from expectations.checks import Check, CheckResult, held_sites
from lake.home import Home
from lake.snapshot import Snapshot
from pipelines import checks
from pipelines.model_assets import materialized
from registry import build, inputs, release
from registry.inputs import Bound, Inputs
from registry.models import LAYERS, Model
from registry.release import Workspace

Log = Callable[[str], None]
Event = dg.AssetMaterialization | dg.AssetCheckResult | dg.MaterializeResult


class Auditor(Protocol):
    """Runs checks: expectations.process.Auditor, or the runner itself."""

    def run(
        self,
        databases: Mapping[str, Path],
        checks: Sequence[Check],
        sites: Sequence[str] = (),
        *,
        in_docs: bool = True,
    ) -> list[CheckResult]: ...

    def write_docs(self, directory: Path, results: Sequence[CheckResult]) -> None: ...


class BuildFailed(B12Error):
    """A model could not be built: a fault of ours, told without the text that SQL gives, which may quote a value."""


class Audited(NamedTuple):
    """A build and what the checks say of it."""

    given: Inputs
    results: tuple[CheckResult, ...]
    """Of every check: for a site on its newest data, though the build may hold less of it."""
    held_because: dict[str, str]


def audited(
    home: Home,
    snapshot: Snapshot,
    cut_off: date,
    workspace: Workspace,
    auditor: Auditor,
    models: tuple[Model, ...],
    warn: Log,
) -> Generator[Event, None, Audited]:
    """Build in `workspace` what the sites' checks let through, and check it; nothing is published.

    Yields what Dagster is told, when it happens. BuildFailed when a model's SQL fails.
    """
    asked_of_sites, asked_of_release = checks.of_models(models)
    databases = {"release": workspace.candidate, "staging": workspace.operators}
    last_good = release.last_good(home)
    held_at: dict[str, Sequence[Bound]] = {}
    held_because: dict[str, str] = {}
    failed_at_its_end: dict[str, list[CheckResult]] = {}
    while True:
        given = inputs.pinned(home, snapshot, cut_off, held_at)
        yield from _built(given, workspace, models, LAYERS[:1])
        sites = sorted({bound.site for bound in given.bounds} & given.sites.keys())
        found = auditor.run(databases, asked_of_sites, sites, in_docs=not held_at)
        failing = held_sites(found)
        if not failing:
            break
        for site, against in failing.items():
            names = ", ".join(sorted({f"{result.table}: {result.name}" for result in against}))
            is_first = site not in held_at
            held_at[site] = last_good.get(site, ()) if is_first else ()
            if is_first:
                failed_at_its_end[site] = [result for result in found if result.site == site]
                held_because[site] = names
            if not held_at[site]:
                held_because[site] = f"left out: {held_because[site]}"
            warn(f"{site}: {'held at its last good offsets' if held_at[site] else 'left out'}; it fails {names}")
    results = [result for result in found if result.site not in failed_at_its_end]
    results += [result for site in failed_at_its_end.values() for result in site]
    yield from checks.results(results, held_because)
    yield from _built(given, workspace, models, LAYERS[1:])
    of_release = auditor.run(databases, asked_of_release)
    yield from checks.results(of_release, held_because)
    results += of_release
    auditor.write_docs(docs(home), results)
    return Audited(given, tuple(results), held_because)


def docs(home: Home) -> Path:
    """Where Great Expectations' Data Docs of the last build lie."""
    return home.path / "data_docs"


def _built(
    given: Inputs, workspace: Workspace, models: tuple[Model, ...], layers: Sequence[str]
) -> Iterator[dg.AssetMaterialization]:
    waiting = [model.name for model in models if model.layer in layers]
    try:
        for built in build.run(given, workspace.candidate, workspace.operators, layers, models=models):
            waiting.remove(built.model.name)
            yield materialized(built)
    except B12Error:
        raise
    except Exception as error:
        raise BuildFailed(
            f"{(*waiting, 'the end of the build')[0]} cannot be built ({type(error).__name__}), which is a fault of the"
            " software: report the model and that word; nothing was published, the last good release stays"
        ) from None
