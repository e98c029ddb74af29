"""The private parts of aiokafka that a fetch leans on: a release that changes them fails here first."""

import numpy as np
import pytest
from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import TopicPartition
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.records import RawPartitionRecords, RawRecords, Undecoded, use_raw_records

b12_scanner = pytest.importorskip("b12_scanner", reason="the scanner was not built: there is no Rust compiler here")
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
    """The records as the consumer hands them over."""
    records = RawRecords(b"".join(map(bytes, batches)))
    return Undecoded(
        list(RawPartitionRecords(ONE, records, aborted, offset, None, None, checked, fetcher.READ_COMMITTED))
    )


@pytest.fixture
def untouched():
    """aiokafka as it was."""
    before = fetcher.PartitionRecords, fetcher.MemoryRecords
    yield before[0]
    fetcher.PartitionRecords, fetcher.MemoryRecords = before


def test_the_fetcher_unpacks_with_the_classes_that_we_replace(untouched):
    assert {"PartitionRecords", "MemoryRecords"} <= set(fetcher.Fetcher._proc_fetch_request.__code__.co_names)
    assert "_consumer_record" in untouched._unpack_records.__code__.co_names
    use_raw_records()
    assert (fetcher.PartitionRecords, fetcher.MemoryRecords) == (RawPartitionRecords, RawRecords)


def test_an_answer_is_cut_at_its_batches_as_aiokafka_cuts_it():
    whole = b"".join(map(bytes, [batch(0, [b"a", b"b"], codec=1), batch(2, [b"c"]), marker(3, 1, COMMIT)]))
    for length in range(len(whole) + 1):
        ours, theirs, offsets = RawRecords(whole[:length]), MemoryRecords(whole[:length]), ([], [])
        assert (ours.size_in_bytes(), ours.has_next()) == (theirs.size_in_bytes(), theirs.has_next())
        for records, found in zip((ours, theirs), offsets, strict=True):
            while records.has_next():
                found.append(records.next_batch().next_offset)
        assert offsets[0] == offsets[1]


def test_a_batch_that_is_too_short_to_be_one_is_refused():
    with pytest.raises(CorruptRecordException):
        RawRecords(bytes(8) + (20).to_bytes(4, "big") + bytes(20)).has_next()


@pytest.mark.parametrize("codec", CODECS)
def test_the_scanner_reads_what_aiokafka_reads(codec):
    values = [b"{}", None, b"", bytes(range(256)) * 40]
    raw = batch(7, values, codec=CODECS[codec], headers=HEADERS), batch(11, values, codec=CODECS[codec])
    records = unpacked(*raw, offset=8)
    assert (records.size, len(records)) == (8, 7)
    scanner = b12_scanner.Scanner(b"k" * 64, 65_536, 0, 1 << 62, 0)
    rows, offsets, stamps, left = scanner.read_batches([raw.payload() for raw in records.batches])
    assert rows == []
    assert left == [(found.offset, found.timestamp, found.value, found.headers) for found in records]
    bare = [found for found in records if found.value is not None and not found.headers]
    assert [*np.frombuffer(offsets, np.int64)] == [found.offset for found in bare] == [11, 13, 14]
    assert [*np.frombuffer(stamps, np.int64)] == [found.timestamp for found in bare]


def test_the_scanner_takes_the_time_of_a_batch_where_the_broker_stamped_it():
    stamped = batch(0, [b"a", b"b"])
    stamped[22] |= 0x08
    records = unpacked(stamped)
    scanner = b12_scanner.Scanner(b"k" * 64, 65_536, 0, 1 << 62, 0)
    _, _, stamps, _ = scanner.read_batches([raw.payload() for raw in records.batches])
    assert [*np.frombuffer(stamps, np.int64)] == [found.timestamp for found in records] == [1_795_000_000_001] * 2


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_bytes_whatsoever_lead_the_scanner_astray(data):
    """Records that no broker writes: it refuses them, or finds as many as were announced, and goes on living."""
    good = unpacked(batch(5, [b"a", None, b"ccc"], headers=HEADERS)).batches[0].payload().records
    start = data.draw(st.integers(0, len(good)))
    end = data.draw(st.integers(start, len(good)))
    torn = good[:start] + data.draw(st.binary(max_size=12)) + good[end:]
    scanner = b12_scanner.Scanner(b"k" * 64, 65_536, 0, 1 << 62, 0)
    count = data.draw(st.integers(0, 4))
    try:
        *_, left = scanner.read_batches([(torn, 5, 0, True, count, -(1 << 63))])
    except ValueError:
        return
    assert len(left) == count


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
