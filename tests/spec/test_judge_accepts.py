"""The door accepts one well-formed event of every kind: the examples that the reference pages show."""

from importlib.resources import files
from typing import get_args

import pytest

from contracts.events import DATA, ENVELOPES, KINDS
from contracts.judge import judge
from contracts.kinds.base import Kind
from contracts.shapes import shapes
from contracts.site import Site

SITE = Site(id="BLR01", name="A laboratory", country="IN", time_zone="Asia/Kolkata")


def example(kind: str) -> bytes:
    return files("contracts").joinpath("examples", f"{kind}.json").read_bytes()


@pytest.mark.parametrize("kind", KINDS)
def test_the_example_of_a_kind_is_accepted(kind: str) -> None:
    event = judge(example(kind), SITE)
    assert type(event) is ENVELOPES[f"b12.{kind}.v1"]


def test_an_answer_may_be_about_any_kind() -> None:
    assert get_args(Kind) == KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_the_example_shows_every_field_that_can_stand_beside_the_others(kind: str) -> None:
    event = judge(example(kind), SITE)
    empty = {name for name in shapes(DATA[kind]) if getattr(event.data, name) in (None, ())}
    assert empty <= {"comparator", "category", "local_name", "end", "resolved", "until"}
