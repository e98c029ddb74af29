"""When a build runs: when the lake has moved and is quiet again, and once a day; and who hears that one failed.

What a build does stands in registry_build.py.
"""

import os
import time
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Any

import dagster as dg
import msgspec
from msgspec import Struct

from contracts.errors import EnvironmentProblem, UsageError
from lake.home import REPLAY_TOPIC, Home
from lake.snapshot import Snapshot, last_commit, snapshot
from pipelines import webhook
from pipelines.lake_assets import DELIVERIES, site_key

Clock = Callable[[], float]


class Watch(Struct, frozen=True, omit_defaults=True):
    """The sensor's cursor: what it last saw of the lake, and when."""

    seen: str = ""
    """Positions at the last look."""
    moved: float = 0
    """When they last changed, in seconds since 1970."""
    since: float | None = None
    """When they first changed after the last request."""
    asked: str = ""
    """Positions that a build was last requested for."""
    received: dict[str, int] = {}
    """Deliveries by site, and replays."""
    again: str = ""
    """Positions that a second build was requested for, because the first was lost."""


_watch = msgspec.json.Decoder(Watch).decode


def seconds(name: str, default: int) -> int:
    """A setting in whole seconds. UsageError for anything else."""
    text = os.environ.get(name) or str(default)
    if not text.isdecimal():
        raise UsageError(f"{name}: a whole number of seconds")
    return int(text)


def lake_moved(home: Home, job: str, clock: Clock = time.time) -> dg.SensorDefinition:
    """Requests a build once the lake has moved and then been still for a while, or has moved for very long."""

    @dg.sensor(
        name="lake_moved",
        job_name=job,
        minimum_interval_seconds=5,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Requests a build when deliveries have arrived: once they stop for B12_BUILD_QUIET_SECONDS, or"
        " after B12_BUILD_LONGEST_SECONDS of arriving.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        try:
            pinned = snapshot(home)
        except EnvironmentProblem:
            return dg.SensorResult(skip_reason="there is no lake yet")
        watch = _watch(context.cursor) if context.cursor else Watch()
        if watch.asked and watch.again != watch.asked and _was_lost(context.instance, watch.asked):
            return asked_again(watch)
        return looked(watch, pinned, clock(), last_commit(home))

    return sensor


def _was_lost(instance: dg.DagsterInstance, run_key: str) -> bool:
    """Whether the build of these positions ended without a word of its own: its process was killed, or the machine."""
    its = dg.RunsFilter(tags={"dagster/run_key": run_key}, statuses=[dg.DagsterRunStatus.FAILURE])
    return any(run.tags.get("dagster/failure_reason") != "STEP_FAILURE" for run in instance.get_runs(its, limit=1))


def asked_again(watch: Watch) -> dg.SensorResult:
    """One more build in place of the lost one. If that is lost too, the next comes with deliveries, or tomorrow."""
    return dg.SensorResult(
        run_requests=[dg.RunRequest(run_key=f"{watch.asked}/again")],
        cursor=msgspec.json.encode(msgspec.structs.replace(watch, again=watch.asked)).decode(),
    )


def looked(watch: Watch, pinned: Snapshot, now: float, committed: float | None = None) -> dg.SensorResult:
    """What the sensor does when it sees this version of the lake, written at `committed`, at this time."""
    positions = fingerprint(pinned)
    received = received_by_topic(pinned)
    events = [
        dg.AssetMaterialization(
            site_key(site), metadata={"deliveries": count, "new": count - watch.received.get(site, 0)}
        )
        for site, count in received.items()
        # A replay is no sign of life of the site.
        if count > watch.received.get(site, 0) and site != REPLAY_TOPIC
    ]
    if received != watch.received:
        total = sum(received.values())
        events.append(dg.AssetMaterialization(DELIVERIES, metadata={"dagster/row_count": total}))
    if not any(received.values()):
        return _result("nothing has arrived yet", watch, events, seen=positions)
    if positions == watch.asked:
        return _result("nothing has arrived since the last build", watch, events, seen=positions, received=received)
    # The commit's own time, not the time of this look: else a lake that has long been quiet waits for a second look.
    moved = watch.moved if positions == watch.seen else min(now, committed or now)
    since = now if watch.since is None else watch.since
    quiet, longest = seconds("B12_BUILD_QUIET_SECONDS", 5), seconds("B12_BUILD_LONGEST_SECONDS", 600)
    if now - moved < quiet and now - since < longest:
        return _result(
            "deliveries are still arriving", watch, events, seen=positions, moved=moved, since=since, received=received
        )
    after = Watch(seen=positions, moved=moved, asked=positions, received=received)
    return dg.SensorResult(
        run_requests=[dg.RunRequest(run_key=positions, tags={"b12/lake_version": str(pinned.version)})],
        cursor=msgspec.json.encode(after).decode(),
        asset_events=events,
    )


def _result(reason: str, watch: Watch, events: list[dg.AssetMaterialization], **changed: object) -> dg.SensorResult:
    after = msgspec.structs.replace(watch, **changed)
    return dg.SensorResult(skip_reason=reason, cursor=msgspec.json.encode(after).decode(), asset_events=events)


def fingerprint(pinned: Snapshot) -> str:
    """Equal exactly when the lake is as far with every topic partition: compaction changes nothing."""
    positions = sorted((*key, position.next_offset) for key, position in pinned.positions.items())
    return blake2b(msgspec.json.encode(positions), digest_size=16, person=b"b12.positions").hexdigest()


def received_by_topic(pinned: Snapshot) -> dict[str, int]:
    """Deliveries ever received, by the site that sent them; replays of all sites under the name of their topic."""
    counts: dict[str, int] = {}
    for position in pinned.positions.values():
        [sender] = [REPLAY_TOPIC] if position.topic == REPLAY_TOPIC else position.by_site
        counts[sender] = counts.get(sender, 0) + position.received
    return dict(sorted(counts.items()))


def daily(job: Any) -> dg.ScheduleDefinition:
    """One build a day, so that what depends on the cut-off moves on although nothing arrives."""
    return dg.ScheduleDefinition(
        name="daily",
        job=job,
        cron_schedule="15 1 * * *",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="A build a day: due dates and ages are as of the cut-off, which is the day of the build.",
    )


def run_failed(jobs: Sequence[Any]) -> dg.SensorDefinition:
    """Posts failed runs to the webhook, if there is one."""

    @dg.run_failure_sensor(
        name="run_failed",
        monitored_jobs=list(jobs),
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Posts run id, job, step and class of the error to B12_WEBHOOK_URL; nothing of the data.",
    )
    def sensor(context: dg.RunFailureSensorContext) -> dg.SkipReason | None:
        address = webhook.url()
        if address is None:
            return dg.SkipReason("B12_WEBHOOK_URL is not set")
        webhook.post(address, failed_run(context.dagster_run, context.get_step_failure_events()))
        return None

    return sensor


def failed_run(run: dg.DagsterRun, failures: Sequence[dg.DagsterEvent]) -> webhook.FailedRun:
    """What is told of a failed run. `failures` are its steps' failure events."""
    for event in failures:
        return webhook.FailedRun(run_id=run.run_id, job=run.job_name, step=event.step_key, error=error_class(event))
    return webhook.FailedRun(run_id=run.run_id, job=run.job_name, step=None, error="RunFailed")


def error_class(failure: dg.DagsterEvent) -> str:
    """Class of the error that a step failed with: ours, or the one that Dagster wrapped."""
    data = failure.step_failure_data
    if data.user_failure_data and "error" in data.user_failure_data.metadata:
        return str(data.user_failure_data.metadata["error"].value)
    error = data.error
    while error is not None and error.cause is not None:
        error = error.cause
    return (error.cls_name if error else None) or "unknown"
