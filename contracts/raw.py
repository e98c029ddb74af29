"""What a delivery's bytes tell by themselves: encoding, depth, repeated keys, what is readable of a bad one.

What the event says is decoded and judged in contracts/judge.py.
"""

import json
import re
from typing import Any

import msgspec

MAX_DEPTH = 16
"""The deepest nesting that is read: an honest event has three levels. Python's own limit depends on its caller."""

# Without the hook a number such as 1e999 does not decode, although a Decimal field takes it.
_loose = msgspec.json.Decoder(float_hook=len).decode
_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)


def nests_too_deep(raw: bytes) -> bool:
    """Whether brackets nest deeper than MAX_DEPTH."""
    return raw.count(b"{") + raw.count(b"[") > MAX_DEPTH and _depth(raw) > MAX_DEPTH


def repeats_keys(raw: bytes, document: dict[str, Any]) -> bool:
    """Whether an object of a decodable document repeats a key: msgspec would silently keep the last.

    Most cannot, and that is quick to tell: without a backslash every quotation mark opens or closes a key or a text.
    """
    if b"\\" not in raw and raw.count(b'"') == 2 * _texts(document):
        return False
    return _repeats_keys(raw)


def as_written(raw: bytes) -> dict[str, Any]:
    """The object that a decodable document holds, its texts and keys as they were written, its numbers perhaps not."""
    try:
        document: dict[str, Any] = _loose(raw)
    except ValueError:  # an integer with thousands of digits in an attribute that is not read
        return readable(raw)
    return document


def readable(raw: bytes) -> dict[str, Any]:
    """The object that a document holds, numbers aside; empty for anything else."""
    try:
        # Numbers are not read: Python refuses those with thousands of digits.
        document = json.loads(raw, parse_int=len, parse_float=len)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def is_utf8(raw: bytes) -> bool:
    """Whether the bytes are UTF-8."""
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def _depth(raw: bytes) -> int:
    """How deep brackets nest outside texts."""
    depth = deepest = 0
    for byte in _TEXT.sub(b"", raw):
        if byte in b"{[":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"}]":
            depth -= 1
    return deepest


def _texts(node: Any) -> int:
    """How many keys and texts an object or array of a decoded document holds."""
    is_object = type(node) is dict
    values = node.values() if is_object else node
    types = list(map(type, values))  # counting types in C is three times as fast as a loop
    count = types.count(str) + (len(node) if is_object else 0)
    if dict in types or list in types:
        count += sum([_texts(value) for value in values if type(value) is dict or type(value) is list])
    return count


def _repeats_keys(raw: bytes) -> bool:
    found = False

    def pairs(items: list[tuple[str, Any]]) -> None:
        nonlocal found
        found = found or len({key for key, _ in items}) < len(items)

    json.loads(raw, object_pairs_hook=pairs, parse_int=len, parse_float=len)
    return found
