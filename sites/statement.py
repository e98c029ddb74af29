"""A statement ready to be sent, and those that the lab's program makes by itself: retractions and confirmations.

What a file's rows state belongs to `sites.checking`.
"""

from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from contracts.content import content_id
from contracts.errors import B12Error
from contracts.judge import is_refusal, judge
from contracts.site import Site


class Statement(NamedTuple):
    """A good event, ready to be sent."""

    row: int
    output: str
    """The mapping's event; empty for what no mapping gave."""
    kind: str
    subject: str
    record: str
    id: str
    time: str
    raw: bytes
    """The CloudEvent as JSON."""


class Confirmed(NamedTuple):
    """A question of a row rule that the lab answered: what it asks about is right as stated under this id."""

    kind: str
    record: str
    rule: str
    id: str


def stated(
    kind: str, subject: str, data: dict[str, Any], site: Site, time: datetime, record: str | None = None
) -> Statement:
    """An event of the program's own making: its id is its content's; without a `record` it is one by itself."""
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": "0",
        "source": site.source,
        "type": f"b12.{kind}.v1",
        "time": time.isoformat(),
        "subject": subject,
        "data": data,
        **({} if record is None else {"record": record}),
    }
    judged = judge(msgspec.json.encode(event), site)
    if is_refusal(judged):
        raise B12Error(f"a {kind} that this program made is no event ({judged.rule}): tell its developers")
    event["id"] = content_id(judged)
    return Statement(
        0, "", kind, subject, record or event["id"], event["id"], event["time"], msgspec.json.encode(event)
    )
