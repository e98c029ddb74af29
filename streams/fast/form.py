"""A form: what the events that fill it in have in common, and what the judge says of it."""

import re
from functools import cache, lru_cache
from typing import Any, NamedTuple

import msgspec

from contracts.content import canonical
from contracts.events import DATA, Event
from contracts.judge import Refusal, judge
from contracts.shapes import limits
from contracts.site import Site
from streams.fast.layout import Blank, Layout, learn

_FILLED = {
    "id": b"I",
    "record": b"R",
    "subject": b"S",
    "mother": b"M",
    "scan": b"C",
    "time": b"2026-01-01T00:00:00Z",
    "when": b"2026-01-01",
    "decimal": b"1",
    "unread": b"",
}
"""What we fill in to have a form judged; in a blank for an integer, the least that its field takes."""
_SAID_OF_ENVELOPE = [("id",), ("subject",), ("record",)]
_MARK = re.compile('("?)\ue000([0-9]+)\ue001("?)')

Marks = dict[tuple[str, ...], str]
"""What stands in for a blank's value, by its path."""


class Content(NamedTuple):
    """What events of a form say, in the canonical form that contracts.content defines."""

    pieces: tuple[str, ...]
    """Around the blanks: the first before the first of them, the last behind the last."""
    blanks: tuple[int, ...]
    """Which of the layout's blanks stands where, in the order of the content."""


class Form(NamedTuple):
    """A form that the judge accepts."""

    event: Event
    """One that we filled in."""
    content: Content
    content_without_record: Content
    """Of an event whose record is its id."""


@lru_cache(maxsize=16_384)
def form(site: Site, layout: Layout, print_: tuple[bytes, ...]) -> Form | None:
    """The form with this print around the layout's blanks; None when the judge refuses it or it is not so laid out."""
    if len(print_) != len(layout.blanks) + 1:
        return None  # it was cut at a NUL, which no JSON may hold
    filled = [_filled(layout.kind, blank) for blank in layout.blanks]
    raw = b"".join(part for pair in zip(print_, [*filled, b""], strict=True) for part in pair)
    event = judge(raw, site)
    if isinstance(event, Refusal) or learn(raw) != layout:
        return None
    marks = {blank.path: f"\ue000{place}\ue001" for place, blank in enumerate(layout.blanks)}
    whole = _content(event, layout, marks)
    without = _content(event, layout, marks | {("id",): "\ue000", ("record",): "\ue000"})
    return Form(event, whole, without) if whole and without else None


@cache
def _filled(kind: str, blank: Blank) -> bytes:
    if blank.shape == "int":
        return b"%d" % (limits(DATA[kind])[blank.path[-1]].least or 0)
    return _FILLED[blank.shape]


def _content(event: Event, layout: Layout, marks: Marks) -> Content | None:
    """The canonical content with a mark in place of each blank, cut at the marks."""
    in_data = {path[1]: mark for path, mark in marks.items() if len(path) == 2}
    envelope: dict[str, Any] = {path[0]: mark for path, mark in marks.items() if path in _SAID_OF_ENVELOPE}
    marked = msgspec.structs.replace(event, **envelope, data=msgspec.structs.replace(event.data, **in_data))
    text = canonical(marked).decode()
    pieces, blanks, end = [], [], 0
    for found in _MARK.finditer(text):
        place = int(found.group(2))
        # An integer stands without quotation marks; a number is a text there.
        is_integer = layout.blanks[place].shape == "int"
        start, behind = (found.start(), found.end()) if is_integer else (found.end(1), found.start(3))
        pieces.append(text[end:start])
        blanks.append(place)
        end = behind
    pieces.append(text[end:])
    said = [place for place, blank in enumerate(layout.blanks) if _is_said(blank, marks)]
    return Content(tuple(pieces), tuple(blanks)) if sorted(blanks) == said else None


def _is_said(blank: Blank, marks: Marks) -> bool:
    """Whether the content has the blank's value."""
    return blank.shape not in ("id", "time", "unread") and marks[blank.path] != marks["id",]
