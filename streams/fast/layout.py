"""Where the blanks of an event are: which of its strings and numbers differ from event to event.

Only the learning of one event's layout is here; finding the same places in many events is streams/fast/sheets.py's.
"""

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from contracts.events import DATA, ENVELOPES, KIND_OF
from contracts.shapes import Shape, shapes

BlankShape = Literal["id", "record", "subject", "mother", "scan", "time", "when", "decimal", "int", "unread"]

_NUMBER = re.compile(rb"(\s*:\s*)(-?[0-9][^\s,\]}]*)")
_BRACKETS = re.compile(rb"[{}\[\]]")
_FIXED = ("specversion", "source", "type", "data")
_ENVELOPE: dict[str, BlankShape] = {"id": "id", "record": "record", "subject": "subject", "time": "time"}
_DATA: dict[Shape, BlankShape] = {
    "record": "record",
    "mother": "mother",
    "scan": "scan",
    "when": "when",
    "decimal": "decimal",
    "int": "int",
}


class Blank(NamedTuple):
    """One value that is filled in."""

    path: tuple[str, ...]
    """The keys that lead to it: of a field of `data`, two."""
    shape: BlankShape
    string: int
    """Which of the event's strings it is, keys included; of a number, the string before it, which is its key."""
    before: int
    """Bytes between that string's closing quotation mark and a number; -1 for a string."""
    after: int
    """Bytes between a number and the next string's opening quotation mark, or the end of the event."""


class Layout(NamedTuple):
    """The blanks of an event, in their order."""

    kind: str
    blanks: tuple[Blank, ...]


class _Value(NamedTuple):
    """A string or a number of an event, and under which keys it stands."""

    path: tuple[str, ...]
    string: int
    before: int
    after: int
    text: bytes


def learn(raw: bytes) -> Layout | None:
    """The layout of an event without backslashes; None for what has no id or no supported type.

    Nothing is promised for what is not an event: whoever asks has a form of this layout judged.
    """
    values = list(_values(raw.split(b'"')))
    envelope = next((ENVELOPES.get(value.text.decode("latin-1")) for value in values if value.path == ("type",)), None)
    if envelope is None:
        return None
    kind = KIND_OF[envelope]
    blanks = []
    for value in values:
        shape = _shape(kind, value)
        if shape is not None:
            blanks.append(Blank(value.path, shape, value.string, value.before, value.after))
    return Layout(kind, tuple(blanks)) if any(blank.shape == "id" for blank in blanks) else None


def _shape(kind: str, value: _Value) -> BlankShape | None:
    """What may be filled in there; None where the value is part of the form."""
    is_string = value.before < 0
    if len(value.path) == 1 and value.path[0] not in _FIXED:
        return _ENVELOPE.get(value.path[0], "unread") if is_string else None
    if len(value.path) == 2 and value.path[0] == "data":
        shape = _DATA.get(shapes(DATA[kind]).get(value.path[1], "str"))
        return shape if is_string or shape in ("decimal", "int") else None
    return None


def _values(parts: list[bytes]) -> Iterator[_Value]:
    """The values of an event that was split at its quotation marks: every other part is a string."""
    path: list[str] = []
    key = ""
    for number, between in enumerate(parts[::2]):
        opened = _NUMBER.match(between) if number else None
        if opened:
            yield _Value((*path[1:], key), number - 1, opened.end(1), len(between) - opened.end(), opened.group(2))
        for bracket in _BRACKETS.findall(between):
            if bracket in b"{[":
                path.append(key if bracket == b"{" else "[]")
                key = ""
            elif path:
                path.pop()
        if 2 * number + 1 < len(parts):
            text = parts[2 * number + 1]
            if parts[2 * number + 2].lstrip().startswith(b":"):
                key = text.decode("latin-1")
            else:
                yield _Value((*path[1:], key), number, -1, 0, text)
