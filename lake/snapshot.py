"""One version of the lake, pinned: its files by kind, and how far it is with every topic partition.

Reading the files belongs to whoever asked: pass them to DuckDB's read_parquet with union_by_name.
"""

from collections import defaultdict
from typing import NamedTuple

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError

from contracts.errors import EnvironmentProblem
from lake.damage import read_whole
from lake.home import REPLAY_TOPIC, Home
from lake.origins import NO_SITE
from lake.positions import received_of, sites, stored, topics
from lake.storage import Storage


class Position(NamedTuple):
    """How far a version is with one topic partition."""

    next_offset: int
    received: int
    """Deliveries ever received at the transport: as many rows of it must be in the files."""
    topic: str
    by_site: dict[str, int]
    """The same count by site. A site's topic is its own; what the replay topic got of no site stands under NO_SITE."""


class Snapshot(NamedTuple):
    """One version of the lake, which later commits do not change."""

    version: int
    files: dict[str, list[str]]
    """Absolute paths or URIs of the Parquet files by kind (`refused` is one), sorted; kinds without rows are absent."""
    positions: dict[tuple[str, int], Position]
    """By topic UUID and partition, for every topic that ever had a delivery."""


def snapshot(lake: Home | str, version: int | None = None) -> Snapshot:
    """The newest version of the lake, or the one asked for. EnvironmentProblem when there is none."""
    storage = Storage(lake.lake if isinstance(lake, Home) else lake)
    try:
        with read_whole(storage.uri):
            table = DeltaTable(storage.uri, version=version)
    except TableNotFoundError:
        raise EnvironmentProblem(
            f"there is no lake at {storage.uri} yet: a worker makes it when the first deliveries arrive (`b12 up`)"
        ) from None
    positions = {}
    for topic_uuid, (topic, partitions) in topics(table).items():
        for partition in range(partitions):
            if there := stored(table, topic_uuid, partition):
                by_site = _by_site(table, topic_uuid, partition, topic, there.received)
                positions[topic_uuid, partition] = Position(there.next_offset, there.received, topic, by_site)
    return Snapshot(int(table.version()), _files(table, storage), positions)


def last_commit(lake: Home) -> float | None:
    """When the lake was last written, in seconds since 1970 by the writer's clock; None where it did not say."""
    history = DeltaTable(Storage(lake.lake).uri).history(1)
    return next((commit["timestamp"] / 1000 for commit in history if "timestamp" in commit), None)


def _by_site(table: DeltaTable, topic_uuid: str, partition: int, topic: str, received: int) -> dict[str, int]:
    if topic != REPLAY_TOPIC:
        return {topic.split(".")[2]: received}  # b12.site.<SITE>.events
    named = {site: received_of(table, topic_uuid, partition, site) for site in sites(table, topic_uuid)}
    # The rest was counted too, so that what no site can be told for is accounted for like everything else.
    counts = {**named, NO_SITE: received - sum(named.values())}
    return {site: count for site, count in counts.items() if count}


def _files(table: DeltaTable, storage: Storage) -> dict[str, list[str]]:
    actions = pa.table(table.get_add_actions(flatten=True)).select(["path", "partition.kind"])
    files: dict[str, list[str]] = defaultdict(list)
    for path, kind in zip(*(column.to_pylist() for column in actions.columns), strict=True):
        files[kind].append(f"{storage.uri.rstrip('/')}/{path}")
    return {kind: sorted(paths) for kind, paths in sorted(files.items())}
