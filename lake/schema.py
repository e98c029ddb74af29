"""The columns of the lake, derived from the contract: one row per delivery, one partition per kind.

How rows are written and read belongs in lake/table.py.
"""

from functools import cache

import pyarrow as pa

from contracts.events import DATA, KINDS
from contracts.shapes import Shape, field_docs, shapes

REFUSED = "refused"
"""The partition of deliveries that the door refused."""

ERASED = "erased"
"""The partition of deliveries of families who withdrew: where each stood, and nothing of what it said."""

PARTITIONS = (*KINDS, REFUSED, ERASED)

KEYS = ("id", "subject", "record", "content")
"""The pseudonyms that every row has, in two halves each."""

ORIGIN = ("origin_topic_uuid", "origin_partition", "origin_offset", "origin_received_at")
"""The columns that only replays fill."""

TIMESTAMP = pa.timestamp("us", tz="UTC")
DECIMAL = pa.decimal128(28, 12)


def _key(name: str, doc: str) -> list[pa.Field]:
    return [
        pa.field(f"{name}_hi", pa.int64(), metadata={"doc": f"{doc} High half of its pseudonym."}),
        pa.field(f"{name}_lo", pa.int64(), metadata={"doc": f"{doc} Low half of its pseudonym."}),
    ]


def _common() -> list[pa.Field]:
    def field(name: str, kind: pa.DataType, doc: str, nullable: bool = False) -> pa.Field:
        return pa.field(name, kind, nullable=nullable, metadata={"doc": doc})

    return [
        field("site", pa.string(), "Site whose topic the delivery came by, or that a replay names."),
        field("topic_uuid", pa.string(), "Kafka's UUID of the topic: a topic made again has another."),
        field("partition", pa.int32(), "Kafka partition."),
        field("offset", pa.int64(), "Kafka offset."),
        field("received_at", TIMESTAMP, "When the broker appended the delivery."),
        field("contract", pa.string(), "Version of the contract that judged the delivery."),
        field("event_time", TIMESTAMP, "The event's `time`.", nullable=True),
        *_key("id", "The event's `id`."),
        *_key("subject", "The event's `subject`."),
        *_key("record", "The event's `record`, which is its `id` when it has none."),
        *_key("content", "Everything the event says except `id` and `time`."),
        field("origin_topic_uuid", pa.string(), "Of a replay: the topic of the delivery judged again.", nullable=True),
        field("origin_partition", pa.int32(), "Of a replay: the partition of that delivery.", nullable=True),
        field("origin_offset", pa.int64(), "Of a replay: the offset of that delivery.", nullable=True),
        field("origin_received_at", TIMESTAMP, "Of a replay: when the broker appended that delivery.", nullable=True),
    ]


def _refused() -> list[pa.Field]:
    return [
        pa.field("rule", pa.string(), metadata={"doc": "Rule of the door that refused the delivery."}),
        pa.field("path", pa.string(), metadata={"doc": "JSON path of the field at fault."}),
        pa.field("reported_kind", pa.string(), metadata={"doc": "Kind that the delivery said it was."}),
        pa.field("size_bytes", pa.int64(), metadata={"doc": "Size of the value in bytes; null when it had none."}),
    ]


def _columns(name: str, shape: Shape, doc: str) -> list[pa.Field]:
    def field(column: str, kind: pa.DataType, says: str = doc) -> pa.Field:
        return pa.field(column, kind, metadata={"doc": says})

    if shape == "decimal":
        return [
            field(name, DECIMAL),
            field(f"{name}_text", pa.string(), f"{doc} In plain digits, with the decimals that were reported."),
        ]
    if shape == "when":
        return [
            field(f"{name}_date", pa.date32(), f"{doc} Local date at the site; a month stands as its 15th."),
            field(f"{name}_at", TIMESTAMP, f"{doc} The moment, when a time was reported."),
            field(f"{name}_precision", pa.string(), f"{doc} Precision: time, day or month."),
        ]
    if shape in ("mother", "scan", "record"):
        return _key(name, doc)
    kinds = {"int": pa.int32(), "bool": pa.bool_(), "list": pa.list_(pa.string())}
    return [field(name, kinds.get(shape, pa.string()))]


@cache
def schema(partition: str) -> pa.Schema:
    """Columns of one partition's Parquet files (without `kind`, which is the partition's name).

    Each field's metadata holds its dictionary text under `doc`. A list is kept as a list of texts.
    """
    fields = _common()
    if partition in (REFUSED, ERASED):
        fields = [f.with_nullable(True) if f.name.endswith(("_hi", "_lo")) else f for f in fields]
        return pa.schema(fields + (_refused() if partition == REFUSED else []))
    docs = field_docs(DATA[partition])
    for name, shape in shapes(DATA[partition]).items():
        fields += _columns(name, shape, docs[name])
    return pa.schema(fields)


@cache
def table_schema() -> pa.Schema:
    """Columns of the whole table: the union over the partitions, in which a name has one type."""
    union = pa.unify_schemas([schema(partition) for partition in PARTITIONS])
    return pa.schema([pa.field("kind", pa.string(), nullable=False), *(f.with_nullable(True) for f in union)])
