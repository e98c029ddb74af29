"""What the checker looks at: producers' files, Kafka's logs and receipts, and the lake, each as a table.

Read by means that the platform does not share: kafka-python, deltalake, hashlib. Nothing of ours is imported here but
the producers' side of these tests. What must hold between the tables belongs to tests/faults/checker.py.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import DeltaTable
from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient

from tests.faults import ledger

KAFKA_SECONDS = 60
REPLAYS = "b12.replay"

_TEXT, _INT = pa.string(), pa.int64()
_PARTITION = [("uuid", _TEXT), ("partition", pa.int32())]
_PLACE = [*_PARTITION, ("off", _INT)]
_ID = [("id_hi", _INT), ("id_lo", _INT)]
_SUBJECT = [("subject_hi", _INT), ("subject_lo", _INT)]
_KEYS = [*_ID, *_SUBJECT]
SENT = pa.schema([*((n, _TEXT) for n in ("digest", "site", "kind", "verdict", "changed", "number")), *_KEYS])
ACKED = pa.schema([*_PLACE, ("site", _TEXT), ("digest", _TEXT), ("at", pa.float64())])
LOG = pa.schema([*_PLACE, ("site", _TEXT), ("digest", _TEXT)])
KEPT = pa.schema([*_PARTITION, ("first", _INT)])
GONE = pa.schema([*_PARTITION, ("first", _INT), ("behind", _INT)])
ERASED = pa.schema([("site", _TEXT), *_SUBJECT])
ROWS = pa.schema([*_PLACE, *((n, _TEXT) for n in ("site", "kind", "rule", "number")), *_KEYS])
POSITIONS = pa.schema([*_PARTITION, ("next", _INT), ("received", _INT)])
_SPAN = [(name, _INT) for name in ("first", "behind", "accepted", "refused")]
RECEIPTS = pa.schema([("number", _INT), ("topic_site", _TEXT), ("site", _TEXT), *_PARTITION, *_SPAN])
REFUSALS = pa.schema([*_PLACE, ("number", _INT), ("rule", _TEXT)])


class Evidence(NamedTuple):
    """Every table that the invariants speak of."""

    sent: pa.Table
    """Each different event that a producer was about to send, and what must become of it."""
    acked: pa.Table
    """Each acknowledgement."""
    log: pa.Table
    """Each record that Kafka shows to a reader of committed records."""
    kept: pa.Table
    """The first offset that Kafka still has of each partition that exists."""
    gone: pa.Table
    """Offsets that were deleted on purpose before the lake had them."""
    erased: pa.Table
    """Each subject that was to be erased."""
    rows: pa.Table
    """Each row of the lake."""
    positions: pa.Table
    """What the lake's application transactions say of each partition."""
    receipts: pa.Table
    refusals: pa.Table
    """Each refused delivery of each receipt."""


def gather(kafka: Mapping[str, Any], sites: Iterable[str], lake: str, secret: bytes, directory: Path) -> Evidence:
    """Read everything. `directory` holds what producers and the schedule wrote down."""
    names = sorted(sites)
    acked = _table(ACKED, _acknowledged(directory))
    log, kept = read_logs(kafka, names)
    log = pa.concat_tables(
        [log, *(pq.read_table(path, schema=LOG) for path in sorted(directory.glob("log.*.parquet")))]
    )
    places = {place for table in (acked, log) for place in zip(*_two(table), strict=True)}
    receipts, refusals = read_receipts(kafka, names)
    table = DeltaTable(lake)
    # What operators replay is no part of a history, and on a broker that several share it is somebody else's.
    replays = list(topic_uuids(kafka, [REPLAYS]).values())
    return Evidence(
        sent=_table(SENT, _sent(directory, secret)),
        acked=acked,
        log=log,
        kept=kept,
        gone=_table(GONE, _gone(directory)),
        erased=_table(ERASED, _erased(directory, secret)),
        rows=_rows(table, lake).filter(~pc.field("uuid").isin(replays)),
        positions=_table(POSITIONS, _positions(table, places)),
        receipts=receipts,
        refusals=refusals,
    )


# Producers' files


def _sent(directory: Path, secret: bytes) -> Iterator[tuple[Any, ...]]:
    seen = set()
    for path in sorted(directory.glob("sent.*.csv")):
        site = path.name.split(".")[1]
        for line in ledger.lines(path):
            digest, name, subject, *rest = line.split(",")
            if (site, digest) not in seen:
                seen.add((site, digest))
                yield digest, site, *rest, *_key(secret, site, "id", name), *_key(secret, site, "subject", subject)


def _key(secret: bytes, site: str, role: str, name: str) -> tuple[int, int] | tuple[None, None]:
    """The halves of what stands for a name in the lake."""
    if not name:
        return None, None
    of_site = blake2b(site.encode(), key=secret).digest()
    digest = blake2b(name.encode(), key=of_site, digest_size=16, person=f"b12.{role}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True), int.from_bytes(digest[8:], "big", signed=True)


def _acknowledged(directory: Path) -> Iterator[tuple[Any, ...]]:
    for path in sorted(directory.glob("acked.*.csv")):
        _, site, uuid, _, _ = path.name.split(".")
        for line in ledger.lines(path):
            partition, offset, digest, at = line.split(",")
            yield uuid, int(partition), int(offset), site, digest, float(at)


def _gone(directory: Path) -> Iterator[tuple[Any, ...]]:
    path = directory / "gone.csv"
    for line in ledger.lines(path) if path.exists() else ():
        uuid, partition, first, behind = line.split(",")
        yield uuid, int(partition), int(first), int(behind)


def _erased(directory: Path, secret: bytes) -> Iterator[tuple[Any, ...]]:
    for site, subject in sorted(set(ledger.erased(directory))):
        yield site, *_key(secret, site, "subject", subject)


# Kafka


def read_logs(kafka: Mapping[str, Any], sites: Iterable[str]) -> tuple[pa.Table, pa.Table]:
    """Every committed record of the sites' topics of events, and where each log starts."""
    topics = {f"b12.site.{site}.events": site for site in sites}
    uuids = topic_uuids(kafka, topics)
    found: list[tuple[Any, ...]] = []
    starts: list[tuple[Any, ...]] = []
    with _Reader(kafka, topics) as reader:
        for tp, first in reader.starts.items():
            starts.append((uuids[tp.topic], tp.partition, first))
        for tp, record in reader:
            place = uuids[tp.topic], tp.partition, record.offset
            found.append((*place, topics[tp.topic], ledger.digest(record.value)))
    return _table(LOG, found), _table(KEPT, starts)


def ends(log: pa.Table) -> dict[tuple[str, int], int]:
    """The offset behind the last record of each partition, by topic UUID and partition."""
    last = log.group_by(["uuid", "partition"]).aggregate([("off", "max")])
    columns = (last[name].to_pylist() for name in ("uuid", "partition", "off_max"))
    return {(uuid, partition): offset + 1 for uuid, partition, offset in zip(*columns, strict=True)}


def read_receipts(kafka: Mapping[str, Any], sites: Iterable[str]) -> tuple[pa.Table, pa.Table]:
    """Every receipt on the sites' topics, and the deliveries that it names as refused."""
    topics = {f"b12.site.{site}.receipts": site for site in sites}
    receipts, refusals = [], []
    with _Reader(kafka, topics) as reader:
        for number, (tp, record) in enumerate(reader):
            data = json.loads(record.value)["data"]
            if "topic_uuid" not in data:
                continue  # what the registry has to say
            place = data["topic_uuid"], data["partition"]
            span = data["from_offset"], data["to_offset"], data["accepted"], len(data["refused"])
            receipts.append((number, topics[tp.topic], data["site"], *place, *span))
            refusals += [(*place, entry["offset"], number, entry["rule"]) for entry in data["refused"]]
    return _table(RECEIPTS, receipts), _table(REFUSALS, refusals)


def topic_uuids(kafka: Mapping[str, Any], topics: Iterable[str]) -> dict[str, str]:
    """The UUID that each topic has now."""
    client = KafkaAdminClient(**kafka)
    try:
        found = client.describe_topics(sorted(topics))
        return {topic["name"]: str(topic["topic_id"]) for topic in found if topic["error_code"] == 0}
    finally:
        client.close()


class _Reader:
    """Topics from their first record to their end of this moment."""

    def __init__(self, kafka: Mapping[str, Any], topics: Iterable[str]) -> None:
        self._consumer = KafkaConsumer(
            **kafka,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            max_poll_records=10_000,
        )
        partitions = [TopicPartition(t, p) for t in topics for p in self._consumer.partitions_for_topic(t) or ()]
        self._consumer.assign(partitions)
        self.starts = self._consumer.beginning_offsets(partitions)
        self._ends = self._consumer.end_offsets(partitions)

    def __enter__(self) -> "_Reader":
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close()

    def __iter__(self) -> Iterator[tuple[TopicPartition, Any]]:
        left, quiet = set(self._ends), 0
        while left := {tp for tp in left if self._consumer.position(tp) < self._ends[tp]}:
            batches = self._consumer.poll(timeout_ms=1000)
            quiet = 0 if batches else quiet + 1
            if quiet > KAFKA_SECONDS:
                raise TimeoutError(f"Kafka shows no more of {sorted(tp.topic for tp in left)}")
            for tp, records in batches.items():
                for record in records:
                    yield tp, record


# The lake

_ALL = {
    "topic_uuid": "uuid",
    "partition": "partition",
    "offset": "off",
    "site": "site",
    **{name: name for name, _ in _KEYS},
}
_OWN = {"lab_result": {"value_text": "number"}, "refused": {"rule": "rule"}}
"""Columns of the lake by our names for them; other kinds may call something else a value or a rule."""


def _rows(table: DeltaTable, lake: str) -> pa.Table:
    parts = [ROWS.empty_table()]
    for path in sorted(pa.table(table.get_add_actions(flatten=True))["path"].to_pylist()):
        kind = path.partition("/")[0].removeprefix("kind=")
        ours = _OWN.get(kind, {}) | _ALL
        read = pq.ParquetFile(f"{lake}/{path}").read(columns=list(ours)).rename_columns(list(ours.values()))
        read = read.append_column("kind", pa.array([kind] * len(read), pa.string()))
        columns = [
            read[f.name].cast(f.type) if f.name in read.column_names else pa.nulls(len(read), f.type) for f in ROWS
        ]
        parts.append(pa.Table.from_arrays(columns, schema=ROWS))
    return pa.concat_tables(parts)


def _positions(table: DeltaTable, places: Iterable[tuple[str, int]]) -> Iterator[tuple[Any, ...]]:
    for uuid, partition in sorted(places):
        following, received = position(table, uuid, partition)
        if following is not None:
            yield uuid, partition, following, received


def position(table: DeltaTable, uuid: str, partition: int) -> tuple[int | None, int | None]:
    """The next offset and the count received of one topic partition, by a loaded version of the lake."""
    following, received = (table.transaction_version(f"b12/{uuid}/{partition}/{what}") for what in ("next", "received"))
    return following, received


def _two(table: pa.Table) -> tuple[list[str], list[int]]:
    unique = table.group_by(["uuid", "partition"]).aggregate([])
    return unique["uuid"].to_pylist(), unique["partition"].to_pylist()


def _table(schema: pa.Schema, rows: Iterable[tuple[Any, ...]]) -> pa.Table:
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)
