"""The JSON Schema of a kind says the same as the judge, as far as a schema can."""

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from msgspec import json

from contracts.events import DATA, KINDS
from contracts.json_schemas import schema
from contracts.judge import is_refusal, judge
from contracts.shapes import field_docs
from tests.arbitrary_events import SITE, arbitrary_json
from tests.sample_events import event as sample
from tests.spec.test_judge_refuses import REFUSED

VALIDATORS = {kind: Draft202012Validator(schema(kind)) for kind in KINDS}
BEYOND_A_SCHEMA = {"wrong_site", "no_such_date", "too_many_digits", "time_unlikely", "loinc_check_digit"}
"""What only the judge can tell, of an event that decodes: the topic's site, a calendar, the lake's digits, a clock."""


@pytest.mark.parametrize("kind", KINDS)
def test_a_schema_is_one(kind: str) -> None:
    Draft202012Validator.check_schema(schema(kind))


@pytest.mark.parametrize("kind", KINDS)
def test_the_example_of_a_kind_fits(kind: str) -> None:
    VALIDATORS[kind].validate(json.decode(sample(kind)))


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=3, deadline=None)
@given(seed=st.integers(0, 2**64))
def test_schema_and_judge_agree_on_any_event_that_fits_its_struct(kind: str, seed: int) -> None:
    random = Random(seed)  # noqa: S311
    for _ in range(15):
        event = arbitrary_json(kind, random)
        raw = json.encode(event)
        assert VALIDATORS[kind].is_valid(json.decode(raw)) == (not is_refusal(judge(raw, SITE))), raw


UNREADABLE = {"not_json", "not_utf8", "nested_too_deep", "too_large", "duplicate_key", "not_an_object"}
REFUSABLE = [
    (rule, path, json.decode(raw))
    for rule, examples in REFUSED.items()
    for path, raw in examples
    if raw
    and rule not in UNREADABLE | BEYOND_A_SCHEMA
    and path != "$.time"  # a format is only an annotation in draft 2020-12
    and b"BLR-0042\\n" not in raw  # $ of the validator's Python lets a line feed pass, that of ECMA 262 does not
]


@pytest.mark.parametrize(("rule", "path", "event"), REFUSABLE, ids=[f"{rule} at {path}" for rule, path, _ in REFUSABLE])
def test_what_the_judge_refuses_does_not_fit(rule: str, path: str, event: dict[str, Any]) -> None:
    kind = next((kind for kind in KINDS if event.get("type") == f"b12.{kind}.v1"), "lab_result")
    assert not VALIDATORS[kind].is_valid(event)


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_has_its_text_from_the_docstring_and_no_other_field_is_let_in(kind: str) -> None:
    data = schema(kind)["properties"]["data"]
    assert {name: its["description"] for name, its in data["properties"].items()} == field_docs(DATA[kind])
    assert data["additionalProperties"] is False
