"""What Great Expectations found, as Dagster's asset checks: one per table and category, and one per invariant.

A Dagster event costs more than an expectation, so they are not shown one by one: the table in a check's metadata is.
Which checks there are belongs to expectations/.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache

import dagster as dg

from expectations.checks import Check, CheckResult
from expectations.release import Table, release_checks
from expectations.suites import site_checks
from registry.models import Model

RELEASE = dg.AssetKey("release")

Place = tuple[dg.AssetKey, str]
"""An asset and the name of a check of it."""

_SEVERITY = {"critical": dg.AssetCheckSeverity.ERROR, "warning": dg.AssetCheckSeverity.WARN}
_WORDS = {"pass": "passed", "fail": "failed", "not_applicable": "not applicable", "error": "could not be evaluated"}
_MOST_ROWS = 60
"""Of a table in metadata: what passed is only counted when there are more."""


def model_key(name: str) -> dg.AssetKey:
    """The asset of a model or of a check's table."""
    return dg.AssetKey(name.split("."))


@cache
def of_models(models: tuple[Model, ...]) -> tuple[list[Check], list[Check]]:
    """The checks of sites and those of the release, for these models."""
    tables = [Table(model.name, model.key, tuple(column.name for column in model.columns)) for model in models]
    names = {model.name for model in models}
    return [check for check in site_checks() if check.table in names], release_checks(tables)


def specs(models: tuple[Model, ...]) -> list[dg.AssetCheckSpec]:
    """Every asset check that a build of these models can evaluate."""
    sites, release = of_models(models)
    told: dict[Place, list[Check]] = {}
    for check in (*sites, *release):
        told.setdefault(_place(check), []).append(check)
    return [dg.AssetCheckSpec(name, asset=key, description=_asks(found)) for (key, name), found in told.items()]


def results(found: Iterable[CheckResult], held: Mapping[str, str]) -> list[dg.AssetCheckResult]:
    """One result for each asset check that had something to judge; where there was nothing, there is no result."""
    places: dict[Place, list[CheckResult]] = {}
    for result in found:
        places.setdefault(_place(result), []).append(result)
    return [
        _result(place, group, held)
        for place, group in places.items()
        if any(result.outcome != "not_applicable" for result in group)
    ]


def _place(check: Check | CheckResult) -> Place:
    if check.level == "site":
        return model_key(check.table), check.category
    return model_key(check.table), check.name


def _asks(checks: Sequence[Check]) -> str:
    return " ".join(check.asks for check in checks)


def _result(place: Place, group: Sequence[CheckResult], held: Mapping[str, str]) -> dg.AssetCheckResult:
    bad = [result for result in group if result.outcome in ("fail", "error")]
    severities = [_SEVERITY[result.severity] for result in bad if result.severity in _SEVERITY]
    # What is for information is shown and fails nothing.
    failed = bool(severities)
    error = dg.AssetCheckSeverity.ERROR
    counts = {word: sum(result.outcome == outcome for result in group) for outcome, word in _WORDS.items()}
    metadata: dict[str, dg.MetadataValue] = {word: dg.MetadataValue.int(count) for word, count in counts.items()}
    if stopped := sorted({result.site for result in bad if result.site in held}):
        metadata["held sites"] = dg.MetadataValue.text(", ".join(f"{site}: {held[site]}" for site in stopped))
    metadata["checks"] = _table(group if len(group) <= _MOST_ROWS else bad)
    return dg.AssetCheckResult(
        passed=not failed,
        asset_key=place[0],
        check_name=place[1],
        severity=error if not failed or error in severities else dg.AssetCheckSeverity.WARN,
        description=" ".join(dict.fromkeys(result.asks for result in bad)) or None,
        metadata=metadata,
    )


def _table(group: Sequence[CheckResult]) -> dg.MetadataValue:
    return dg.MetadataValue.table(
        [
            dg.TableRecord(
                {
                    "table": result.table,
                    "check": result.name,
                    "site": result.site or "",
                    "severity": result.severity,
                    "outcome": _WORDS[result.outcome],
                    "failing": result.failing,
                    "of": result.applicable,
                }
            )
            for result in sorted(
                group, key=lambda r: (r.outcome not in ("fail", "error"), r.table, r.name, r.site or "")
            )
        ]
    )
