"""Where a replayed delivery first came from: the header that makes a record of the replay topic a replay.

Nothing but the replay topic is read with it, and only operators may write there. How a replay is written belongs to
streams/replays.py, how it is judged to streams/sources.py.
"""

from collections.abc import Iterable
from typing import Annotated

import msgspec
from msgspec import Meta

HEADER = "b12.origin"
"""Name of the header. Its value is an Origin as JSON."""

NO_SITE = "b12"
"""Stands as the site of a replay that names none which is registered here. No site can have this name."""

_Natural = Annotated[int, Meta(ge=0, lt=2**53)]


class Origin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The delivery that is judged again: of a replay of a replay, the first one."""

    site: str
    topic: str
    topic_uuid: Annotated[str, Meta(pattern="^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
    partition: Annotated[int, Meta(ge=0, lt=2**31)]
    offset: _Natural
    received_ms: Annotated[int, Meta(ge=0, lt=253_402_300_800_000)]
    """When the broker appended it, in milliseconds since 1970: what the rule on times ahead looks at."""


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Origin).decode


def header(origin: Origin) -> tuple[str, bytes]:
    """The header that names this origin."""
    return HEADER, _encode(origin)


def origin_of(headers: Iterable[tuple[str, bytes | None]]) -> Origin | None:
    """What a record's headers say of its origin; None when they do not say it once and well."""
    values = [value for name, value in headers if name == HEADER]
    if len(values) != 1 or values[0] is None:
        return None
    try:
        return _decode(values[0])
    except (msgspec.MsgspecError, ValueError):
        return None


def without_origin(headers: Iterable[tuple[str, bytes | None]]) -> list[tuple[str, bytes | None]]:
    """The headers that a sender gave: what looks like an origin among a site's own is nobody's word."""
    return [(name, value) for name, value in headers if name != HEADER]
