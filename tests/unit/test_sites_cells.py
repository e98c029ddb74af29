"""A cell is read as what it is, and refused where it could be two things."""

import contextlib
import datetime as dt
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sites.cells import DateStyle, Unreadable, bounded_number, date_text, number, text_of, whole, yes_or_no

INDIA = ZoneInfo("Asia/Kolkata")


def unreadable(rule, read, *args, **kwargs):
    with pytest.raises(Unreadable) as error:
        read(*args, **kwargs)
    assert error.value.rule == rule


@pytest.mark.parametrize(
    ("cell", "decimal", "value"),
    [
        ("150", ".", "150"),
        ("11.50", ".", "11.50"),
        ("-1.5e-3", ".", "-0.0015"),
        (".5", ".", "0.5"),
        ("10,1", ",", "10.1"),
        ("\N{MINUS SIGN}3", ".", "-3"),
        (216.97, ".", "216.97"),
        (0.1 + 0.2, ",", "0.3"),
        (7.0, ".", "7"),
    ],
)
def test_numbers(cell, decimal, value):
    assert number(cell, decimal) == Decimal(value)


def test_the_digits_as_reported_are_kept():
    assert str(number("11.50", ".")) == "11.50"


@pytest.mark.parametrize(
    ("cell", "decimal", "rule"),
    [
        ("10,1", ".", "decimal_mark"),
        ("10.1", ",", "decimal_mark"),
        ("1.234,5", ",", "not_a_number"),
        ("1,234.5", ".", "not_a_number"),
        ("1 234", ".", "not_a_number"),
        ("150 pg/mL", ".", "not_a_number"),
        ("NaN", ".", "not_a_number"),
        ("\N{ARABIC-INDIC DIGIT ONE}50", ".", "not_a_number"),
        ("", ".", "not_a_number"),
        ("-", ".", "not_a_number"),
        (True, ".", "not_a_number"),
        (dt.date(2026, 3, 14), ".", "not_a_number"),
    ],
)
def test_a_number_is_never_guessed(cell, decimal, rule):
    unreadable(rule, number, cell, decimal)


@pytest.mark.parametrize(
    ("cell", "bound", "value"),
    [
        ("<150", "<", 150),
        ("< 150", "<", 150),
        (">=2000", ">=", 2000),
        ("≤ 5", "<=", 5),
        ("=>5", ">=", 5),
        ("150", None, 150),
        (150.0, None, 150),
    ],
)
def test_a_comparator_before_a_number(cell, bound, value):
    assert bounded_number(cell, ".") == (bound, value)


@pytest.mark.parametrize(
    ("cell", "order", "text"),
    [
        ("2026-03-14", None, "2026-03-14"),
        ("2026/3/4", None, "2026-03-04"),
        ("20260314", None, "2026-03-14"),
        (20260314.0, None, "2026-03-14"),
        ("2026-03", None, "2026-03"),
        ("03/2026", None, "2026-03"),
        ("Mar 2026", None, "2026-03"),
        ("14-Mar-2026", None, "2026-03-14"),
        ("14 March 2026", None, "2026-03-14"),
        ("March 14, 2026", None, "2026-03-14"),
        ("3/4/2026", "dmy", "2026-04-03"),
        ("3/4/2026", "mdy", "2026-03-04"),
        ("3.4.2026", "dmy", "2026-04-03"),
        ("46095", "excel", "2026-03-14"),
        (46095.0, "excel", "2026-03-14"),
        ("44633", "excel1904", "2026-03-14"),
        ("2026-03-14 00:00:00", None, "2026-03-14"),
        (dt.date(2026, 3, 14), None, "2026-03-14"),
        (dt.datetime(2026, 3, 14), None, "2026-03-14"),  # noqa: DTZ001
        (dt.datetime(2026, 3, 14, 9, 30), None, "2026-03-14T09:30+05:30"),  # noqa: DTZ001
        ("14/03/2026 9:30", "dmy", "2026-03-14T09:30+05:30"),
        ("14/03/2026 9:30 PM", "dmy", "2026-03-14T21:30+05:30"),
        ("2026-03-14T09:30:05Z", None, "2026-03-14T09:30:05+00:00"),
        ("2026-03-14T09:30+0200", None, "2026-03-14T09:30+02:00"),
        (46095.5, "excel", "2026-03-14T12:00+05:30"),
    ],
)
def test_dates(cell, order, text):
    assert date_text(cell, DateStyle(order, None, INDIA), with_time=True) == text


@pytest.mark.parametrize(
    ("cell", "style", "rule"),
    [
        ("3/4/2026", DateStyle(), "date_order_missing"),
        ("13/4/2026", DateStyle(), "date_order_missing"),
        ("13/4/2026", DateStyle("mdy"), "no_such_date"),
        ("30/2/2026", DateStyle("dmy"), "no_such_date"),
        ("3/4/26", DateStyle("dmy"), "two_digit_year"),
        ("46095", DateStyle("dmy"), "serial_date"),
        (46095.0, DateStyle(), "serial_date"),
        (2026.0, DateStyle("excel"), "not_a_date"),
        ("2026", DateStyle(), "not_a_date"),
        ("yesterday", DateStyle(), "not_a_date"),
        ("14 Foo 2026", DateStyle(), "not_a_date"),
        ("2026-03-14 25:00", DateStyle(), "not_a_time"),
        ("2026-03-14 13:00 pm", DateStyle(), "not_a_time"),
        ("2026-03-14 09:30", DateStyle(), "no_zone_known"),
        ("2026-03-29 02:30", DateStyle(zone=ZoneInfo("Europe/Oslo")), "no_such_time"),
        (True, DateStyle(), "not_a_date"),
    ],
)
def test_a_date_is_never_guessed(cell, style, rule):
    unreadable(rule, date_text, cell, style, with_time=True)


def test_a_time_may_stand_in_a_column_of_its_own():
    style = DateStyle("dmy", None, INDIA)
    assert date_text("14/3/2026", style, with_time=True, time="9:05") == "2026-03-14T09:05+05:30"
    assert date_text("14/3/2026", style, with_time=True, time=dt.time(0)) == "2026-03-14T00:00+05:30"
    assert date_text("14/3/2026", style, with_time=True, time=0.5) == "2026-03-14T12:00+05:30"
    unreadable("not_a_date", date_text, "2026-03", style, with_time=True, time="9:05")
    unreadable("not_a_time", date_text, "2026-03-14", style, with_time=True, time="morning")


def test_a_century_settles_two_digits():
    assert date_text("3/4/26", DateStyle("dmy", 2000), with_time=False) == "2026-04-03"


@given(st.dates(min_value=dt.date(1930, 1, 1), max_value=dt.date(2150, 1, 1)))
def test_every_way_to_write_a_day_is_read_as_that_day(day):
    serial = (day - dt.date(1899, 12, 30)).days
    for cell, order in [
        (day.isoformat(), None),
        (f"{day:%d/%m/%Y}", "dmy"),
        (f"{day:%m-%d-%Y}", "mdy"),
        (f"{day:%d %b %Y}", None),
        (float(serial), "excel"),
        (day, None),
    ]:
        assert date_text(cell, DateStyle(order), with_time=True) == day.isoformat()


@given(st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**6), max_value=10**6))
def test_a_number_reads_back_in_either_mark(value):
    assert number(str(value), ".") == value
    assert number(str(value).replace(".", ","), ",") == value


@given(st.text(max_size=30))
def test_no_text_does_more_than_be_unreadable(text):
    for read in (
        lambda: date_text(text, DateStyle("dmy", 2000, INDIA), with_time=True),
        lambda: bounded_number(text, "."),
    ):
        with contextlib.suppress(Unreadable):
            read()


def test_texts_whole_numbers_and_yes_or_no():
    assert text_of(21005.0) == "21005"
    assert text_of(1.5) == "1.5"
    assert text_of(True) == "true"
    assert text_of(dt.date(2026, 3, 14)) == "2026-03-14"
    assert whole("38.0", ".") == 38
    unreadable("not_whole", whole, "38.5", ".")
    assert yes_or_no("Y") is True
    assert yes_or_no(0.0) is False
    unreadable("not_yes_or_no", yes_or_no, "ja")
