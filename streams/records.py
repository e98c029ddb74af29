"""Kafka's batches of records as they were fetched: decoded where they are judged, and by whom that wants to.

To unpack each record on the thread that fetches costs 3 us an event there, and the next fetch waits for it. Checksums,
control batches and aborted transactions stay aiokafka's business; what becomes of a record, streams/sources.py's.

Built on private parts of aiokafka 0.14, which tests/unit/test_records.py pins.
"""

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from struct import Struct
from typing import Any, NamedTuple, Protocol, overload

from aiokafka import codec
from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatch

_LENGTH = Struct(">8xi")
"""How many bytes of a batch follow."""
_HEADER = Struct(">qiib4xhiqqqhii")
"""Offset, length, leader's epoch, magic, checksum, attributes, last offset's distance, first and last timestamp,
producer, its epoch, its sequence, count of records."""
_CODEC, _APPEND_TIME = 0x07, 0x08
_DECODERS: Mapping[int, Callable[[bytes], bytes]] = {
    0: lambda payload: payload,
    1: lambda payload: zlib.decompress(payload, wbits=31),
    2: codec.snappy_decode,
    3: codec.lz4_decode,
    4: codec.zstd_decode,
}


class Record(Protocol):
    """What is read of one record."""

    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int:
        """Milliseconds since 1970: with LogAppendTime, when the broker appended it."""

    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> list[tuple[str, bytes | None]]: ...


class Payload(NamedTuple):
    """The records of a batch, decompressed, and what the batch says of them."""

    records: bytes
    base_offset: int
    timestamp: int
    """Milliseconds since 1970 of the first record; of each of them, where `is_append_time`."""
    is_append_time: bool
    size: int
    """How many records."""
    start: int
    """The first offset that is wanted."""


class RawBatch(NamedTuple):
    """One batch as it lies in Kafka's log. Its checksum is right, and no transaction took it back."""

    raw: bytes
    offset: int
    """Of its last record."""
    start: int = 0
    """The first offset that is wanted: a fetch may begin in the middle of a batch."""

    @property
    def size(self) -> int:
        """How many records it has."""
        return int(_HEADER.unpack_from(self.raw)[-1])

    def payload(self) -> Payload:
        """Decompress it."""
        base, _, _, _, attributes, _, first, last, _, _, _, count = _HEADER.unpack_from(self.raw)
        is_append_time = bool(attributes & _APPEND_TIME)
        records = _DECODERS[attributes & _CODEC](self.raw[_HEADER.size :])
        return Payload(records, base, last if is_append_time else first, is_append_time, count, self.start)


class Undecoded(Sequence[Record]):
    """Consecutive records, decoded by aiokafka when the first of them is asked for."""

    def __init__(self, batches: Sequence[RawBatch]) -> None:
        self.batches = batches
        self._records: list[Record] | None = None

    @property
    def size(self) -> int:
        """How many records the batches have, also those that are not wanted; nothing is decoded for it."""
        return sum(batch.size for batch in self.batches)

    def _decoded(self) -> list[Record]:
        if self._records is None:
            self._records = [
                record
                for batch in self.batches
                for record in DefaultRecordBatch(batch.raw)
                if record.offset >= batch.start
            ]
        return self._records

    def __len__(self) -> int:
        return len(self._decoded())

    def __iter__(self) -> Iterator[Record]:
        return iter(self._decoded())

    @overload
    def __getitem__(self, place: int) -> Record: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Record]: ...
    def __getitem__(self, place: int | slice) -> Record | Sequence[Record]:
        return self._decoded()[place]


class RawRecords:
    """What the broker answered for one partition, in place of aiokafka's MemoryRecords."""

    def __init__(self, answer: bytes) -> None:
        self._answer, self._at = answer, 0

    def size_in_bytes(self) -> int:
        return len(self._answer)

    def _end(self) -> int:
        """Where the next batch ends; behind the answer's end when not all of it is there."""
        if self._at + _LENGTH.size > len(self._answer):
            return len(self._answer) + 1
        (length,) = _LENGTH.unpack_from(self._answer, self._at)
        if length < _HEADER.size - _LENGTH.size:
            raise CorruptRecordException("a batch of records that is too short, or older than Kafka 0.11 writes them")
        return self._at + _LENGTH.size + int(length)

    def has_next(self) -> bool:
        return self._end() <= len(self._answer)

    def next_batch(self) -> "_Batch":
        start, self._at = self._at, self._end()
        return _Batch(self._answer[start : self._at])


class _Batch:
    """One of aiokafka's batches whose only record is the batch itself."""

    def __init__(self, raw: bytes) -> None:
        self._raw, self._batch = raw, DefaultRecordBatch(raw)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __iter__(self) -> Iterator[RawBatch]:
        yield RawBatch(self._raw, self._batch.next_offset - 1)

    def __next__(self) -> Any:
        """A control batch's marker."""
        return next(self._batch)


class RawPartitionRecords(fetcher.PartitionRecords):
    """Hands over batches in place of records."""

    def __iter__(self) -> Iterator[RawBatch]:
        batches: Iterator[RawBatch] = self._records_iterator  # without a call of ours for each
        return batches

    def _consumer_record(self, _partition: Any, batch: RawBatch) -> RawBatch:
        return batch._replace(start=self.next_fetch_offset)


def use_raw_records() -> None:
    """From now on, every consumer of this process hands over batches."""
    fetcher.MemoryRecords = RawRecords
    fetcher.PartitionRecords = RawPartitionRecords
