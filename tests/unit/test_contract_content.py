"""What makes two statements the same: everything they say, and nothing of how or when they were written."""

from decimal import Decimal
from random import Random

import pytest
from msgspec import json

from contracts.content import canonical, content_id
from contracts.events import KINDS, Event
from contracts.judge import is_refusal, judge
from tests.arbitrary_events import SITE, arbitrary_events
from tests.sample_events import event as sample


def accepted(raw: bytes) -> Event:
    judged = judge(raw, SITE)
    assert not is_refusal(judged), judged
    return judged


GOOD = accepted(sample())


def same(raw: bytes) -> bool:
    return content_id(accepted(raw)) == content_id(GOOD)


def test_the_id_that_a_push_gives_is_part_of_the_contract() -> None:
    assert content_id(GOOD) == "fa9ef0f39c91ea198f04e924efb53aae"


@pytest.mark.parametrize("number", ["118.5", "118.50", "1.185e2", "118.500000000000", '"118.5"', '"1185e-1"'])
def test_numbers_are_the_same_however_they_are_written(number: str) -> None:
    assert same(sample().replace(b"118.5", number.encode()))


def test_nothing_is_lost_of_the_longest_number() -> None:
    longest = [sample(data={"value": f"1234567890123456.12345678901{digit}"}) for digit in "23"]
    first, second = (canonical(accepted(raw)) for raw in longest)
    assert b"1234567890123456.123456789012" in first
    assert first != second


@pytest.mark.parametrize("zero", ["0", "0.0", "-0", "0e5"])
def test_zero_has_one_form(zero: str) -> None:
    assert canonical(accepted(sample(data={"value": zero}))) == canonical(accepted(sample(data={"value": 0})))


def test_the_order_of_keys_says_nothing() -> None:
    event = json.decode(sample())
    event["data"] = dict(reversed(event["data"].items()))
    assert same(json.encode(dict(reversed(event.items()))))


def test_id_and_time_and_attributes_that_are_not_read_say_nothing() -> None:
    assert same(sample(id="another", time="2030-01-01T00:00:00Z", traceparent="00-ab-cd-01"))


@pytest.mark.parametrize("absent", [{"comparator": None}, {"status": "final"}])
def test_an_absent_field_says_what_null_and_the_default_say(absent: dict) -> None:
    assert same(sample(data=absent))


def test_a_record_defaults_to_the_id() -> None:
    without = sample("growth", id="7")
    assert content_id(accepted(without)) == content_id(accepted(sample("growth", id="7", record="7")))
    assert content_id(accepted(without)) != content_id(accepted(sample("growth", id="7", record="8")))


@pytest.mark.parametrize(
    "other",
    [
        sample(subject="BLR-0043"),
        sample(record="LIS-2"),
        sample(data={"value": 118.6}),
        sample(data={"unit": "ng/L"}),
        sample(data={"comparator": "<"}),
        sample(data={"collected": "2026-03-14"}),
    ],
)
def test_whatever_is_said_otherwise_is_another_statement(other: bytes) -> None:
    assert not same(other)


@pytest.mark.parametrize("kind", KINDS)
def test_the_content_of_an_event_is_that_of_its_own_json(kind: str) -> None:
    for event in arbitrary_events(kind, Random(3), 20):  # noqa: S311
        again = accepted(json.encode(event))
        assert canonical(again) == canonical(event)


def test_content_is_json_with_sorted_keys() -> None:
    content = json.decode(canonical(GOOD))
    assert list(content) == sorted(content) == ["data", "record", "source", "subject", "type"]
    assert list(content["data"]) == sorted(content["data"])
    assert Decimal(content["data"]["value"]) == Decimal("118.5")
