"""The dead letters of one version of the lake: what the door refused and no replay has brought in since.

A dead letter is a row that points to a record in Kafka. Reading that record belongs to streams/originals.py, having it
judged again to streams/replays.py. Nothing here is a reported value, a subject or a date of one.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from typing import Any, Literal, NamedTuple, get_args

import duckdb

from contracts import VERSION
from lake.origins import NO_SITE
from lake.schema import REFUSED
from lake.snapshot import Snapshot
from lake.storage import let_read

State = Literal["open", "judged_again", "on_its_way", "expired", "unreadable"]
"""`open`: it can be replayed. `judged_again`: a replay was refused too, by the contract of today. `on_its_way`: a
replay is in Kafka, and no worker has read it yet. `expired`: Kafka has deleted the record. `unreadable`: a record of
the replay topic that names no origin, which nobody can replay."""
STATES: tuple[State, ...] = get_args(State)


class Place(NamedTuple):
    """Where a record stands in Kafka."""

    topic_uuid: str
    partition: int
    offset: int


class Letter(NamedTuple):
    """One delivery that is refused still, with its newest judgement."""

    site: str
    rule: str
    path: str
    kind: str
    """What it said it was, else `unknown`."""
    size_bytes: int | None
    contract: str
    """Version that judged it last."""
    received_ms: int
    """When the broker appended the site's own delivery, in milliseconds since 1970."""
    judged_ms: int
    """The same of what was judged last."""
    state: State
    origin: Place
    """The site's own delivery."""
    source: Place
    """The record to read: of the last replay while Kafka has it, else the site's own."""


class Group(NamedTuple):
    """The dead letters of one site and rule."""

    site: str
    rule: str
    states: dict[State, int]
    """How many there are in each state."""
    first_ms: int
    """When the oldest was received, in milliseconds since 1970."""
    last_ms: int

    @property
    def letters(self) -> int:
        return sum(self.states.values())


class DeadLetters:
    """Answers about the dead letters. Make it with `opened`."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def groups(self) -> list[Group]:
        """By site and rule, the sites in order and their most frequent rules first."""
        counts = ", ".join(f"count(*) FILTER (WHERE state = '{state}')" for state in STATES)
        rows = self._connection.execute(
            f"SELECT site, rule, {counts}, min(received_ms), max(received_ms) FROM letters"
            " GROUP BY site, rule ORDER BY site, count(*) DESC, rule"
        ).fetchall()
        return [Group(row[0], row[1], dict(zip(STATES, row[2:-2], strict=True)), *row[-2:]) for row in rows]

    def letters(
        self, site: str, rule: str | None = None, states: Iterable[State] = STATES, limit: int | None = None
    ) -> Iterator[Letter]:
        """The letters of a site, or of one of its rules, in the order in which Kafka has their records."""
        rows = self._connection.execute(
            f"""
            SELECT * FROM letters
            WHERE site = $site AND rule = coalesce($rule, rule) AND list_contains($states, state)
            ORDER BY source_topic_uuid, source_partition, source_offset
            {"" if limit is None else f"LIMIT {limit:d}"}
            """,
            {"site": site, "rule": rule, "states": list(states)},
        )
        while batch := rows.fetchmany(1000):
            for row in batch:
                yield Letter._make([*row[:-6], Place._make(row[-6:-3]), Place._make(row[-3:])])


@contextmanager
def opened(
    snapshot: Snapshot, first_offsets: Mapping[tuple[str, int], int], on_their_way: Iterable[Place] = ()
) -> Iterator[DeadLetters]:
    """The dead letters of a version of the lake.

    `first_offsets` is the first offset that Kafka still has, by topic UUID and partition; what is not named is gone.
    `on_their_way` are the origins of replays that are in Kafka and not yet in the lake.
    """
    with duckdb.connect(":memory:") as connection:
        connection.execute("SET TimeZone = 'UTC'")
        _fill(connection, "kept", "first_offset", ((*key, offset) for key, offset in first_offsets.items()))
        _fill(connection, "under_way", '"offset"', on_their_way)
        let_read(connection, chain.from_iterable(snapshot.files.values()))
        connection.execute(_letters(snapshot))
        yield DeadLetters(connection)


def _fill(connection: duckdb.DuckDBPyConnection, table: str, last: str, rows: Iterable[tuple[Any, ...]]) -> None:
    connection.execute(f"CREATE TABLE {table} (topic_uuid VARCHAR, partition INTEGER, {last} BIGINT)")
    if listed := [*set(rows)]:
        connection.executemany(f"INSERT INTO {table} VALUES (?, ?, ?)", listed)


_COLUMNS = """
    NULL::VARCHAR AS site, NULL::VARCHAR AS topic_uuid, NULL::INTEGER AS partition, NULL::BIGINT AS "offset",
    NULL::TIMESTAMPTZ AS received_at, NULL::VARCHAR AS contract, NULL::VARCHAR AS rule, NULL::VARCHAR AS path,
    NULL::VARCHAR AS reported_kind, NULL::BIGINT AS size_bytes, NULL::VARCHAR AS origin_topic_uuid,
    NULL::INTEGER AS origin_partition, NULL::BIGINT AS origin_offset, NULL::TIMESTAMPTZ AS origin_received_at
"""
"""What is read of a row: files of an earlier version lack some, and there may be no file at all."""


def _letters(snapshot: Snapshot) -> str:
    refused = snapshot.files.get(REFUSED, [])
    accepted = [file for kind, files in snapshot.files.items() if kind != REFUSED for file in files]
    # The rule of registry/models/staging/replayed.sql: accepted before refused, then the newest.
    return f"""
CREATE TABLE letters AS
WITH judged AS (
    SELECT * FROM ({_rows(refused)})
    UNION ALL BY NAME
    SELECT * EXCLUDE (rule), NULL AS rule FROM ({_rows(accepted)}) WHERE origin_topic_uuid IS NOT NULL
),
placed AS (
    SELECT
        *,
        coalesce(origin_topic_uuid, topic_uuid) AS first_topic_uuid,
        coalesce(origin_partition, "partition") AS first_partition,
        coalesce(origin_offset, "offset") AS first_offset
    FROM judged
),
newest AS (
    SELECT * FROM placed
    QUALIFY row_number() OVER (
        PARTITION BY first_topic_uuid, first_partition, first_offset
        ORDER BY rule IS NOT NULL, received_at DESC, topic_uuid, "partition", "offset" DESC
    ) = 1
),
found AS (
    SELECT
        n.*,
        n."offset" >= k.first_offset AS is_kept,
        n.first_offset >= o.first_offset AS is_origin_kept,
        u.topic_uuid IS NOT NULL AS is_on_its_way
    FROM newest AS n
    LEFT JOIN kept AS k ON n.topic_uuid = k.topic_uuid AND n."partition" = k."partition"
    LEFT JOIN kept AS o ON n.first_topic_uuid = o.topic_uuid AND n.first_partition = o."partition"
    LEFT JOIN under_way AS u
        ON n.first_topic_uuid = u.topic_uuid AND n.first_partition = u."partition" AND n.first_offset = u."offset"
    WHERE n.rule IS NOT NULL
)
SELECT
    site,
    rule,
    path,
    coalesce(reported_kind, 'unknown') AS kind,
    size_bytes,
    contract,
    epoch_ms(coalesce(origin_received_at, received_at)) AS received_ms,
    epoch_ms(received_at) AS judged_ms,
    CASE
        WHEN is_on_its_way THEN 'on_its_way'
        WHEN site = '{NO_SITE}' AND origin_topic_uuid IS NULL THEN 'unreadable'
        WHEN NOT coalesce(is_kept, FALSE) AND NOT coalesce(is_origin_kept, FALSE) THEN 'expired'
        WHEN origin_topic_uuid IS NOT NULL AND contract = '{VERSION}' AND site <> '{NO_SITE}' THEN 'judged_again'
        ELSE 'open'
    END AS state,
    first_topic_uuid,
    first_partition,
    first_offset,
    CASE WHEN is_kept THEN topic_uuid ELSE first_topic_uuid END AS source_topic_uuid,
    CASE WHEN is_kept THEN "partition" ELSE first_partition END AS source_partition,
    CASE WHEN is_kept THEN "offset" ELSE first_offset END AS source_offset
FROM found
"""


def _rows(files: list[str]) -> str:
    nothing = f"SELECT {_COLUMNS} WHERE FALSE"
    if not files:
        return nothing
    listed = ", ".join("'" + file.replace("'", "''") + "'" for file in files)
    names = [part.rpartition(" AS ")[2].strip() for part in _COLUMNS.split(",")]
    return (
        f"SELECT {', '.join(names)} FROM (SELECT * FROM"
        f" read_parquet([{listed}], union_by_name = true, hive_partitioning = false) UNION ALL BY NAME {nothing})"
    )
