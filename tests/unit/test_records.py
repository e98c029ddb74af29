"""The private parts of aiokafka that a fetch leans on: a release that changes them fails here first."""

import pytest
from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import TopicPartition

from streams.records import PlainRecords, use_plain_records

ONE = TopicPartition("b12.site.BLR01.events", 0)
HEADERS = [("ce_id", b"1"), ("none", None)]
CODECS = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
ABORT, COMMIT = 0, 1


def batch(base, values, *, codec=0, producer=-1, transactional=False, headers=()):
    """One batch of records as it lies in Kafka's log."""
    builder = DefaultRecordBatchBuilder(2, codec, transactional, producer, 0, 0, 1 << 20)
    for place, value in enumerate(values):
        assert builder.append(place, 1_795_000_000_000 + place, b"key", value, list(headers))
    built = builder.build()
    built[:8] = base.to_bytes(8, "big")
    return built


def marker(base, producer, kind):
    """The control batch that ends a transaction."""
    builder = DefaultRecordBatchBuilder(2, 0, True, producer, 0, -1, 1 << 20)
    builder.append(0, 1_795_000_000_000, b"\0\0" + kind.to_bytes(2, "big"), b"\0" * 6, [])
    built = builder.build()
    built[:8] = base.to_bytes(8, "big")
    built[22] |= 0x20  # the attribute of a control batch
    return built


def unpacked(*batches, aborted=(), offset=0, checked=False):
    records = MemoryRecords(b"".join(map(bytes, batches)))
    return list(PlainRecords(ONE, records, aborted, offset, None, None, checked, fetcher.READ_COMMITTED))


@pytest.fixture
def untouched():
    """aiokafka as it was."""
    before = fetcher.PartitionRecords
    yield before
    fetcher.PartitionRecords = before


def test_the_fetcher_unpacks_with_the_class_that_we_replace(untouched):
    assert "PartitionRecords" in fetcher.Fetcher._proc_fetch_request.__code__.co_names
    assert "_consumer_record" in untouched._unpack_records.__code__.co_names
    use_plain_records()
    assert fetcher.PartitionRecords is PlainRecords


@pytest.mark.parametrize("codec", CODECS)
def test_a_record_of_any_codec_is_aiokafkas_own_with_its_offset_time_value_and_headers(codec):
    first, second = unpacked(batch(7, [b"{}", None], codec=CODECS[codec], headers=HEADERS), checked=True, offset=7)
    assert not isinstance(first, fetcher.ConsumerRecord)
    assert (first.offset, first.timestamp, first.value, list(first.headers)) == (7, 1_795_000_000_000, b"{}", HEADERS)
    assert (second.offset, second.timestamp, second.value) == (8, 1_795_000_000_001, None)


def test_records_below_the_wanted_offset_are_left_out():
    assert [record.offset for record in unpacked(batch(0, [b"a", b"b", b"c"], codec=1), offset=2)] == [2]


def test_a_batch_whose_checksum_is_wrong_is_not_read():
    torn = batch(0, [b"abc"])
    torn[-3] ^= 1
    with pytest.raises(CorruptRecordException):
        unpacked(torn, checked=True)


def test_what_a_transaction_took_back_is_left_out():
    batches = [
        batch(0, [b"aborted"], producer=1, transactional=True),
        batch(1, [b"kept"], producer=2, transactional=True),
        marker(2, 1, ABORT),
        marker(3, 2, COMMIT),
        batch(4, [b"later"], producer=1, transactional=True),
    ]
    assert [record.value for record in unpacked(*batches, aborted=[(1, 0)])] == [b"kept", b"later"]
