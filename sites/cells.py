"""One cell read as a text, a number, a yes or no, or a date; nothing is guessed.

Which column a cell comes from, and where its value goes, belongs to the mapping.
"""

import datetime as dt
import re
from decimal import Decimal
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from sites.reading import Cell

DateOrder = Literal["dmy", "mdy", "ymd", "excel", "excel1904"]


class Unreadable(Exception):  # a signal between this module and the mapping, never shown
    """A cell that is not what it should be; `rule` is a key of problems.FIXES."""

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        self.rule = rule


class DateStyle(NamedTuple):
    """How dates are written in a column."""

    order: DateOrder | None = None
    century: int | None = None
    """What to add to a year of two digits."""
    zone: ZoneInfo | None = None
    """Zone of the times that name none."""


_NUMBER = re.compile(r"[+-]?(?=[.,]?[0-9])[0-9]*(?:(?P<mark>[.,])[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)
_COMPARATOR = re.compile(r"(<=|>=|=<|=>|<|>|≤|≥)\s*")
_COMPARATORS = {"≤": "<=", "=<": "<=", "≥": ">=", "=>": ">="}
_YES_NO = {"true": True, "yes": True, "y": True, "1": True, "false": False, "no": False, "n": False, "0": False}
_MONTHS = {
    "jan": 1,
    "feb": 2,
    "mar": 3,
    "apr": 4,
    "may": 5,
    "jun": 6,
    "jul": 7,
    "aug": 8,
    "sep": 9,
    "oct": 10,
    "nov": 11,
    "dec": 12,
}

_YEAR_FIRST = re.compile(r"(\d{4})([-/.])(\d{1,2})(?:\2(\d{1,2}))?", re.ASCII)
_COMPACT = re.compile(r"([12]\d{3})(\d{2})(\d{2})", re.ASCII)
_NUMERIC = re.compile(r"(\d{1,2})([-/. ])(\d{1,2})\2(\d{4}|\d{2})", re.ASCII)
_MONTH_YEAR = re.compile(r"(\d{1,2})[-/.](\d{4})", re.ASCII)
_DAY_NAME_YEAR = re.compile(r"(\d{1,2})[-/. ]*([a-z]{3,9})\.?,?[-/. ]*(\d{4}|\d{2})", re.ASCII | re.IGNORECASE)
_NAME_DAY_YEAR = re.compile(r"([a-z]{3,9})\.? +(\d{1,2}),? +(\d{4})", re.ASCII | re.IGNORECASE)
_NAME_YEAR = re.compile(r"([a-z]{3,9})\.?[-/. ]+(\d{4})", re.ASCII | re.IGNORECASE)
_SERIAL = re.compile(r"\d{5}(\.\d+)?", re.ASCII)
_TIME = re.compile(
    r"(?P<h>\d{1,2})[:.](?P<m>\d{2})(?::(?P<s>\d{2})(?:\.\d+)?)?\s*(?P<half>[ap]\.?m\.?)?\s*(?P<zone>Z|[+-]\d{2}:?\d{2})?",
    re.ASCII | re.IGNORECASE,
)
_DATE_TIME = re.compile(r"(?P<date>.*?\d)(?:[T ]\s*|,\s+)(?P<time>\d{1,2}:\d{2}.*)", re.ASCII)

_EXCEL_EPOCHS = {"excel": dt.date(1899, 12, 30), "excel1904": dt.date(1904, 1, 1)}


def text_of(cell: Cell) -> str:
    """The cell as its reader sees it: whole numbers without a point, dates as ISO 8601."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else format(cell, ".15g")
    if isinstance(cell, (dt.date, dt.time)):
        return cell.isoformat()
    return str(cell)


def number(cell: Cell, decimal: str) -> Decimal:
    """A plain number, with `decimal` as its decimal mark when the cell is a text."""
    if isinstance(cell, (int, float)) and not isinstance(cell, bool):
        return Decimal(format(cell, ".15g"))  # the digits that Excel keeps, and so what its user saw
    if not isinstance(cell, str):
        raise Unreadable("not_a_number")
    match = _NUMBER.fullmatch(cell.replace("\N{MINUS SIGN}", "-"))
    if not match:
        raise Unreadable("not_a_number")
    if match["mark"] not in (None, decimal):
        raise Unreadable("decimal_mark")
    return Decimal(match.group().replace(",", "."))


def bounded_number(cell: Cell, decimal: str) -> tuple[str | None, Decimal]:
    """A number with the comparator that may stand before it, as in `<150`."""
    if isinstance(cell, str) and (match := _COMPARATOR.match(cell)):
        sign = match.group(1)
        return _COMPARATORS.get(sign, sign), number(cell[match.end() :], decimal)
    return None, number(cell, decimal)


def whole(cell: Cell, decimal: str) -> int:
    """A whole number; 3.0 is one."""
    value = number(cell, decimal)
    if value != value.to_integral_value():
        raise Unreadable("not_whole")
    return int(value)


def yes_or_no(cell: Cell) -> bool:
    """Yes or no, true or false, 1 or 0."""
    try:
        return _YES_NO[text_of(cell).lower()]
    except KeyError:
        raise Unreadable("not_yes_or_no") from None


def date_text(cell: Cell, style: DateStyle, *, with_time: bool, time: Cell = None) -> str:
    """The date as the contract writes it: a month, a day, or, where `with_time`, a time with its zone.

    A time of exactly midnight without zone is taken for no time: spreadsheets write it behind dates that have none.
    """
    day, clock = _read_date(cell, style)
    if time is not None:
        clock = _read_time(time)
    if not with_time or clock is None:
        return day
    if len(day) < 10:
        raise Unreadable("not_a_date")
    of_day, zone = clock
    if time is None and zone is None and of_day == dt.time(0):
        return day
    return _with_zone(dt.datetime.combine(dt.date.fromisoformat(day), of_day), zone or style.zone)


_Clock = tuple[dt.time, dt.tzinfo | None]


def _read_date(cell: Cell, style: DateStyle) -> tuple[str, _Clock | None]:
    if isinstance(cell, dt.datetime):
        return cell.date().isoformat(), (cell.time().replace(microsecond=0), None)
    if isinstance(cell, dt.date):
        return cell.isoformat(), None
    if isinstance(cell, float) and cell >= 10_000_000:  # 20260314, typed as a number
        cell = text_of(cell)
    if isinstance(cell, (int, float)) and not isinstance(cell, bool):
        return _serial(float(cell), style.order)
    if not isinstance(cell, str):
        raise Unreadable("not_a_date")
    split = _DATE_TIME.fullmatch(cell)
    if split:
        return _date_of_text(split["date"], style), _read_time(split["time"])
    if _SERIAL.fullmatch(cell):
        return _serial(float(cell), style.order)
    return _date_of_text(cell, style), None


def _serial(days: float, order: DateOrder | None) -> tuple[str, _Clock | None]:
    if order not in _EXCEL_EPOCHS:
        raise Unreadable("serial_date")
    if not 10_000 <= days < 100_000:  # 1927 to 2173: what is outside is a year or a slip
        raise Unreadable("not_a_date")
    seconds = round((days % 1) * 86_400)
    moment = dt.datetime.combine(_EXCEL_EPOCHS[order], dt.time()) + dt.timedelta(int(days), seconds)
    return moment.date().isoformat(), (moment.time(), None) if seconds else None


def _date_of_text(text: str, style: DateStyle) -> str:
    if match := _YEAR_FIRST.fullmatch(text):
        year, month, day = match[1], match[3], match[4]
        return _iso(int(year), int(month), None if day is None else int(day))
    if match := _COMPACT.fullmatch(text):
        return _iso(int(match[1]), int(match[2]), int(match[3]))
    if match := _NUMERIC.fullmatch(text):
        return _numeric(int(match[1]), int(match[3]), match[4], style)
    if match := _MONTH_YEAR.fullmatch(text):
        return _iso(int(match[2]), int(match[1]), None)
    if match := _DAY_NAME_YEAR.fullmatch(text):
        return _iso(_year(match[3], style), _month(match[2]), int(match[1]))
    if match := _NAME_DAY_YEAR.fullmatch(text):
        return _iso(int(match[3]), _month(match[1]), int(match[2]))
    if match := _NAME_YEAR.fullmatch(text):
        return _iso(int(match[2]), _month(match[1]), None)
    raise Unreadable("not_a_date")


def _numeric(first: int, second: int, last: str, style: DateStyle) -> str:
    if style.order == "dmy":
        return _iso(_year(last, style), second, first)
    if style.order == "mdy":
        return _iso(_year(last, style), first, second)
    if style.order == "ymd" and len(last) == 2:
        return _iso(_year(f"{first:02d}", style), second, int(last))
    raise Unreadable("date_order_missing")


def _year(text: str, style: DateStyle) -> int:
    if len(text) == 4:
        return int(text)
    if style.century is None:
        raise Unreadable("two_digit_year")
    return style.century + int(text)


def _month(name: str) -> int:
    month = _MONTHS.get(name[:3].lower())
    if month is None:
        raise Unreadable("not_a_date")
    return month


def _iso(year: int, month: int, day: int | None) -> str:
    try:
        date = dt.date(year, month, day or 1)
    except ValueError:
        raise Unreadable("no_such_date") from None
    return date.isoformat() if day is not None else date.isoformat()[:7]


def _read_time(cell: Cell) -> _Clock:
    if isinstance(cell, dt.datetime):
        return cell.time().replace(microsecond=0), None
    if isinstance(cell, dt.time):
        return cell.replace(microsecond=0), None
    if isinstance(cell, float) and 0 <= cell < 1:
        return (dt.datetime(1, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=round(cell * 86_400))).time(), None
    match = _TIME.fullmatch(cell) if isinstance(cell, str) else None
    if not match:
        raise Unreadable("not_a_time")
    hour = int(match["h"])
    if match["half"]:
        if not 1 <= hour <= 12:
            raise Unreadable("not_a_time")
        hour = hour % 12 + (12 if match["half"][0].lower() == "p" else 0)
    try:
        return dt.time(hour, int(match["m"]), int(match["s"] or 0)), _offset(match["zone"])
    except ValueError:
        raise Unreadable("not_a_time") from None


def _offset(text: str | None) -> dt.tzinfo | None:
    if text is None:
        return None
    if text in ("Z", "z"):
        return dt.UTC
    sign = -1 if text[0] == "-" else 1
    return dt.timezone(sign * dt.timedelta(hours=int(text[1:3]), minutes=int(text[-2:])))


def _with_zone(moment: dt.datetime, zone: dt.tzinfo | None) -> str:
    if zone is None:
        raise Unreadable("no_zone_known")
    aware = moment.replace(tzinfo=zone)
    if aware.astimezone(dt.UTC).astimezone(zone).replace(tzinfo=None) != moment:
        raise Unreadable("no_such_time")
    return aware.isoformat(timespec="seconds" if moment.second else "minutes")
