"""How rows lie in the lake's files: by which order and in how large row groups its readers are served best.

Every reader that there is: a build, which reads all of a kind; receipts that are sent again, which ask for the last
deliveries of a partition; and one infant's rows. The choice stands in lake/storage.py and lake/compaction.py.
"""

import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench.events import SITE, lab_results
from bench.months import RECEIVED
from contracts.judge import judge
from contracts.pseudonyms import site_key
from lake.judgements import read
from lake.rows import Batch, tables
from lake.storage import LEVEL, Storage, repetitive, with_statistics

EVENTS = 50_000
COPIES = 8
PLACES = 20
"""Topic partitions whose deliveries arrive by turns."""
FLUSH_ROWS = 500
SUBJECTS = 5_000
RUNS = 4
_KEYS = [f"{name}_{half}" for name in ("id", "record", "content") for half in ("hi", "lo")]
ORDERS: dict[str, list[str]] = {
    "as they arrive": [],
    "by partition and offset": ["topic_uuid", "partition", "offset"],
    "by subject": ["subject_hi", "subject_lo"],
}
GROUPS = (10_000, 100_000, 1_000_000)


class Layout(NamedTuple):
    """What one way costs, in time of the processor: other work on the machine hardly changes that."""

    bytes_per_row: float
    build: float
    """Processor seconds to read every column, and to find ids that came twice."""
    receipts: float
    """Seconds to read back the last hundred deliveries of a partition."""
    subject: float
    """Seconds to find one infant's rows."""


def measure() -> list[str]:
    """The table, in Markdown: every way as a ratio to what is chosen, which comes first."""
    arrived = _arrived()
    ways = [(order, rows) for order in ORDERS for rows in GROUPS]
    ways.sort(key=lambda way: way != ("as they arrive", 100_000))
    with tempfile.TemporaryDirectory(prefix="b12-layout-") as directory:
        paths = {}
        for order, rows in ways:
            keys = [(name, "ascending") for name in ORDERS[order]]
            path = paths[order, rows] = Path(directory) / f"{uuid.uuid4()}.parquet"
            pq.write_table(
                arrived.sort_by(keys) if keys else arrived,
                path,
                compression="zstd",
                compression_level=LEVEL,
                use_dictionary=repetitive(arrived.schema),
                write_statistics=with_statistics(arrived.schema),
                row_group_size=rows,
            )
        # By turns, and the best of each: what disturbs them disturbs all.
        runs = [{way: _read(path, arrived) for way, path in paths.items()} for _ in range(RUNS)]
        found = {
            way: Layout(*(min(figures) for figures in zip(*(run[way] for run in runs), strict=True))) for way in ways
        }
    chosen = found[ways[0]]
    lines = [
        f"{arrived.num_rows:,} lab results of {PLACES} partitions, that arrived by turns in flushes of {FLUSH_ROWS}.",
        f"The first line: {chosen.bytes_per_row:.1f} bytes a row; time of the processor {chosen.build:.2f} s,"
        f" {1000 * chosen.receipts:.1f} ms and {1000 * chosen.subject:.1f} ms. The others are multiples of it.",
        "",
        "| order | rows of a group | bytes | build | receipts | one infant |",
        "|---|---|---|---|---|---|",
    ]
    for (order, rows), layout in found.items():
        ratios = " | ".join(f"{ours / theirs:.2f}x" for ours, theirs in zip(layout, chosen, strict=True))
        lines.append(f"| {order} | {rows:,} | {ratios} |")
    return lines


def _arrived() -> pa.Table:
    """Rows as they come: by turns of each partition, each with ids of its own."""
    batch = Batch(SITE, site_key(bytes(32), SITE.id), str(uuid.UUID(int=0)), 0)
    judged = [judge(raw, SITE, RECEIVED) for raw in lab_results(EVENTS)]
    batch.judged, batch.offsets = judged, list(range(EVENTS))
    batch.received_ms = [int(RECEIVED.timestamp() * 1000)] * EVENTS
    batch.sizes = [400] * EVENTS
    rows = tables(batch)["lab_result"]
    chance = np.random.default_rng(12)
    whole = pa.concat_tables([rows] * COPIES).combine_chunks()
    count = whole.num_rows
    place = np.arange(count) // FLUSH_ROWS % PLACES
    offset = np.arange(count) // (FLUSH_ROWS * PLACES) * FLUSH_ROWS + np.arange(count) % FLUSH_ROWS
    subjects = chance.integers(-(2**62), 2**62, SUBJECTS * PLACES)
    subject = subjects[place * SUBJECTS + chance.integers(0, SUBJECTS, count)]
    columns = {
        "topic_uuid": pa.array([str(uuid.UUID(int=int(number) // 2)) for number in place]),
        "partition": pa.array((place % 2).astype("int32")),
        "offset": pa.array(offset),
        "subject_hi": pa.array(subject),
        "subject_lo": pa.array(subject * 3),
    } | {name: pa.array(chance.integers(-(2**62), 2**62, count)) for name in _KEYS}
    for name, column in columns.items():
        whole = whole.set_column(whole.schema.get_field_index(name), whole.schema.field(name), column)
    return whole


def _read(path: Path, arrived: pa.Table) -> Layout:
    storage = Storage(str(path.parent))
    last = arrived.num_rows - 1
    topic_uuid, partition, end = (arrived[name][last].as_py() for name in ("topic_uuid", "partition", "offset"))
    high, low = (arrived[f"subject_{half}"][last].as_py() for half in ("hi", "lo"))
    columns = ["topic_uuid", "partition", "offset"]

    def receipts() -> None:
        assert read(storage, [path.name], columns, topic_uuid, partition, end - 99, end + 1).num_rows == 100

    with duckdb.connect() as connection:
        relation = f"read_parquet(['{path}'], union_by_name = true, hive_partitioning = false)"

        def build() -> None:
            connection.execute(f"CREATE OR REPLACE TABLE kept AS SELECT * FROM {relation}")
            twice = f"SELECT id_hi, id_lo FROM {relation} GROUP BY ALL HAVING count(*) > 1"
            assert connection.execute(twice).fetchall() == []

        def subject() -> None:
            one = f"SELECT * FROM {relation} WHERE subject_hi = {high} AND subject_lo = {low}"
            assert connection.execute(one).fetchall()

        return Layout(path.stat().st_size / arrived.num_rows, *(_seconds(run) for run in (build, receipts, subject)))


def _seconds(run: Callable[[], object]) -> float:
    began = time.process_time()
    run()
    return time.process_time() - began
