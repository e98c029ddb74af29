"""Times and dates read from their digits, many at once: a strict part of what contracts.when and RFC 3339 allow."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]
Mask = NDArray[np.bool_]

DAY = 86_400_000_000
"""Microseconds."""
PRECISIONS = ("month", "day", "time")

_ZONES = ("Z", "+zz:xx")
_CLOCKS = ("hh:mm:ss", "hh:mm:ss.fff", "hh:mm:ss.ffffff")


class Moments(NamedTuple):
    """One for each text."""

    good: Mask
    """Whether it was read: one that was not may still be right, in a spelling that is not known here."""
    micros: Numbers
    """Microseconds since 1970 in UTC; of a day its midnight, of a month that of its 15th."""
    precision: NDArray[np.int8]
    """Index in PRECISIONS."""


class Spelling:
    """One way to write a date or a time, all of one length."""

    def __init__(self, text: str) -> None:
        self.precision = 2 if "h" in text else 1 if "D" in text else 0
        self.length = len(text)
        self._places = {letter: [i for i, c in enumerate(text) if c == letter] for letter in "YMDhmsfzx"}
        self._digits = sorted(place for places in self._places.values() for place in places)
        self._sign = text.find("+")
        fixed = [place for place in range(len(text)) if place not in self._digits and place != self._sign]
        self._fixed, self._marks = (
            fixed,
            np.frombuffer("".join(text[place] for place in fixed).encode(), np.uint8)[:, None],
        )

    def read(self, characters: NDArray[np.uint8]) -> tuple[Mask, Numbers]:
        """Whether each column of characters is such a date or time that the calendar has, and its microseconds."""
        digits = characters - np.uint8(48)  # what lies below 0 wraps around and is no digit either
        good = (digits[self._digits] < 10).all(0) & (characters[self._fixed] == self._marks).all(0)
        year, month, hour, minute, second, ahead, ahead_minutes = (self._number(digits, letter) for letter in "YMhmszx")
        day = self._number(digits, "D") if self.precision else np.full(digits.shape[1], 15)
        good &= (year >= 1000) & (year < 3000) & (month >= 1) & (month <= 12)
        good &= (hour < 24) & (minute < 60) & (second < 60)
        months = (year - 1970) * 12 + month - 1
        first, next_first = (_first_day(np.where(good, number, 0)) for number in (months, months + 1))
        good &= (day >= 1) & (day <= next_first - first) & (ahead < 24) & (ahead_minutes < 60)
        offset = ahead * 60 + ahead_minutes
        if self._sign >= 0:
            signs = characters[self._sign]
            good &= (signs == ord("+")) | (signs == ord("-"))
            offset = np.where(signs == ord("-"), -offset, offset)
        fraction = self._number(digits, "f") * 10 ** (6 - len(self._places["f"]))
        minutes = (first + day - 1) * 1440 + hour * 60 + minute - offset
        return good, (minutes * 60 + second) * 1_000_000 + fraction

    def _number(self, digits: NDArray[np.uint8], letter: str) -> Numbers:
        number = np.zeros(digits.shape[1], np.int64)
        for place in self._places[letter]:
            number *= 10
            number += digits[place]
        return number


def _by_length(*texts: str) -> Mapping[int, Spelling]:
    return {len(text): Spelling(text) for text in texts}


TIMES = _by_length(*(f"YYYY-MM-DDT{clock}{zone}" for clock in _CLOCKS for zone in _ZONES))
DATES = _by_length("YYYY-MM", "YYYY-MM-DD")
DATES_OR_TIMES = {**DATES, **TIMES, **_by_length(*(f"YYYY-MM-DDThh:mm{zone}" for zone in _ZONES))}


def read(text: NDArray[np.uint8], starts: Numbers, ends: Numbers, spellings: Mapping[int, Spelling]) -> Moments:
    """Read the parts of `text` between these places."""
    lengths = ends - starts
    good = np.zeros(len(starts), bool)
    micros = np.zeros(len(starts), np.int64)
    precision = np.zeros(len(starts), np.int8)
    for length in np.unique(lengths).tolist():
        spelling = spellings.get(length)
        if spelling is not None:
            rows = np.flatnonzero(lengths == length)
            characters = text[starts[rows] + np.arange(length)[:, None]]
            good[rows], micros[rows] = spelling.read(characters)
            precision[rows] = spelling.precision
    return Moments(good, micros, precision)


def local_days(micros: Numbers, zone: ZoneInfo) -> Numbers:
    """Days since 1970 of the local dates of these moments."""
    days, which = np.unique(micros // DAY, return_inverse=True)
    offsets = [_offset(zone, day) for day in days.tolist()]
    ahead = np.array([0 if offset is None else offset for offset in offsets], np.int64)[which]
    changing = np.array([offset is None for offset in offsets])[which]
    for row in np.flatnonzero(changing).tolist():
        ahead[row] = _offset_at(zone, int(micros[row]) // 1_000_000)
    return (micros + ahead * 1_000_000) // DAY


@lru_cache(maxsize=65_536)
def _offset(zone: ZoneInfo, day: int) -> int | None:
    """Seconds that a zone is ahead of UTC on a day since 1970; None on a day on which it changes."""
    first, last = (_offset_at(zone, second) for second in (day * 86_400, day * 86_400 + 86_399))
    return first if first == last else None


def _offset_at(zone: ZoneInfo, second: int) -> int:
    moment: Any = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=second)
    return int(moment.astimezone(zone).utcoffset().total_seconds())


def _first_day(months: Numbers) -> Numbers:
    """Days since 1970 of the first of each month since 1970."""
    days: Numbers = months.astype("M8[M]").astype("M8[D]").astype(np.int64)
    return days
