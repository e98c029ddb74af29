"""The one op that builds: every model, the checks, and the release if every invariant holds.

A build is whole or not at all, so the op makes everything whichever assets were asked for. The order of the work
stands in gate.py, the work itself in registry/ and expectations/.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime
from traceback import extract_tb
from typing import Any

import dagster as dg

from contracts.errors import B12Error, UsageError
from expectations.checks import CheckResult, broken_invariants
from lake.home import Home
from lake.snapshot import snapshot
from pipelines import checks, gate, model_assets
from pipelines.gate import Audited, Auditor, Event
from registry import held, invariants, release
from registry.errors import ReleaseHeld
from registry.models import Model
from registry.release import Release, Workspace

LOCK_WAIT_SECONDS = 900
"""How long a build waits for another one, such as a `b12 build` beside the daemon's."""


class BuildConfig(dg.Config):
    """What a build can be told."""

    cut_off: str | None = None
    """The day that every answer is as of, like 2026-11-22; B12_CUT_OFF when absent, else the UTC date at the start."""


def registry_build(
    home: Home, models: tuple[Model, ...], auditor: Callable[[], AbstractContextManager[Auditor]]
) -> dg.AssetsDefinition:
    """The op with its assets and checks."""

    @dg.multi_asset(
        name="registry",
        specs=model_assets.model_specs(models),
        check_specs=checks.specs(models),
        can_subset=True,  # so that a check without a row to judge may say nothing
    )
    def registry(context: dg.AssetExecutionContext, config: BuildConfig) -> Iterator[Any]:
        selected = {*context.selected_asset_keys, *context.selected_asset_check_keys}
        silent = {*context.selected_asset_check_keys}
        for event in _events(context, home, models, auditor, config):
            key = event.asset_key
            if isinstance(event, dg.AssetCheckResult):
                key = dg.AssetCheckKey(event.asset_key, event.check_name)
                silent.discard(key)
            if key in selected:
                yield event
        # A check without a row to judge neither passed nor failed. Its op says that it knows, or Dagster wonders.
        for key in sorted(silent, key=str):
            yield dg.Output(None, dg.AssetCheckSpec(key.name, asset=key.asset_key).get_python_identifier())

    return registry


def _events(
    context: dg.AssetExecutionContext,
    home: Home,
    models: tuple[Model, ...],
    auditor: Callable[[], AbstractContextManager[Auditor]],
    config: BuildConfig,
) -> Iterator[Event]:
    try:
        cut_off = _cut_off(config)
        with auditor() as audit:
            with release.exclusive(home, LOCK_WAIT_SECONDS) as workspace:
                pinned = snapshot(home)
                context.log.info(f"lake version {pinned.version}, cut-off {cut_off}")
                found = yield from gate.audited(home, pinned, cut_off, workspace, audit, models, context.log.warning)
                held.write(home, found.given.waiting, found.held_because)
                broken = _broken(found, workspace, models)
                if broken:
                    raise ReleaseHeld(
                        "nothing was published and the last good release stays, because an invariant does not hold: "
                        + "; ".join(broken)
                    )
                published = release.publish(
                    home,
                    workspace.candidate,
                    workspace.operators,
                    found.given,
                    suites=_kept(found.results),
                    held_because=found.held_because,
                )
            yield _released(published, found, home)
    except B12Error as error:
        # Told in the run by its own sentence, without a trace: it names no value, which a trace's texts may.
        raise dg.Failure(str(error), metadata={"error": type(error).__name__}, allow_retries=False) from None
    except Exception as error:
        place = " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(extract_tb(error.__traceback__)[-6:]))
        raise dg.Failure(
            f"the build stopped with {type(error).__name__}: make room if the disk is full, else it is a fault of the"
            " software, so report this word and the place; what was released stays",
            metadata={"error": type(error).__name__, "place": place},
            allow_retries=False,
        ) from None


def _broken(found: Audited, workspace: Workspace, models: tuple[Model, ...]) -> list[str]:
    """The invariants that do not hold, asked twice: by Great Expectations and by the registry itself."""
    broken = {f"{result.table}: {result.name} ({result.outcome})" for result in broken_invariants(found.results)}
    own = [str(outcome) for outcome in invariants.check(*workspace, models) if not outcome.holds]
    return [*sorted(broken), *own]


def _kept(results: Iterable[CheckResult]) -> list[dict[str, object]]:
    """What a manifest keeps of the checks: those that judged something, by name and number."""
    return [
        {
            "check": f"{result.table}: {result.name}",
            "asks": result.asks,
            "site": result.site,
            "category": result.category,
            "severity": result.severity,
            "outcome": result.outcome,
            "failing": result.failing,
            "of": result.applicable,
        }
        for result in results
        if result.outcome != "not_applicable"
    ]


def _released(published: Release, found: Audited, home: Home) -> dg.MaterializeResult:
    manifest = published.manifest
    return dg.MaterializeResult(
        asset_key=checks.RELEASE,
        metadata={
            "release": manifest.id,
            "is new": published.is_new,
            "cut-off": str(found.given.cut_off),
            "lake version": found.given.lake_version,
            "waiting": sum(found.given.waiting.values()),
            "held": dg.MetadataValue.json(found.held_because),
            "rows": sum(content.rows for content in manifest.tables.values()),
            "content": manifest.content,
            "file": dg.MetadataValue.path(str(published.file)),
            "data docs": dg.MetadataValue.path(str(gate.docs(home) / "index.html")),
        },
    )


def _cut_off(config: BuildConfig) -> date:
    day = config.cut_off or os.environ.get("B12_CUT_OFF")
    if not day:
        return datetime.now(UTC).date()
    try:
        return date.fromisoformat(day)
    except ValueError:
        raise UsageError("cut_off, or B12_CUT_OFF: a day like 2026-11-22") from None
