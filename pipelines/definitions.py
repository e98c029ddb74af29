"""What Dagster loads: `dagster dev -m pipelines.definitions`, `dg check defs`.

Nothing is computed here, and nothing heavy is imported: it loads in a few seconds, without Great Expectations.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager

import dagster as dg

from expectations import process
from lake.home import Home
from pipelines import (
    absence_alerts,
    intake_trouble,
    lake_assets,
    registry_build,
    replays,
    sensors,
    upkeep,
    verdict_receipts,
)
from pipelines.gate import Auditor
from registry.models import Model, load_models

JOB = "build"


def build_defs(
    home: Home | None = None,
    *,
    models: tuple[Model, ...] | None = None,
    auditor: Callable[[], AbstractContextManager[Auditor]] = process.Auditor,
    connect: verdict_receipts.Connect = verdict_receipts.connected,
    dead_letters: replays.Open = replays.opened,
) -> dg.Definitions:
    """All of it for one home (default: the environment's). Tests pass other parts."""
    home = home or Home.from_env()
    models = load_models() if models is None else models
    registry = registry_build.registry_build(home, models, auditor)
    receipts = verdict_receipts.verdict_receipts(home, connect)
    told = [receipts]
    if any(model.name == absence_alerts.MISSING for model in models):
        told.append(absence_alerts.absence_alerts(home, connect))
    job = dg.define_asset_job(
        JOB,
        selection=dg.AssetSelection.assets(registry, *told),
        # Steps share the release's lock and its files; a process each would only add seconds.
        executor_def=dg.in_process_executor,
        description="Builds every model from one version of the lake, checks it, and publishes it as a release.",
    )
    replay = replays.replay_job(home, dead_letters)
    maintain = upkeep.maintain_job(home)
    return dg.Definitions(
        assets=[*lake_assets.lake_specs(home.sites().values()), registry, *told],
        jobs=[job, replay, maintain],
        asset_checks=intake_trouble.checks(home),
        sensors=[
            sensors.lake_moved(home, JOB),
            sensors.run_failed([job, replay, maintain]),
            intake_trouble.sensor(home),
        ],
        schedules=[sensors.daily(job), upkeep.nightly(maintain)],
    )


@dg.definitions
def definitions() -> dg.Definitions:
    """The definitions of the environment's home."""
    return build_defs()
