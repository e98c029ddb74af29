"""Records of a partition are found by their place, read forwards."""

from types import SimpleNamespace

import pytest
from kafka import TopicPartition

from contracts.errors import EnvironmentProblem
from streams.originals import NEAR, _Stretch


class Consumer:
    """A partition with holes, in polls of three."""

    def __init__(self, offsets, first=0, end=None):
        self.records = [SimpleNamespace(offset=offset) for offset in offsets]
        self.first, self.end = first, offsets[-1] + 1 if end is None else end
        self.seeks = []

    def assign(self, _):
        """There is one partition alone."""

    def beginning_offsets(self, partitions):
        return dict.fromkeys(partitions, self.first)

    def end_offsets(self, partitions):
        return dict.fromkeys(partitions, self.end)

    def seek(self, _, offset):
        self.seeks.append(offset)
        self.at = offset

    def position(self, _):
        return self.at

    def poll(self, _):
        found = [record for record in self.records if record.offset >= self.at][:3]
        self.at = found[-1].offset + 1 if found else self.end  # what is left are marks of transactions
        return {"tp": found} if found else {}


def test_records_are_found_by_their_place_and_nothing_is_read_twice():
    consumer = Consumer([*range(5, 11), *range(NEAR * 3, NEAR * 3 + 5)], first=5, end=NEAR * 3 + 9)
    stretch = _Stretch(consumer, "tp")
    wanted = [2, 5, 6, 9, NEAR * 3 + 3, NEAR * 3 + 7, NEAR * 3 + 20]
    found = [stretch.record(offset) for offset in wanted]
    assert [record and record.offset for record in found] == [None, 5, 6, 9, NEAR * 3 + 3, None, None]
    assert consumer.seeks == [5, NEAR * 3 + 3]


def test_everything_behind_an_offset_is_read_up_to_what_is_there_now():
    consumer = Consumer(range(5, 12), first=5, end=14)
    assert [record.offset for record in _Stretch(consumer, "tp").after(7)] == [7, 8, 9, 10, 11]
    assert [record.offset for record in _Stretch(Consumer(range(5, 12), first=5), "tp").after(0)] == list(range(5, 12))
    assert list(_Stretch(Consumer([], first=5, end=5), "tp").after(0)) == []


def test_a_kafka_that_falls_silent_is_told():
    consumer = Consumer([5], end=9)
    consumer.poll = lambda _: {}
    with pytest.raises(EnvironmentProblem, match="nothing more"):
        _Stretch(consumer, TopicPartition("t", 0)).record(5)
