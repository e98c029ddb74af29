"""Events side by side: which of them are laid out alike, and the parts of each, without decoding any.

Nothing is judged here. A cut in the wrong place only leaves a form that no judge accepts.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from contracts.judge import MAX_BYTES
from contracts.raw import is_utf8
from streams.fast.layout import Layout
from streams.fast.moments import Numbers
from streams.fast.values import Cells

_QUOTE, _COLON, _BACKSLASH = b'":\\'
_WEIGHTS = np.random.default_rng(12).integers(1, 1 << 63, 4096, dtype=np.uint64)
"""By which a string counts in a sketch, for its place in the event. The seed is of no importance."""
_CLASSES = np.zeros(256, np.uint64)
"""What a value begins with: a number, a string or anything else."""
_CLASSES[list(b"-0123456789")] = 1
_CLASSES[_QUOTE] = 2
_MOST = (1 << 31) - 1
"""Bytes that one of Arrow's arrays of texts can hold."""


class Sheets:
    """Events in one piece of memory, and where their strings are."""

    def __init__(self, values: Sequence[bytes], places: Numbers) -> None:
        chosen = [values[place] for place in places.tolist()]
        joined = b"".join([*chosen, b"\0\0"])  # whoever looks ahead finds something
        lengths = np.array([*map(len, chosen)], np.int64)
        self.places = places
        """Where each event is among all values."""
        self._ends = lengths.cumsum()
        self._starts = self._ends - lengths
        self._buffer = pa.py_buffer(joined)
        self._is_utf8 = joined.isascii() or is_utf8(joined)
        self._text: NDArray[np.uint8] = np.frombuffer(joined, np.uint8)
        quotes = np.flatnonzero(self._text == _QUOTE)
        self._opens, self._closes = quotes[0::2], quotes[1::2]
        edges = np.searchsorted(quotes, np.append(self._starts, lengths.sum()))
        self._first = edges[:-1] // 2
        """By event, where its strings begin in `_opens` and `_closes`: right only if all events are plain."""
        self._strings = np.diff(edges) // 2
        self._is_plain = (np.diff(edges) % 2 == 0) & (self._strings > 0) & (lengths <= MAX_BYTES)
        """Which events have as many quotation marks that open a string as that close one, and no backslash."""
        if b"\\" in joined:
            backslashes = np.flatnonzero(self._text == _BACKSLASH)
            self._is_plain[np.searchsorted(self._ends, backslashes, "right")] = False

    @classmethod
    def of_plain(cls, values: Sequence[bytes]) -> "Sheets":
        """Those of the events that are plain."""
        sheets = cls(values, np.arange(len(values)))
        return sheets if sheets._is_plain.all() else cls(values, sheets.places[sheets._is_plain])

    def event(self, place: int) -> bytes:
        """One of the events as it was sent."""
        return self._text[self._starts[place] : self._ends[place]].tobytes()

    def alike(self, least: int) -> Iterator[Numbers]:
        """Groups of at least so many events, in their order, that seem to be laid out alike."""
        if len(self.places) < least:
            return
        _, which, counts = np.unique(self._sketches(), return_inverse=True, return_counts=True)
        groups = np.split(np.argsort(which, kind="stable"), counts.cumsum()[:-1])
        yield from (group for group in groups if len(group) >= least)

    def _sketches(self) -> NDArray[np.uint64]:
        """A number for each event that depends on how many strings it has, on its keys, and on what follows each."""
        keys = np.flatnonzero(self._text[self._closes + 1] == _COLON)
        opens, closes = self._opens[keys], self._closes[keys]
        seen = (closes - opens).astype(np.uint64) * np.uint64(256) + self._text[opens + 1]
        seen = seen * np.uint64(4) + _CLASSES[self._text[closes + 2]]
        seen *= _WEIGHTS[(keys - np.repeat(self._first, self._strings)[keys]) % len(_WEIGHTS)]
        firsts = np.searchsorted(keys, self._first)
        # The sum of an event without keys is any number; it groups nothing that could be accepted.
        sketches: NDArray[np.uint64] = np.add.reduceat(np.append(seen, np.uint64(0)), firsts)
        return sketches + self._strings.astype(np.uint64)

    def cut(self, group: Numbers, layout: Layout, example: int) -> "Parts":
        """Cut events at the blanks of a layout, those with as many strings as the example that it was learned from."""
        strings = self._strings[example]
        events = group[self._strings[group] == strings]
        first = self._first[events]
        bounds = np.empty((len(events), 2 * len(layout.blanks) + 2), np.int64)
        bounds[:, 0], bounds[:, -1] = self._starts[events], self._ends[events]
        for place, blank in enumerate(layout.blanks):
            string = first + blank.string
            if blank.before < 0:
                start, end = self._opens[string] + 1, self._closes[string]
            else:
                start = self._closes[string] + 1 + blank.before
                is_last = blank.string == strings - 1
                end = (bounds[:, -1] if is_last else self._opens[string + 1]) - blank.after
            bounds[:, 2 * place + 1], bounds[:, 2 * place + 2] = start, end
        sane = (np.diff(bounds, axis=1) >= 0).all(1)
        return Parts(self.places[events[sane]], bounds[sane], self._buffer, self._text, self._is_utf8)


class Parts:
    """Events cut at their blanks: print, blank, print, and so on to the print behind the last blank."""

    def __init__(
        self, places: Numbers, bounds: Numbers, buffer: pa.Buffer, text: NDArray[np.uint8], all_utf8: bool
    ) -> None:
        self.places = places
        """Where each event is among all values."""
        self._bounds, self._text, self._is_utf8 = bounds, text, all_utf8
        # Every part is a text of one array over the joined events; behind an event's last, what lies before the next.
        edges = np.append(bounds, bounds[-1:, -1])
        if len(edges) and (edges[0] < 0 or edges[-1] > min(buffer.size, _MOST) or (np.diff(edges) < 0).any()):
            raise ValueError("parts that do not follow each other")  # Arrow would read whatever is there
        self._parts = pa.Array.from_buffers(
            pa.string(), bounds.size, [None, pa.py_buffer(edges.astype(np.int32)), buffer]
        )

    def _part(self, number: int) -> pa.StringArray:
        return self._parts.take(pa.array(np.arange(len(self.places)) * self._bounds.shape[1] + number))

    def cells(self, blank: int) -> Cells:
        """What stands in a blank."""
        number = 2 * blank + 1
        starts, ends = self._bounds[:, number], self._bounds[:, number + 1]
        return Cells(self._part(number), self._text, starts, ends, self._is_utf8)

    def prints(self, rows: Numbers) -> tuple[list[tuple[bytes, ...]], Numbers]:
        """The different prints of these rows, and which of them each row has; with a NUL in it, cut too often."""
        width = self._bounds.shape[1]
        parts = self._parts.take(pa.array((rows[:, None] * width + np.arange(0, width, 2)).ravel()))
        lists = pa.ListArray.from_arrays(pa.array(np.arange(len(rows) + 1, dtype=np.int32) * (width // 2)), parts)
        # No judge accepts a NUL, so a print that holds one may be cut at it.
        joined = pc.binary_join(lists.cast(pa.list_(pa.binary())), b"\0").dictionary_encode()
        return [tuple(print_.split(b"\0")) for print_ in joined.dictionary.to_pylist()], joined.indices.to_numpy()
