"""A lab's check and the registry ask the same row rules: in Python of an event, in SQL of the lake's columns."""

from random import Random

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.events import KINDS, Event
from contracts.pseudonyms import site_key
from contracts.rows import evaluate
from contracts.when import When, parse_when
from lake.rows import Batch, tables
from registry.row_rules import findings_sql
from tests.arbitrary_events import SITE, arbitrary_events

BIRTHS = [
    None,
    *(parse_when(text, SITE.zone) for text in ("2025-02", "2025-01-31", "2025-02-14", "2024-12", "2023-06")),
]


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=3, deadline=None)
@given(seed=st.integers(0, 2**64))
def test_both_find_the_same_in_any_event(kind: str, seed: int) -> None:
    random = Random(seed)  # noqa: S311
    events = arbitrary_events(kind, random, 200)
    births = [random.choice(BIRTHS) for _ in events]
    assert in_sql(kind, events, births) == in_python(events, births)


def test_a_kind_without_rules_has_no_findings() -> None:
    assert in_sql("retraction", arbitrary_events("retraction", Random(1), 5), [None] * 5) == []  # noqa: S311


def test_findings_of_all_kinds_can_be_put_under_one_another() -> None:
    shapes = set()
    with duckdb.connect() as connection:
        for kind in KINDS:
            connection.register("reported", reported(kind, arbitrary_events(kind, Random(1), 3), [None] * 3))  # noqa: S311
            described = connection.execute(f"DESCRIBE {findings_sql(kind, 'reported')}").fetchall()
            shapes.add(tuple((name, column_type) for name, column_type, *_ in described))
            connection.unregister("reported")
    (columns,) = shapes
    assert [name for name, _ in columns] == [
        *("site", "topic_uuid", "partition", "offset"),
        *("rule", "field", "category", "severity", "effect", "reason"),
    ]


def in_python(events: list[Event], births: list[When | None]) -> list[tuple]:
    return sorted(
        (offset, found.rule, found.field, found.category, found.severity, found.effect, found.reason or "")
        for offset, (event, birth) in enumerate(zip(events, births, strict=True))
        for found in evaluate(event, SITE, birth)
    )


def in_sql(kind: str, events: list[Event], births: list[When | None]) -> list[tuple]:
    with duckdb.connect() as connection:
        connection.register("reported", reported(kind, events, births))
        rows = connection.execute(findings_sql(kind, "reported", keys=['"offset"'])).fetchall()
    return sorted((*row[:-1], row[-1] or "") for row in rows)


def reported(kind: str, events: list[Event], births: list[When | None]) -> pa.Table:
    count = len(events)
    batch = Batch(SITE, site_key(b"secret", SITE.id), "topic", 0, list(range(count)), [0] * count, [1] * count, events)
    table = tables(batch)[kind]
    if kind == "enrolment":
        return table
    return table.append_column(
        "birth_date", pa.array([birth and birth.date for birth in births], pa.date32())
    ).append_column("birth_precision", pa.array([birth and birth.precision for birth in births], pa.string()))
