"""A build in this process, kept in Dagster's history beside the daemon's: what `b12 build` runs.

What a build does stands in registry_build.py.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

import dagster as dg
from dagster._core.instance.ref import InstanceRef

from contracts.errors import EnvironmentProblem
from lake.home import Home
from pipelines import by_hand, sensors, webhook
from pipelines.checks import RELEASE
from pipelines.definitions import JOB, build_defs


class Finished(NamedTuple):
    """How a build ended."""

    run_id: str
    release: str | None
    """The release that is current because of this build; None when nothing was published."""
    is_new: bool
    """False when the release of equal content before it stays."""
    waiting: int
    """Deliveries that no release has judged yet, because their site is held."""
    held: Mapping[str, str]
    """The sites that are not read to their end, and the checks that they fail."""
    problems: Sequence[str]
    """What went wrong, one sentence each; with a release, only what came after it."""

    @property
    def exit_code(self) -> int:
        """0, or 1 when something went wrong."""
        return 1 if self.problems else 0


def run_in_process(home: Home, cut_off: date | None = None, defs: dg.Definitions | None = None) -> Finished:
    """Build, check and publish; never raises for a build that fails. UsageError for a wrong setting."""
    address = webhook.url()
    home.make()
    job = (defs or build_defs(home)).resolve_job_def(JOB)
    config = {"config": {"cut_off": cut_off.isoformat()}} if cut_off else {}
    with _quiet(), by_hand.going(home), _instance(home) as instance:
        result = job.execute_in_process(
            instance=instance,
            raise_on_error=False,
            tags={by_hand.TAG: "true"},
            run_config={
                "ops": {"registry": config},
                # The caller says what came of it in sentences; the log of events stays with the run.
                "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
            },
        )
    failures = [event for event in result.all_events if event.is_step_failure]
    problems = [_sentence(event) for event in failures]
    if not result.success:
        problems = problems or ["the build failed before it began; the run in Dagster's history says why"]
        if address:
            try:
                webhook.post(address, sensors.failed_run(result.dagster_run, failures))
            except EnvironmentProblem as problem:
                problems.append(str(problem))
    return _finished(result, problems)


def _instance(home: Home) -> dg.DagsterInstance:
    """Dagster's history in this home; without telemetry, also before `b12 up` has written the settings."""
    overrides = {"telemetry": {"enabled": False}}
    return dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(home.dagster), overrides=overrides))


def _finished(result: dg.ExecuteInProcessResult, problems: list[str]) -> Finished:
    for event in result.get_asset_materialization_events():
        if event.asset_key == RELEASE:
            told = {name: value.value for name, value in event.materialization.metadata.items()}
            return Finished(
                result.run_id, told["release"], told["is new"], told["waiting"], told["held"] or {}, problems
            )
    return Finished(result.run_id, None, False, 0, {}, problems)


def _sentence(event: dg.DagsterEvent) -> str:
    data = event.step_failure_data
    if data.user_failure_data and data.user_failure_data.description:
        return str(data.user_failure_data.description)
    kind = sensors.error_class(event)
    return f"step {event.step_key} failed ({kind}), which is a fault of the software; the run's log has the place"


class _quiet:  # noqa: N801  # used as a statement
    """Dagster's own loggers say on the terminal what the run's log says already."""

    def __enter__(self) -> None:
        self._level = logging.getLogger("dagster").level
        logging.getLogger("dagster").setLevel(logging.CRITICAL)

    def __exit__(self, *_: object) -> None:
        logging.getLogger("dagster").setLevel(self._level)
