"""confluent-kafka, pyarrow.json and Parquet in a loop: the ceiling. It checks nothing and keeps no verdicts."""

import io
from collections.abc import Iterator

import pyarrow.json as pj
import pyarrow.parquet as pq
from confluent_kafka import Consumer
from meter import Job, Meter, durable

ROWS = 50_000
"""Per file."""


def main() -> None:
    job, meter = Job(), Meter()
    consumer = Consumer(
        job.librdkafka | {"group.id": job.group, "auto.offset.reset": "earliest", "enable.auto.commit": False}
    )
    consumer.subscribe([job.topic])
    done = 0
    for number, values in enumerate(_batches(consumer, meter, job.events)):
        path = job.directory / f"{number}.parquet"
        pq.write_table(pj.read_json(io.BytesIO(b"\n".join(values))), path, compression="zstd", compression_level=1)
        durable(path)
        consumer.commit(asynchronous=False)
        done += len(values)
    meter.report(done, job.directory)
    consumer.close()


def _batches(consumer: Consumer, meter: Meter, events: int) -> Iterator[list[bytes]]:
    seen = 0
    while seen < events:
        values: list[bytes] = []
        while len(values) < ROWS and seen + len(values) < events:
            messages = consumer.consume(10_000, timeout=0.2)
            if messages:
                meter.start()
            values += [message.value() for message in messages]
        seen += len(values)
        yield values


main()
