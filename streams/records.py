"""The records of a fetch as aiokafka decodes them, without the ConsumerRecord that it would build for each.

That object costs 2 us an event, and half of what it holds nobody reads. Checksums, codecs and aborted transactions
stay aiokafka's business; what becomes of a record, streams/sources.py's.

Built on private parts of aiokafka 0.14, which tests/unit/test_records.py pins.
"""

from collections.abc import Iterator
from typing import Any, Protocol

from aiokafka.consumer import fetcher


class Record(Protocol):
    """What is read of one record."""

    offset: int
    timestamp: int
    """Milliseconds since 1970: with LogAppendTime, when the broker appended it."""
    timestamp_type: int
    value: bytes | None
    headers: list[tuple[str, bytes | None]]


class PlainRecords(fetcher.PartitionRecords):
    """Hands over aiokafka's own decoded records."""

    def __iter__(self) -> Iterator[Record]:
        records: Iterator[Record] = self._records_iterator  # without a call of ours for each
        return records

    def _consumer_record(self, _partition: Any, record: Record) -> Record:
        return record


def use_plain_records() -> None:
    """From now on, every consumer of this process hands over plain records."""
    fetcher.PartitionRecords = PlainRecords
