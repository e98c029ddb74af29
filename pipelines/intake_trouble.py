"""Says when the intake needs somebody: a worker that ends again and again or is gone, a gap that holds a partition.

Seen in what workers leave under run/ (lake/workers.py, lake/gaps.py), so that it is told although none of them runs.
`b12 status` shows the same and more.
"""

import time
from collections.abc import Callable, Mapping

import dagster as dg
import msgspec

from lake import gaps, workers
from lake.home import Home
from pipelines import webhook
from pipelines.lake_assets import DELIVERIES

Troubles = Mapping[str, Mapping[str, str]]
"""By check, and in it by worker or site: what is wrong, in a sentence."""

CHECKS = {
    "workers": "Every worker runs, and none ends again and again.",
    "gaps": "No partition stands still because Kafka deleted deliveries before they were read.",
}
_decode = msgspec.json.Decoder(dict[str, list[str]]).decode


def troubles(home: Home, now: float) -> Troubles:
    """What is wrong now, by check."""
    held = {}
    for gap in gaps.gaps(home):
        if not gap.accepted_at:
            held[f"{gaps.whose(gap.topic)} partition {gap.partition}"] = (
                f"Kafka deleted offsets {gap.from_offset} to {gap.to_offset - 1} before they were read:"
                f" {gaps.remedy(gap.topic)}"
            )
    ending = {worker.name: told for worker in workers.workers(home) if (told := workers.trouble(worker, now))}
    return {"workers": ending, "gaps": held}


def checks(home: Home) -> list[dg.AssetChecksDefinition]:
    """The same as checks of the lake, which people may also run by hand."""
    return [_check(home, name, asks) for name, asks in CHECKS.items()]


def _check(home: Home, name: str, asks: str) -> dg.AssetChecksDefinition:
    @dg.asset_check(asset=DELIVERIES, name=name, description=asks)
    def check() -> dg.AssetCheckResult:
        found = troubles(home, time.time())[name]
        return dg.AssetCheckResult(passed=not found, description=_words(found), metadata={"in trouble": len(found)})

    return check


def sensor(home: Home, clock: Callable[[], float] = time.time) -> dg.SensorDefinition:
    """Evaluates the checks when something changed, and posts each new trouble to the webhook, if there is one."""

    @dg.sensor(
        name="intake_trouble",
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Evaluates the checks of the intake, and posts a worker in trouble or a gap to B12_WEBHOOK_URL.",
    )
    def looks(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        known = _decode(context.cursor) if context.cursor else None
        now = troubles(home, clock())
        if address := webhook.url():
            for told in news(known or {}, now):
                webhook.post(address, told)
        return seen(known, now)

    return looks


def news(known: Mapping[str, list[str]], now: Troubles) -> list[webhook.IntakeTrouble]:
    """What was not known at the last look."""
    return [
        webhook.IntakeTrouble(trouble=check, subject=subject, what=what)
        for check, found in now.items()
        for subject, what in found.items()
        if subject not in known.get(check, ())
    ]


def seen(known: Mapping[str, list[str]] | None, now: Troubles) -> dg.SensorResult:
    """The checks that changed since the last look, and what is known now."""
    subjects = {check: sorted(found) for check, found in now.items()}
    events = [
        dg.AssetCheckEvaluation(
            asset_key=DELIVERIES,
            check_name=check,
            passed=not found,
            severity=dg.AssetCheckSeverity.ERROR,
            description=_words(found),
            metadata={"in trouble": dg.MetadataValue.int(len(found))},
        )
        for check, found in now.items()
        if known is None or known.get(check, []) != subjects[check]
    ]
    cursor = msgspec.json.encode(subjects).decode()
    return dg.SensorResult(skip_reason=None if events else "nothing has changed", cursor=cursor, asset_events=events)


def _words(found: Mapping[str, str]) -> str | None:
    return "; ".join(f"{subject}: {what}" for subject, what in found.items()) or None
