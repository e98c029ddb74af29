"""The nightly maintenance in Dagster: what it shows, and how it refuses."""

import dagster as dg
import pytest

from lake.home import Home
from pipelines.definitions import build_defs
from registry.models import needed_for
from tests.lake_fixture import record
from tests.registry_fixture import BLR01
from tests.sample_events import event
from tests.unit.test_lake import SITE


@pytest.fixture
def job(home: Home) -> dg.JobDefinition:
    home.put_site(BLR01)
    home.ensure_secret()
    defs = build_defs(home, models=needed_for(["core.doses"]))
    [schedule] = [each for each in defs.schedules or () if each.name == "nightly_maintenance"]
    assert isinstance(schedule, dg.ScheduleDefinition)
    assert schedule.default_status == dg.DefaultScheduleStatus.RUNNING
    return defs.resolve_job_def(schedule.job_name)


def test_it_shows_counts_and_bytes(home: Home, job: dg.JobDefinition) -> None:
    for number in range(3):
        record(home, SITE, [event(id=f"{number}")])
    done = job.execute_in_process()
    [observed] = done.asset_observations_for_node("maintained")
    told = {name: value.value for name, value in observed.metadata.items()}
    assert (told["files before"], told["files after"], told["small files replaced"]) == (3, 1, 3)
    assert min(told["bytes before"], told["bytes after"]) > 0
    assert all(isinstance(value, int) for value in told.values())


def test_without_a_lake_it_fails_with_a_sentence(job: dg.JobDefinition) -> None:
    with pytest.raises(dg.Failure, match="no lake"):
        job.execute_in_process()
