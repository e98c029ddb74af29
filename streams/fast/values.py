"""The values in one blank of many events: whether each fits the blank, and what the lake keeps of it.

What does not fit here may still be right: it goes to the judge.
"""

from abc import ABC, abstractmethod
from datetime import timedelta
from functools import cache
from string import ascii_letters
from string import digits as figures
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from contracts.content import said_number
from contracts.events import DATA, EnrolmentEvent
from contracts.judge import AHEAD
from contracts.pseudonyms import Role, digests
from contracts.raw import is_utf8
from contracts.shapes import limits
from contracts.site import Site
from contracts.when import DATE
from lake.rows import Columns, remembered
from lake.schema import DECIMAL, TIMESTAMP
from streams.fast import moments
from streams.fast.layout import Blank
from streams.fast.moments import Mask, Numbers

FIRST_TIME, LAST_TIME = (int(np.datetime64(day, "us").astype(np.int64)) for day in ("1971-01-01", "2999-01-01"))
"""Within what the judge takes, whatever the zone."""
AHEAD_MICROS = AHEAD // timedelta(microseconds=1)
_NUMBER = r"^(0|-?[1-9][0-9]{0,15}|-?(0|[1-9][0-9]{0,15})\.[0-9]{1,12})\z"
_WHOLE_NUMBER = r"^(0|-?[1-9][0-9]{0,8})\z"
_UNREPEATED = ("id", "record")
"""Roles whose values do not come back."""
PLAIN_CHARACTERS = f"{ascii_letters}{figures}._-"
PLAIN_LENGTH = 64
"""Every identifier may be made of these characters and have up to so many."""
_PLAIN = np.zeros(256, bool)
_PLAIN[list(PLAIN_CHARACTERS.encode())] = True
_UNREAD = r"^[^\x00-\x1f]*\z"
_SAID_AS_WRITTEN = r"[1-9]\z"
_TOO_SMALL_TO_SAY_SO = r"^-?0\.000000"


class Cells(NamedTuple):
    """What stands in one blank of many events."""

    texts: pa.StringArray
    text: NDArray[np.uint8]
    """The bytes of all events."""
    starts: Numbers
    ends: Numbers
    is_utf8: bool
    """Whether all events are; else each cell has to be looked at."""

    @property
    def lengths(self) -> Numbers:
        """In bytes."""
        return self.ends - self.starts

    @property
    def characters(self) -> NDArray[np.uint8]:
        """The bytes of the cells alone, one after another."""
        return np.frombuffer(self.texts.buffers()[2] or b"", np.uint8)


class Values(ABC):
    """Checked values; `rows` are the places of those to keep, all of them good."""

    good: Mask

    def __init__(self, cells: Cells) -> None:
        self.texts = cells.texts

    @abstractmethod
    def columns(self, rows: pa.Array) -> Columns:
        """The lake's columns."""

    def said(self, rows: pa.Array) -> pa.StringArray:
        """The texts in the canonical content."""
        return self.texts.take(rows)


class Codes(Values):
    """Identifiers, of which the lake keeps pseudonyms."""

    def __init__(self, blank: Blank, role: Role, kind: str, cells: Cells, key: bytes) -> None:
        super().__init__(cells)
        self._name, self._role, self._key = blank.path[-1], role, key
        characters = cells.characters
        self._is_plain = bool(_PLAIN[characters].all())
        if self._is_plain:
            self.good = (cells.lengths > 0) & (cells.lengths <= PLAIN_LENGTH)
        else:
            # Arrow's engine has a small letter for what is Python's end of a text.
            self.good = _matches(cells.texts, pattern(blank, kind).replace(r"\Z", r"\z")) & _is_utf8(cells)

    def columns(self, rows: pa.Array) -> Columns:
        if self._role in _UNREPEATED:
            return halves(self._name, self.keys(self._role, rows))
        once = self.texts.take(rows).dictionary_encode()
        keys = [remembered(self._key, self._role, value) for value in once.dictionary.to_pylist()]
        return {name: half.take(once.indices) for name, half in halves(self._name, keys).items()}

    def keys(self, role: Role, rows: pa.Array) -> list[bytes]:
        """The pseudonyms in a role."""
        values = self.texts.take(rows).view(pa.binary()).to_pylist()
        if not self._is_plain:
            values = [value.decode().strip().encode() for value in values]
        return digests(self._key, role, values)


class Times(Values):
    """The event's time, not further ahead of the broker's than the judge allows."""

    def __init__(self, cells: Cells, received: Numbers) -> None:
        super().__init__(cells)
        found = moments.read(cells.text, cells.starts, cells.ends, moments.TIMES)
        self._micros = found.micros
        self.good = found.good & (found.micros >= FIRST_TIME) & (found.micros < LAST_TIME)
        self.good &= found.micros - received <= AHEAD_MICROS

    def columns(self, rows: pa.Array) -> Columns:
        return {"event_time": pa.array(self._micros[rows.to_numpy()]).view(TIMESTAMP)}


class Whens(Values):
    """Dates and times of `data`."""

    def __init__(self, blank: Blank, kind: str, cells: Cells, zone: ZoneInfo) -> None:
        super().__init__(cells)
        self._name, self._zone = blank.path[-1], zone
        spellings = moments.DATES if pattern(blank, kind) == DATE else moments.DATES_OR_TIMES
        self._found = moments.read(cells.text, cells.starts, cells.ends, spellings)
        self.good = self._found.good

    def columns(self, rows: pa.Array) -> Columns:
        chosen = rows.to_numpy()
        return whens(self._name, self._found.micros[chosen], self._found.precision[chosen], self._zone)


class Decimals(Values):
    """Numbers in plain digits. The same come back, so each is looked at once."""

    def __init__(self, blank: Blank, cells: Cells) -> None:
        super().__init__(cells)
        self._name = blank.path[-1]
        once = self.texts.dictionary_encode()
        good = _matches(once.dictionary, _NUMBER)
        self._which, self._once = once.indices, pc.if_else(pa.array(good), once.dictionary, "0")
        self.good = good[self._which.to_numpy()]

    def columns(self, rows: pa.Array) -> Columns:
        which = self._which.take(rows)
        return {self._name: self._once.cast(DECIMAL).take(which), f"{self._name}_text": self._once.take(which)}

    def said(self, rows: pa.Array) -> pa.StringArray:
        as_written = pc.and_not(
            pc.match_substring_regex(self._once, _SAID_AS_WRITTEN),
            pc.match_substring_regex(self._once, _TOO_SMALL_TO_SAY_SO),
        )
        others = pc.invert(as_written)
        said = [said_number(text) for text in self._once.filter(others).to_pylist()]
        return pc.replace_with_mask(self._once, others, pa.array(said, pa.string())).take(self._which.take(rows))


class Integers(Values):
    """Whole numbers within the bounds of their field."""

    def __init__(self, blank: Blank, kind: str, cells: Cells) -> None:
        super().__init__(cells)
        self._name = blank.path[-1]
        bounds = limits(DATA[kind])[self._name]
        good = _matches(cells.texts, _WHOLE_NUMBER)
        self._numbers = pc.if_else(pa.array(good), cells.texts, "0").cast(pa.int32())
        numbers = self._numbers.to_numpy()
        self.good = good
        if bounds.least is not None:
            self.good &= numbers >= bounds.least
        if bounds.most is not None:
            self.good &= numbers <= bounds.most

    def columns(self, rows: pa.Array) -> Columns:
        return {self._name: self._numbers.take(rows)}


class Unread(Values):
    """Texts of attributes that are neither read nor stored."""

    def __init__(self, cells: Cells) -> None:
        super().__init__(cells)
        self.good = _matches(cells.texts, _UNREAD) & _is_utf8(cells)

    def columns(self, _rows: pa.Array) -> Columns:
        return {}


def values_of(blank: Blank, kind: str, cells: Cells, received: Numbers, site: Site, key: bytes) -> Values:
    """The values in a blank of one site's events; `received` is the broker's time of each in microseconds."""
    match blank.shape:
        case "time":
            return Times(cells, received)
        case "when":
            return Whens(blank, kind, cells, site.zone)
        case "decimal":
            return Decimals(blank, cells)
        case "int":
            return Integers(blank, kind, cells)
        case "unread":
            return Unread(cells)
        case role:
            return Codes(blank, role, kind, cells, key)


def whens(name: str, micros: Numbers, precision: NDArray[np.int8], zone: ZoneInfo) -> Columns:
    """The columns of dates and times, as lake/rows.py has them; `precision` as in Moments."""
    is_time = precision == moments.PRECISIONS.index("time")
    days = micros // moments.DAY
    if is_time.any():
        days = np.where(is_time, moments.local_days(micros, zone), days)
    return {
        f"{name}_date": pa.array(days.astype(np.int32)).view(pa.date32()),
        f"{name}_at": pa.array(micros, mask=~is_time).view(TIMESTAMP),
        f"{name}_precision": pa.array(moments.PRECISIONS).take(pa.array(precision)),
    }


def halves(name: str, keys: list[bytes]) -> Columns:
    """The two columns of pseudonyms, as lake/rows.py has them."""
    numbers = np.frombuffer(b"".join(keys), ">i8").astype(np.int64).reshape(-1, 2)
    return {f"{name}_hi": pa.array(numbers[:, 0].copy()), f"{name}_lo": pa.array(numbers[:, 1].copy())}


def _matches(texts: pa.StringArray, regex: str) -> Mask:
    found: Mask = pc.match_substring_regex(texts, regex).to_numpy(zero_copy_only=False)
    return found


def _is_utf8(cells: Cells) -> Mask | bool:
    return cells.is_utf8 or np.array([is_utf8(value) for value in cells.texts.view(pa.binary()).to_pylist()])


@cache
def pattern(blank: Blank, kind: str) -> str:
    """What the contract asks of the text."""
    struct: Any = EnrolmentEvent if len(blank.path) == 1 else DATA[kind]
    return str(limits(struct)[blank.path[-1]].pattern)
