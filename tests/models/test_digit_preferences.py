"""Last digits of a site's measurements: rounding is a question, put once, answered for all, closed by better ones."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

import duckdb
import pytest

from contracts.history_rules import history_rules
from registry import definitions
from registry.models import load_models
from tests.models.built import rows

FIRST = date(2026, 1, 1)
RULE = "length_digit_preference"
EVEN = [Decimal(600 + tenth) / 10 for tenth in range(100)]
HALVES = [Decimal(2 * each).to_integral_value() / 2 for each in EVEN]
_GROWTH = (
    "delivery INT, site VARCHAR, subject_key VARCHAR, record_key VARCHAR, id_key VARCHAR, measured_date DATE,"
    " length_cm DECIMAL(28,12), head_circumference_cm DECIMAL(28,12), weight_g DECIMAL(28,12)"
)
_CONFIRMATION = (
    "site VARCHAR, target_kind VARCHAR, target_record_key VARCHAR, rule VARCHAR, event_time TIMESTAMP, until_date DATE"
)


@cache
def _defined() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    definitions.load(connection, commented=False)
    connection.execute("CREATE SCHEMA staging")
    return connection


def staged(
    values: Sequence[Decimal | None], field: str = "length_cm", answers: Sequence[tuple[Any, ...]] = (), days: int = 0
) -> duckdb.DuckDBPyConnection:
    """The models over one site's measurements, a day each, as of some days behind the last."""
    connection = _defined()
    connection.execute(f"CREATE OR REPLACE TABLE staging.current_growth ({_GROWTH})")
    connection.execute(f"CREATE OR REPLACE TABLE staging.current_confirmation ({_CONFIRMATION})")
    told = ", ".join(
        f"({place}, 'AAA01', 's', 'r{place}', 'i', DATE '{FIRST + timedelta(days=place)}', {value or 'NULL'})"
        for place, value in enumerate(values)
    )
    columns = f"delivery, site, subject_key, record_key, id_key, measured_date, {field}"
    connection.execute(f"INSERT INTO staging.current_growth ({columns}) VALUES {told}")
    for answer in answers:
        connection.execute("INSERT INTO staging.current_confirmation VALUES (?, ?, ?, ?, ?, ?)", list(answer))
    cut_off = FIRST + timedelta(days=len(values) + days)
    connection.execute("CREATE OR REPLACE TABLE staging.build AS SELECT ?::DATE AS cut_off", [cut_off])
    for model in load_models():
        if model.name in ("staging.digit_preferences", "staging.digit_hits"):
            connection.execute(f"CREATE OR REPLACE TABLE {model.name} AS {model.sql}")
    return connection


def score(values: Sequence[Decimal | None], field: str = "length_cm") -> list[tuple[int, Decimal, str | None]]:
    return staged(values, field).execute("SELECT measurements, score, rule FROM staging.digit_preferences").fetchall()


def test_even_digits_score_nothing_and_one_digit_scores_everything() -> None:
    assert score(EVEN) == [(100, Decimal("0.0"), None)]
    assert score([Decimal(60)] * 100) == [(100, Decimal("100.0"), RULE)]


def test_halves_score_as_computed_by_hand() -> None:
    """Two digits of ten, each in half of the cases: chi2 is 4 n, and sqrt(4 / 9) is 0.667."""
    assert score(HALVES) == [(100, Decimal("66.7"), RULE)]


def test_every_quantity_has_its_digit_and_its_question() -> None:
    assert score(HALVES, "head_circumference_cm") == [(100, Decimal("66.7"), "head_circumference_digit_preference")]
    assert score([each * 100 for each in EVEN], "weight_g") == [(100, Decimal("0.0"), None)], "100 g, 100 g, ..."
    assert score([each * 1000 for each in HALVES], "weight_g")[0][2] == "weight_digit_preference"


def test_few_measurements_and_missing_ones_are_not_counted() -> None:
    assert score(HALVES[1:]) == []
    assert score([*HALVES[1:], None]) == []


def test_it_is_asked_once_and_closes_when_the_latest_are_read_to_the_millimetre() -> None:
    [hit] = rows(staged(HALVES), "FROM staging.digit_hits")
    assert (hit["record_key"], hit["rule"], hit["field"], hit["is_confirmed"]) == ("r0", RULE, "length_cm", False)
    assert (hit["severity"], hit["effect"]) == ("critical", "finding")
    assert rows(staged([*HALVES, *EVEN]), "FROM staging.digit_hits") != []
    assert rows(staged([*HALVES, *EVEN, *EVEN]), "FROM staging.digit_hits") == []


@pytest.mark.parametrize(
    ("rule", "until", "days", "is_confirmed"),
    [
        (RULE, None, 265, True),
        (RULE, None, 266, False),
        (RULE, FIRST + timedelta(days=110), 10, True),
        (RULE, FIRST + timedelta(days=110), 11, False),
        ("weight_digit_preference", None, 0, False),
    ],
)
def test_an_answer_about_one_holds_for_all_until_its_day(
    rule: str, until: date | None, days: int, is_confirmed: bool
) -> None:
    answer = ("AAA01", "growth", "r7", rule, FIRST, until)
    [hit] = rows(staged(HALVES, answers=[answer], days=days), "FROM staging.digit_hits")
    assert hit["is_confirmed"] is is_confirmed


def test_every_question_of_digits_is_a_rule() -> None:
    [(asked,)] = _defined().execute("SELECT list(rule) FROM definitions.digit_check").fetchall()
    assert {("growth", rule) for rule in asked} <= history_rules().keys()
