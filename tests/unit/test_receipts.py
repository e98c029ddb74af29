"""Receipts: every delivery is spoken of, in pieces that a broker takes, and always in the same words."""

import json
from array import array

from contracts.judge import rules
from contracts.platform_event import MOST_BYTES
from contracts.site import Site
from lake.judgements import Judgements, Refused
from streams.receipts import Range, receipts

SITE = Site(id="BLR01", name="A laboratory", country="IN", time_zone="Asia/Kolkata", synthetic=True)


def refused(offset, rule="not_json"):
    return Refused(offset, rule, "$", "lab_result", "0" * 32, "f" * 32)


def of(start, end):
    return Range(SITE, "6f1e4a5c-0000-4000-8000-000000000001", 1, start, end)


def test_a_receipt_is_a_cloudevent_that_names_its_range():
    (value,) = receipts(of(10, 14), Judgements(array("q", [10, 11, 13]), [refused(12)]))
    receipt = json.loads(value)
    assert (receipt["specversion"], receipt["type"], receipt["source"]) == (
        "1.0",
        "b12.receipt.v1",
        "/platform/intake",
    )
    data = receipt["data"]
    assert (data["site"], data["partition"], data["from_offset"], data["to_offset"]) == ("BLR01", 1, 10, 14)
    assert data["accepted"] == 3
    assert data["refused"] == [
        {
            "offset": 12,
            "rule": "not_json",
            "path": "$",
            "fix": rules()["not_json"].fix,
            "kind": "lab_result",
            "id_key": "0" * 32,
            "subject_key": "f" * 32,
        }
    ]


def test_the_same_range_gives_the_same_bytes_and_another_range_another_id():
    judgements = Judgements(array("q", [10, 11]), [refused(12)])
    assert list(receipts(of(10, 13), judgements)) == list(receipts(of(10, 13), judgements))
    ids = {json.loads(value)["id"] for end in (13, 14) for value in receipts(of(10, end), judgements)}
    assert len(ids) == 2


def test_many_refusals_are_split_into_ranges_that_follow_each_other():
    judgements = Judgements(array("q", range(1, 10_000, 2)), [refused(offset) for offset in range(0, 10_000, 2)])
    values = list(receipts(of(0, 10_000), judgements))
    assert len(values) > 1
    assert all(len(value) <= MOST_BYTES + 1000 for value in values)
    found = [json.loads(value)["data"] for value in values]
    assert found[0]["from_offset"] == 0
    assert found[-1]["to_offset"] == 10_000
    assert [data["to_offset"] for data in found[:-1]] == [data["from_offset"] for data in found[1:]]
    assert sum(data["accepted"] for data in found) == 5_000
    assert [entry["offset"] for data in found for entry in data["refused"]] == list(range(0, 10_000, 2))
    for data in found:
        assert data["accepted"] + len(data["refused"]) == data["to_offset"] - data["from_offset"]


def test_a_rule_that_is_gone_still_has_an_answer():
    (value,) = receipts(of(0, 1), Judgements(array("q"), [refused(0, "rule_of_long_ago")]))
    assert "operators" in json.loads(value)["data"]["refused"][0]["fix"]
