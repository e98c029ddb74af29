"""The same as quick.py's, compiled: an optional part, which is built from streams/fast/scanner.

What the scanner knows of a form comes from form.py and so from the judge, like quick.py's. A form is learned from an
event that fills in none that is known; from then on the scanner finds whatever fills it in, however seldom.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from contracts.events import DATA
from contracts.judge import MAX_BYTES
from contracts.shapes import limits
from contracts.site import Site
from contracts.when import DATE
from lake.home import quick_way
from lake.rows import Batch, Columns, Ready
from lake.schema import DECIMAL, TIMESTAMP, schema
from streams.fast.form import Form, form
from streams.fast.layout import Blank, Layout, learn
from streams.fast.moments import Numbers
from streams.fast.quick import printed
from streams.fast.sheets import Sheets
from streams.fast.values import AHEAD_MICROS, FIRST_TIME, LAST_TIME, pattern, whens
from streams.records import RawBatch, Record, Undecoded

try:
    from b12_scanner import Scanner
except ImportError:  # it was not built: streams/fast/quick.py does the same
    Scanner = None

LEAST = 128
"""Of events in a fetch, before it pays to make rows of those of each form; the judge is quicker with fewer."""
LEAST_UNKNOWN = 4
"""Of events that fill in no known form, before it pays to learn theirs."""
SAMPLE = 32
"""Of such events, how many are looked at together."""
ROUNDS = 16
"""Of looking at samples, for one fetch."""
MOST_FORMS = 8_192
"""With more, all are forgotten: a site with so many fills in none of them often."""
_MILLISECOND = 1000
"""In microseconds."""
_LEAST_INT, _MOST_INT = -(2**31), 2**31 - 1

_Shape = tuple[str, int, int]
_Buffers = list[bytes]


class _Group:
    """Forms whose events have the same columns."""

    def __init__(self, number: int, kind: str, blanks: tuple[Blank, ...]) -> None:
        self.number, self.kind, self.blanks = number, kind, blanks
        self.forms: list[Form] = []


class _Rows(NamedTuple):
    """Events of one group, as the scanner hands them over: every column is the bytes of one or more of Arrow's."""

    group: int
    size: int
    """Bytes of all of them together."""
    places: bytes
    forms: bytes
    columns: list[_Buffers]
    """Of each blank."""
    records: _Buffers | None
    """Of events without a record of their own."""
    contents: _Buffers


class Left(NamedTuple):
    """A record that no known form is filled in by, or that has headers or no value."""

    offset: int
    timestamp: int
    value: bytes | None
    headers: list[tuple[str, bytes | None]]


class Compiled:
    """The quick way of one partition; it remembers forms from fetch to fetch."""

    def __init__(self) -> None:
        self._forms: _Forms | None = None

    def accept(self, batch: Batch, site: Site, deliveries: Sequence[Record]) -> Sequence[Record]:
        """Put what is accepted into the site's batch, which says where it came; the rest, in its order."""
        if (deliveries.size if isinstance(deliveries, Undecoded) else len(deliveries)) < LEAST:
            return deliveries
        if self._forms is None or self._forms.site != site or self._forms.asked > MOST_FORMS:
            self._forms = _Forms(site, batch.site_key)
        forms = self._forms
        left: Sequence[Record]
        if isinstance(deliveries, Undecoded):
            left = forms.read_batches(batch, deliveries.batches)
        else:
            left = forms.read(batch, deliveries)
        for _ in range(ROUNDS):
            if len(left) < LEAST_UNKNOWN or not forms.learn([found.value or b"" for found in left if _is_bare(found)]):
                break
            left = forms.read(batch, left)
        return left


class _Forms:
    """What was learned of a site's events."""

    def __init__(self, site: Site, key: bytes) -> None:
        self.site = site
        self.scanner: Any = Scanner(key, MAX_BYTES, FIRST_TIME, LAST_TIME, AHEAD_MICROS)
        self._groups: list[_Group] = []
        self._by_columns: dict[tuple[Any, ...], _Group] = {}
        self._within = np.empty(0, np.int64)
        """By the number of a form, its place among the forms of its group."""
        self._dice = np.random.default_rng(12)
        self._asked: set[tuple[Layout, tuple[bytes, ...]]] = set()

    @property
    def asked(self) -> int:
        """How many forms were learned or found to be none."""
        return len(self._asked)

    def learn(self, values: list[bytes]) -> bool:
        """Learn the forms of a sample of these events; whether there was a new one."""
        before = len(self._within)
        sample = self._dice.permutation(len(values))[:SAMPLE]  # what repeats itself must not hide the others
        sheets = Sheets.of_plain([values[place] for place in sample.tolist()])
        for place in range(len(sheets.places)):
            layout = learn(sheets.event(place))
            parts = layout and sheets.cut(np.array([place]), layout, place)
            if layout and parts and len(parts.places):
                [print_], _ = parts.prints(np.array([0]))
                if (layout, print_) not in self._asked:
                    self._asked.add((layout, print_))
                    self._add(layout, print_)
        return len(self._within) > before

    def read_batches(self, batch: Batch, batches: Sequence[RawBatch]) -> list[Left]:
        """Put the events of known forms into the batch; the others, in their order."""
        found, offsets, received_ms, left = self.scanner.read_batches([raw.payload() for raw in batches])
        self._keep(batch, found, np.frombuffer(offsets, np.int64), np.frombuffer(received_ms, np.int64))
        return [*map(Left._make, left)]

    def read(self, batch: Batch, deliveries: Sequence[Record]) -> Sequence[Record]:
        """The same with what is decoded already."""
        bare = [found for found in deliveries if _is_bare(found)]
        offsets, received_ms = (
            np.array(numbers, np.int64) for numbers in ([d.offset for d in bare], [d.timestamp for d in bare])
        )
        found, rest = self.scanner.read([found.value for found in bare], (received_ms * _MILLISECOND).tolist())
        if not found:
            return deliveries
        self._keep(batch, found, offsets, received_ms)
        taken = set(offsets.tolist()) - {bare[place].offset for place in rest}
        return [found for found in deliveries if found.offset not in taken]

    def _keep(self, batch: Batch, found: list[tuple[Any, ...]], offsets: Numbers, received_ms: Numbers) -> None:
        for rows in map(_Rows._make, found):
            places = np.frombuffer(rows.places, np.int64)
            table = self._table(batch, rows, offsets[places], received_ms[places])
            kind, oldest = self._groups[rows.group].kind, int(received_ms[places].min())
            batch.ready.append(Ready(kind, table, offsets[places].tolist(), oldest, rows.size))

    def _add(self, layout: Layout, print_: tuple[bytes, ...]) -> None:
        found = form(self.site, layout, print_)
        if found is None:
            return
        group = self._group(layout)
        contents = [
            ([piece.encode() for piece in content.pieces], list(content.blanks))
            for content in (found.content, found.content_without_record)
        ]
        number = self.scanner.learn(group.number, list(print_), *contents)
        assert number == len(self._within)  # noqa: S101  # both count alike
        self._within = np.append(self._within, len(group.forms))
        group.forms.append(found)

    def _group(self, layout: Layout) -> _Group:
        shapes = [_shape(layout.kind, blank) for blank in layout.blanks]
        paths = [blank.path for blank in layout.blanks]
        group = self._by_columns.get((layout.kind, *paths, *shapes))
        if group is None:
            record = paths.index(("record",)) if ("record",) in paths else None
            number = self.scanner.add_group(shapes, paths.index(("id",)), record)
            group = self._by_columns[layout.kind, *paths, *shapes] = _Group(number, layout.kind, layout.blanks)
            self._groups.append(group)
        return group

    def _table(self, batch: Batch, rows: _Rows, offsets: Numbers, received_ms: Numbers) -> pa.Table:
        """The rows of the lake."""
        group = self._groups[rows.group]
        columns: Columns = {
            "offset": pa.array(offsets),
            "received_at": pa.array(received_ms * _MILLISECOND).view(TIMESTAMP),
        }
        for blank, buffers in zip(group.blanks, rows.columns, strict=True):
            columns |= self._columns(blank, buffers, len(offsets))
        if rows.records is not None:
            columns |= _halves("record", rows.records)
        columns |= _halves("content", rows.contents)
        wanted = schema(group.kind)
        fixed = [name for name in wanted.names if name not in columns]
        used, which = np.unique(self._within[np.frombuffer(rows.forms, np.int64)], return_inverse=True)
        forms = [group.forms[place] for place in used.tolist()]
        columns |= printed(batch, group.kind, forms, pa.array(which), fixed)
        return pa.Table.from_arrays([columns[name] for name in wanted.names], schema=wanted)

    def _columns(self, blank: Blank, buffers: _Buffers, count: int) -> Columns:
        """The lake's columns of what stands in a blank."""
        name = blank.path[-1]
        match blank.shape:
            case "unread":
                return {}
            case "time":
                return {"event_time": _int64(buffers[0]).view(TIMESTAMP)}
            case "when":
                micros, precision = np.frombuffer(buffers[0], np.int64), np.frombuffer(buffers[1], np.int8)
                return whens(name, micros, precision, self.site.zone)
            case "int":
                return {name: pa.Array.from_buffers(pa.int32(), count, [None, pa.py_buffer(buffers[0])])}
            case "decimal":
                numbers, ends, texts = buffers
                starts = pa.py_buffer(bytes(4) + ends)
                return {
                    name: pa.Array.from_buffers(DECIMAL, count, [None, pa.py_buffer(numbers)]),
                    f"{name}_text": pa.StringArray.from_buffers(count, starts, pa.py_buffer(texts)),
                }
            case _:
                return _halves(name, buffers)


def way() -> str:
    """How events are accepted together here: as `B12_FORMS` asks for, as far as it was built."""
    wanted = quick_way()
    return "columns" if wanted == "compiled" and Scanner is None else wanted


def _is_bare(delivery: Record) -> bool:
    return delivery.value is not None and not delivery.headers


def _shape(kind: str, blank: Blank) -> _Shape:
    """What the scanner calls it, with the bounds of a whole number."""
    if blank.shape == "when":
        return "date" if pattern(blank, kind) == DATE else "when", 0, 0
    if blank.shape == "int":
        _, least, most = limits(DATA[kind])[blank.path[-1]]
        return "int", _LEAST_INT if least is None else least, _MOST_INT if most is None else most
    return blank.shape, 0, 0


def _halves(name: str, buffers: _Buffers) -> Columns:
    high, low = buffers
    return {f"{name}_hi": _int64(high), f"{name}_lo": _int64(low)}


def _int64(numbers: bytes) -> pa.Array:
    return pa.Array.from_buffers(pa.int64(), len(numbers) // 8, [None, pa.py_buffer(numbers)])
