"""Stock Faust with a plain agent that collects values and writes them to Parquet. It checks nothing."""

import os
import sys

import faust
import pyarrow as pa
import pyarrow.parquet as pq
from aiokafka.helpers import create_ssl_context
from faust import SSLCredentials
from meter import Job, Meter, durable

ROWS = 10_000
"""Per file."""

job, meter = Job(), Meter()
context = create_ssl_context(cafile=job.tls["ca"], certfile=job.tls["cert"], keyfile=job.tls["key"])
app = faust.App(
    job.group,
    broker=f"kafka://{job.bootstrap}",
    broker_credentials=SSLCredentials(context),
    consumer_auto_offset_reset="earliest",
    datadir=str(job.directory / "faust"),
    store="memory://",
    topic_allow_declare=False,
    topic_disable_leader=True,
    web_enabled=False,
    stream_wait_empty=False,
)


@app.agent(app.topic(job.topic, value_serializer="json"))
async def keep(stream: faust.Stream) -> None:
    """The agent."""
    rows, done = [], 0
    async for value in stream:
        meter.start()
        rows.append(value)
        if len(rows) == ROWS or done + len(rows) == job.events:
            path = job.directory / f"{done}.parquet"
            pq.write_table(pa.Table.from_pylist(rows), path, compression="zstd", compression_level=1)
            durable(path)
            done += len(rows)
            rows.clear()
            if done >= job.events:
                meter.report(done, job.directory)
                os._exit(0)  # an agent that stops its own app waits for itself


sys.argv[1:] = ["worker", "--loglevel=warn"]
app.main()
