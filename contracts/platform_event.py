"""The CloudEvent in which the platform speaks to one site: the same envelope for receipts, verdicts and alerts.

What they hold stands in contracts/receipts.py, verdict_receipts.py and alerts.py; what a site says in events.py.
"""

from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import Any, Generic, Literal, TypeVar

from msgspec import Struct, json

MOST_BYTES = 500_000
"""Of one message: half of what a broker takes by default."""

Content = TypeVar("Content")
Entry = TypeVar("Entry", bound=Struct)

encode = json.Encoder().encode


class PlatformEvent(Struct, Generic[Content], frozen=True, kw_only=True, tag_field="type"):
    """A CloudEvents 1.0 object in structured mode, sent at least once."""

    id: str
    """Made of what it says: the same statement sent again has the same id."""
    source: str = "/platform"
    """Which part of the platform speaks."""
    data: Content
    """What it says."""
    specversion: Literal["1.0"] = "1.0"
    """Version of CloudEvents."""
    datacontenttype: str = "application/json"
    """Format of `data`."""


def parts(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """The entries in their order, as many at a time as fit into a message of MOST_BYTES; no empty list."""
    part: list[Entry] = []
    size = 0
    for entry in entries:
        length = len(encode(entry)) + 1
        if part and size + length > MOST_BYTES:
            yield part
            part, size = [], 0
        part.append(entry)
        size += length
    if part:
        yield part


def message(event: type[PlatformEvent[Any]], data: Struct, role: bytes) -> bytes:
    """A message as JSON whose id is made of what it says, in a role of its own."""
    return encode(event(id=blake2b(encode(data), digest_size=16, person=role).hexdigest(), data=data))
