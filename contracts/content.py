"""What a statement says, without when and under which number it was said: the base of ids and of identity."""

from decimal import Decimal
from functools import lru_cache
from hashlib import blake2b

import msgspec

from contracts.events import Event

_UNSTATED = ("specversion", "id", "time")

_encode = msgspec.json.Encoder(order="sorted", decimal_format="string").encode


def canonical(event: Event) -> bytes:
    """The statement as JSON with sorted keys, absent fields left out and 1.0 equal to 1.

    Defaults are left out too, so that a new optional field changes no old hash; `record` defaults to the id.
    """
    statement = msgspec.to_builtins(event, builtin_types=(Decimal,))
    for name in _UNSTATED:
        del statement[name]
    if statement.get("record") == event.id:
        del statement["record"]
    data = statement["data"]
    for name, value in data.items():
        if isinstance(value, Decimal):
            data[name] = _plain(value)
    return _encode(statement)


def content_id(event: Event) -> str:
    """The id that a push gives a statement: 32 hex digits, equal exactly when the statement is."""
    return blake2b(canonical(event), digest_size=16, person=b"b12.content").hexdigest()


@lru_cache(maxsize=131_072)
def said_number(text: str) -> str:
    """How the content has a number that was written so."""
    return str(_plain(Decimal(text)))


def _plain(value: Decimal) -> Decimal:
    # normalize() rounds to the context's 28 digits, which is also the most that the door lets in.
    return value.normalize() if value else Decimal(0)
