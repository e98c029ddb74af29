"""Months of trickle in fast time: many small flushes with maintenance between them, on a disk of memory.

What is asked: whether opening, assignment and queries stay as quick at the end as they were at the start, and the
number of files bounded. All times are processor time: the run is long, and what the machine does beside it must not
count. What one commit costs on a real disk belongs to bench/intake.py.
"""

import shutil
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import duckdb
import msgspec

from bench.events import SITE, registry_events
from contracts.judge import judge
from contracts.pseudonyms import site_key
from contracts.site import Site
from lake import maintenance
from lake.home import Home
from lake.positions import Span
from lake.rows import Batch, tables
from lake.schema import PARTITIONS
from lake.snapshot import snapshot
from lake.table import Lake
from lake.upkeep import LOG_HOURS, RETENTION_HOURS, Kept
from registry import inputs

MEMORY = Path("/dev/shm")  # noqa: S108  # a disk of memory: 100,000 commits would wear out a real one for nothing
SITES, PARTITIONS_OF_TOPIC = 10, 2
SEED_ROWS = 300_000
"""There before the trickle begins, so that what a query reads hardly grows by it."""
COMMITS_OF_A_DAY = 1_000
"""One flush in a minute and a half."""
RUNS = 5
RECEIVED = datetime(2026, 11, 1, tzinfo=UTC)
_RECEIVED_MS = int(RECEIVED.timestamp() * 1000)


class Look(NamedTuple):
    """How quick the lake is at one moment."""

    commits: int
    commit_ms: float
    """Mean of the commits since the look before."""
    open_ms: float
    assign_ms: float
    """To open, and to read the stored offset of every partition."""
    receipts_ms: float
    """To read back what became of the last deliveries of a partition."""
    query_ms: float
    """To read every kind as a build does."""
    rows: int
    live: int
    """Files of the newest version."""
    files: int
    """Files on the disk, those that are kept for older versions too."""
    log: int
    """Files of the log."""

    def line(self) -> str:
        """A row of the table."""
        figures = (f"{value:,.1f}" for value in (*self[1:6],))
        counts = (f"{value:,}" for value in self[6:])
        return f"| {self.commits:,} | {' | '.join((*figures, *counts))} |"


_COLUMNS = (
    "commits",
    "commit ms",
    "open ms",
    "assign ms",
    "receipts ms",
    "query ms",
    "rows",
    "live files",
    "files",
    "log files",
)
HEADER = [f"| {' | '.join(_COLUMNS)} |", "|---" * len(_COLUMNS) + "|"]


def measure(commits: int) -> list[str]:
    """The table, in Markdown, and the ratios of its last line to its first."""
    directory = Path(tempfile.mkdtemp(prefix="b12-months-", dir=MEMORY if MEMORY.is_dir() else None))
    try:
        looks = Trickle(directory).run(commits)
    finally:
        shutil.rmtree(directory)
    first, last = looks[0], looks[-1]
    ratios = ", ".join(
        f"{name.removesuffix('_ms')} {getattr(last, name) / getattr(first, name):.2f}x"
        for name in ("commit_ms", "open_ms", "assign_ms", "receipts_ms", "query_ms", "rows")
    )
    return [*HEADER, *(look.line() for look in looks), "", f"The last beside the first: {ratios}."]


class Trickle:
    """One lake, flushed to and maintained."""

    def __init__(self, directory: Path) -> None:
        self.home = Home(directory)
        self.secret = self.home.ensure_secret()
        self.sites = [msgspec.structs.replace(SITE, id=f"BENCH{number:02}") for number in range(SITES)]
        for site in self.sites:
            self.home.put_site(site)
        self.uuids = {site.id: str(uuid.uuid5(uuid.NAMESPACE_URL, site.id)) for site in self.sites}
        self.ends: dict[tuple[str, int], int] = {}
        self.lake = Lake.open(self.home.lake, self.secret)

    def run(self, commits: int) -> list[Look]:
        """So many commits, with a look after the first day and then after each tenth."""
        self._seed()
        looks, seconds, began = [], [], time.perf_counter()
        print(HEADER[0], file=sys.stderr, flush=True)
        every = max(COMMITS_OF_A_DAY, commits // 10)
        for number in range(1, commits + 1):
            seconds.append(self._commit(number))
            if number % COMMITS_OF_A_DAY == 0:
                # A day of the simulation is as long as its commits took.
                a_day = (time.perf_counter() - began) / (number / COMMITS_OF_A_DAY)
                hours = [timedelta(seconds=a_day * hours / 24) for hours in (RETENTION_HOURS, LOG_HOURS)]
                maintenance.thorough(self.home.lake, Kept(*hours))
            if number == COMMITS_OF_A_DAY or number % every == 0:
                looks.append(self._look(number, seconds))
                print(looks[-1].line(), file=sys.stderr, flush=True)
                seconds.clear()
        return looks

    def _seed(self) -> None:
        raws = registry_events(SEED_ROWS // SITES, self.sites[0])
        judged = [judge(raw, self.sites[0], RECEIVED) for raw in raws]
        for site in self.sites:
            for partition in range(PARTITIONS_OF_TOPIC):
                self._flush(site, partition, judged[partition::PARTITIONS_OF_TOPIC])
        self.judged = judged[:1000]
        maintenance.thorough(self.home.lake, Kept(timedelta(hours=RETENTION_HOURS)))

    def _commit(self, number: int) -> float:
        """As a worker does it: a flush, and now and then a compaction."""
        site, partition = self.sites[number % SITES], number // SITES % PARTITIONS_OF_TOPIC
        began, before = time.process_time(), self.lake.version
        self._flush(site, partition, [self.judged[number % 1000]])
        maintenance.between_commits(self.lake, before)
        return time.process_time() - began

    def _flush(self, site: Site, partition: int, judged: list[object]) -> None:
        topic_uuid = self.uuids[site.id]
        start = self.ends.get((site.id, partition))
        batch = Batch(site, site_key(self.secret, site.id), topic_uuid, partition)
        batch.offsets = list(range(start or 0, (start or 0) + len(judged)))
        batch.received_ms = [_RECEIVED_MS] * len(judged)
        batch.sizes = [400] * len(judged)
        batch.judged = judged
        end = self.ends[site.id, partition] = batch.offsets[-1] + 1
        span = Span(site.events_topic, topic_uuid, partition, start, end, len(judged))
        self.lake.flush([span], tables(batch))

    def _look(self, commits: int, seconds: list[float]) -> Look:
        rows = self._query()
        found = [*(self.home.path / "lake").rglob("*.parquet")]
        log = len([*(Path(self.lake.uri) / "_delta_log").iterdir()])
        return Look(
            commits,
            1000 * statistics.mean(seconds),
            _milliseconds(lambda: Lake.open(self.home.lake, self.secret)),
            _milliseconds(self._assign),
            _milliseconds(self._receipts),
            _milliseconds(self._query),
            rows,
            sum(map(len, snapshot(self.home).files.values())),
            sum("_delta_log" not in str(path) for path in found),
            log,
        )

    def _assign(self) -> None:
        lake = Lake.open(self.home.lake, self.secret)
        for site, partition in self.ends:
            there = lake.stored(self.uuids[site], partition)
            assert there is not None
            assert there.next_offset == self.ends[site, partition]

    def _receipts(self) -> None:
        site, partition = next(iter(self.ends))
        end = self.ends[site, partition]
        assert len(self.lake.judgements(self.uuids[site], partition, end - 20, end).accepted) == 20

    def _query(self) -> int:
        given = inputs.pinned(self.home, snapshot(self.home), date(2026, 11, 22))
        with duckdb.connect() as connection:
            connection.execute("CREATE SCHEMA staging")
            inputs.attach(connection, given)
            counts = 0
            for kind in PARTITIONS:
                sql = f"SELECT count(*), count(DISTINCT subject_key), max(event_time) FROM staging.lake_{kind}"
                counts += connection.execute(sql).fetchall()[0][0]
        return counts


def _milliseconds(run: Callable[[], object]) -> float:
    found = []
    for _ in range(RUNS):
        began = time.process_time()
        run()
        found.append(time.process_time() - began)
    return 1000 * statistics.median(found)
