"""One Parquet file of the table: written for good, and the action by which a commit names it.

Which rows are in it belongs to who writes it; how it gets onto the disk, to lake/storage.py.
"""

import json
import time
import uuid

import pyarrow as pa
import pyarrow.compute as pc
from deltalake.transaction import AddAction

from lake.storage import Storage


def add(storage: Storage, partition: str, table: pa.Table) -> AddAction:
    """Write the rows as a new file of this partition of the lake."""
    path = f"kind={partition}/{uuid.uuid4()}.parquet"
    size = storage.put(path, table)
    return AddAction(path, size, {"kind": partition}, int(time.time() * 1000), True, json.dumps(_statistics(table)))


def _statistics(table: pa.Table) -> dict[str, object]:
    ends = {name: pc.min_max(table[name]).as_py() for name in ("topic_uuid", "partition", "offset")}
    return {
        "numRecords": table.num_rows,
        "minValues": {name: end["min"] for name, end in ends.items()},
        "maxValues": {name: end["max"] for name, end in ends.items()},
        "nullCount": dict.fromkeys(ends, 0),
    }
