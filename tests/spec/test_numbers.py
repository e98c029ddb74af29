"""A number may stand in quotation marks, and then it is what it would be without them: nothing else is a number.

The lake keeps the digits that were reported, so that nobody's floating point comes between.
"""

from decimal import Decimal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from contracts.content import content_id
from contracts.judge import is_refusal, judge
from lake.rows import Batch, tables
from tests.arbitrary_events import SITE
from tests.sample_events import event

BARE = event("lab_result", data={"value": 7713})

SPELLINGS = st.text("0123456789.-+eE_\u0663NaInfity", max_size=8) | st.from_regex(
    r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,14})?([eE][+-]?[0-9]{1,3})?", fullmatch=True
)


def value(text: str) -> bytes:
    return BARE.replace(b"7713", text.encode())


@settings(max_examples=300, deadline=None)
@given(SPELLINGS)
@example("1_000")
@example("1e3")
@example("+5")
@example("\u0663")
@example("NaN")
@example("-0")
@example("1e99999999999999999999")
def test_a_text_is_a_number_exactly_when_it_is_one_without_quotation_marks(text: str) -> None:
    bare, quoted = judge(value(text), SITE), judge(value(f'"{text}"'), SITE)
    assert is_refusal(bare) == is_refusal(quoted)
    if not is_refusal(bare) and not is_refusal(quoted):
        assert bare == quoted
        assert content_id(bare) == content_id(quoted)


@pytest.mark.parametrize("text", [" 5", "5 ", "5\\n", "\\t5"])
def test_spaces_in_the_quotation_marks_are_none_of_the_number(text: str) -> None:
    judged = judge(value(f'"{text}"'), SITE)
    assert is_refusal(judged)
    assert (judged.rule, judged.path) == ("number_spelling", "$.data.value")


@pytest.mark.parametrize(
    ("reported", "kept"),
    [
        ("118.50", "118.50"),
        ("1e15", "1000000000000000"),
        ("1.0E2", "100"),
        ("0.0000009", "0.0000009"),
        ("9e-7", "0.0000009"),
        ("5", "5"),
        ("-2.50", "-2.50"),
    ],
)
def test_the_lake_keeps_plain_digits_with_the_decimals_that_were_reported(reported: str, kept: str) -> None:
    for text in (reported, f'"{reported}"'):
        judged = judge(value(text), SITE)
        (table,) = tables(Batch(SITE, bytes(64), "topic", 0, [0], [0], [0], [judged])).values()
        (row,) = table.select(["value", "value_text"]).to_pylist()
        assert row == {"value": Decimal(reported).quantize(Decimal("1e-12")), "value_text": kept}
