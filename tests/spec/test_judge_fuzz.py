"""Whatever arrives, the judge answers: an event, or a refusal by a named rule that repeats nothing.

What it accepts the row rules can ask and the lake can keep.
"""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import json

from contracts.content import content_id
from contracts.events import DATA, ENVELOPES, KINDS, Event
from contracts.judge import Refusal, is_refusal, judge, rules
from contracts.rows import evaluate
from contracts.shapes import shapes
from contracts.site import Site
from lake.rows import Batch, tables
from tests.sample_events import event as sample

SITE = Site(id="BLR01", name="A laboratory", country="IN", time_zone="Asia/Kolkata")
CANARY = "Canary7713"

FIELDS = sorted({name for struct in DATA.values() for name in shapes(struct)})
ATTRIBUTES = ["specversion", "id", "source", "type", "time", "subject", "record", "data", "traceparent"]
PIECES = [
    b'"',
    b"\\",
    b"\\u0000",
    b"\\ud800",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\xff",
    b"\0",
    b"1e999",
    b"null",
    b" ",
]

values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(max_size=8),
        st.sampled_from(
            [CANARY, f"{CANARY} - at `$.data.value`", f"`{CANARY}`", "2026-02-30", "1e5", "-0", "HP:0000001"]
        ),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)),
    max_leaves=4,
)


def answered(raw: bytes) -> Event | Refusal:
    """What the judge said, which must be an event of the contract or a refusal by a rule that can be told."""
    judged = judge(raw, SITE)
    if not is_refusal(judged):
        assert type(judged) in ENVELOPES.values()
        assert len(content_id(judged)) == 32
        evaluate(judged, SITE)
        (table,) = tables(Batch(SITE, bytes(64), "topic", 0, [0], [0], [len(raw)], [judged])).values()
        table.validate(full=True)
        return judged
    assert judged.rule in rules()
    assert judged.rule != "judge_failed"
    assert CANARY not in repr((judged.rule, judged.path, judged.kind, judged.fix))
    assert judged.kind is None or judged.kind in KINDS
    place = judged.path.removeprefix("$").removeprefix(".data").strip(".").split("[")[0]
    assert place in ("", "type", *ATTRIBUTES, *FIELDS)
    return judged


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes(raw: bytes) -> None:
    assert is_refusal(answered(raw))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_an_event_with_bytes_exchanged(draw: st.DataObject) -> None:
    raw = sample(draw.draw(st.sampled_from(KINDS)))
    for _ in range(draw.draw(st.integers(1, 3))):
        start = draw.draw(st.integers(0, len(raw)))
        end = draw.draw(st.integers(start, min(len(raw), start + 12)))
        raw = raw[:start] + draw.draw(st.sampled_from(PIECES)) + raw[end:]
    answered(raw)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_an_event_with_other_values_in_its_fields(draw: st.DataObject) -> None:
    kind = draw.draw(st.sampled_from(KINDS))
    event: dict[str, Any] = json.decode(sample(kind))
    changes = draw.draw(st.dictionaries(st.sampled_from([*shapes(DATA[kind]), CANARY]), values, min_size=1, max_size=3))
    if draw.draw(st.booleans()):
        event["data"] |= changes
    else:
        event |= draw.draw(st.dictionaries(st.sampled_from(ATTRIBUTES), values, min_size=1, max_size=3))
    answered(json.encode(event))


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(KINDS), values)
def test_a_value_alone_in_place_of_data(kind: str, value: Any) -> None:
    assert is_refusal(answered(sample(kind).split(b'"data":')[0] + b'"data":' + json.encode(value) + b"}"))
