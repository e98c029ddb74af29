"""Quix Streams with its own Parquet sink, in an environment of its own. It checks nothing."""

from pathlib import Path

from meter import Job, Meter, durable
from quixstreams import Application
from quixstreams.kafka.configuration import ConnectionConfig
from quixstreams.sinks.community.file.formats import ParquetFormat
from quixstreams.sinks.community.file.local import LocalFileSink

ROWS = 50_000
"""Per checkpoint, and so per file and partition."""


def main() -> None:
    job, meter = Job(), Meter()
    application = Application(
        broker_address=ConnectionConfig.from_librdkafka_dict(job.librdkafka),
        consumer_group=job.group,
        auto_offset_reset="earliest",
        auto_create_topics=False,
        commit_every=ROWS,
        state_dir=job.directory / "state",
        loglevel="WARNING",
    )
    values = application.dataframe(application.topic(job.topic, value_deserializer="json"))
    values = values.update(lambda _: meter.start())
    values.sink(LocalFileSink(directory=str(job.directory), format=ParquetFormat(compression="zstd")))
    application.run(count=job.events, collect=False)
    for path in Path(job.directory).rglob("*.parquet"):
        durable(path)
    meter.report(job.events, job.directory)


main()
