"""Every night: `b12 lake maintain` as a job, with what it did as metadata. Counts alone.

What is done belongs to lake/maintenance.py.
"""

import dagster as dg

from contracts.errors import B12Error
from lake.home import Home
from lake.maintenance import maintain
from pipelines.lake_assets import DELIVERIES

JOB = "maintain_lake"


def maintain_job(home: Home) -> dg.JobDefinition:
    """The job. Its one op says what was done."""

    @dg.op(description="Compacts, writes a checkpoint, and removes what no version within the retention needs.")
    def maintained(context: dg.OpExecutionContext) -> None:
        try:
            done = maintain(home, context.log.info)
        except B12Error as error:
            raise dg.Failure(str(error), metadata={"error": type(error).__name__}, allow_retries=False) from None
        metadata = {
            "lake version": done.version,
            "small files replaced": done.compacted.replaced,
            "files that replaced them": done.compacted.written,
            "files removed": done.removed,
            "files before": done.files_before,
            "files after": done.files_after,
            "bytes before": done.bytes_before,
            "bytes after": done.bytes_after,
            "deliveries of erased families erased anew": done.erased,
        }
        context.add_output_metadata(metadata)
        context.log_event(dg.AssetObservation(DELIVERIES, metadata=metadata))

    @dg.job(
        name=JOB,
        executor_def=dg.in_process_executor,
        description="Keeps the lake quick for workers and builds, which may go on meanwhile. Safe to repeat.",
    )
    def job() -> None:
        maintained()

    return job


def nightly(job: dg.JobDefinition) -> dg.ScheduleDefinition:
    """Once a night, an hour after the daily build has begun."""
    return dg.ScheduleDefinition(
        name="nightly_maintenance",
        job=job,
        cron_schedule="15 2 * * *",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="b12 lake maintain, once a night.",
    )
