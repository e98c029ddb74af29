"""The blocking work of a worker, off its event loop: judging on one thread, everything of the lake on another.

What is to be done when, and with which places, belongs to streams/intake.py.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar

import pyarrow as pa
from deltalake.exceptions import DeltaError

from contracts.errors import EnvironmentProblem
from lake import maintenance
from lake.positions import Span
from lake.rows import Batch, tables
from lake.schema import REFUSED
from lake.table import Lake
from streams.logs import say
from streams.metrics import Metrics

_Result = TypeVar("_Result")


class Work:
    """Two threads. A writer's handle on the lake may be used by one alone, and while it writes the other judges."""

    def __init__(self) -> None:
        self._judging = ThreadPoolExecutor(1, "judge")
        self._storing = ThreadPoolExecutor(1, "store")

    async def judge(self, function: Callable[..., _Result], *arguments: Any) -> _Result:
        """Run what needs the processor."""
        return await asyncio.get_running_loop().run_in_executor(self._judging, function, *arguments)

    async def store(self, function: Callable[..., _Result], *arguments: Any) -> _Result:
        """Run what needs the lake or the cluster."""
        return await asyncio.get_running_loop().run_in_executor(self._storing, function, *arguments)


class Kept(NamedTuple):
    """What a flush stored."""

    version: int
    tables: list[dict[str, pa.Table]]
    """Of each batch, its rows by kind."""


def stored(lake: Lake, spans: Sequence[Span], batches: Sequence[Batch], metrics: Metrics) -> Kept:
    """Flush the batches that the spans speak of, as lake/table.py does. Compacts when that is due."""
    began, retries = time.monotonic(), lake.retries
    kept = [(batch.site_id, tables(batch)) for batch in batches]
    parts: dict[str, list[pa.Table]] = {}
    for _, found in kept:
        for partition, table in found.items():
            parts.setdefault(partition, []).append(table)
    before = lake.version
    after = lake.flush(spans, {partition: pa.concat_tables(found) for partition, found in parts.items()})
    metrics.stored(time.monotonic() - began, lake.retries - retries)
    for site, found in kept:
        _count(metrics, site, found)
    try:
        maintenance.between_commits(lake, before)
    except (EnvironmentProblem, DeltaError) as error:  # what is stored is stored; the next one may do better
        say("maintenance_failed", logging.WARNING, error)
    return Kept(after, [found for _, found in kept])


def _count(metrics: Metrics, site: str, found: Mapping[str, pa.Table]) -> None:
    for partition, table in found.items():
        metrics.deliveries(site, partition, table.num_rows)
        if partition == REFUSED:
            for entry in table["rule"].value_counts().to_pylist():
                metrics.refused(site, entry["values"], entry["counts"])
