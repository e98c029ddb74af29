"""Deliveries as CloudEvents, for the site that writes its own.

Sites that send files leave this to `b12 push`.
"""

import json
from decimal import Decimal
from typing import Any

from b12.demo.partners import COPENHAGEN, PARTNERS, Partner
from b12.demo.statements import Delivery, Moment


def envelope(delivery: Delivery) -> str:
    """The event as one line of JSON; numbers are written as they were reported."""
    said, site = delivery.statement, PARTNERS[delivery.statement.site]
    if delivery.id is None or delivery.time is None:
        raise ValueError("the ids and times of files are made by the push")
    event = {
        "specversion": "1.0",
        "id": delivery.id,
        "source": delivery.source or f"/sites/{said.site}",
        "type": f"b12.{said.kind}.v1",
        "time": delivery.time.isoformat().replace("+00:00", "Z"),
        "subject": said.subject,
        "record": delivery.record,
        "data": {name: _plain(value, site) for name, value in said.data.items()},
    }
    return _as_written(event)


def _plain(value: Any, site: Partner) -> Any:
    # Copenhagen keeps its times in UTC, so that the local date has to be found from the site's zone.
    return value.iso(site.zone, as_utc=site is COPENHAGEN) if isinstance(value, Moment) else value


def _as_written(node: Any) -> str:
    if isinstance(node, dict):
        return "{" + ", ".join(f"{json.dumps(name)}: {_as_written(value)}" for name, value in node.items()) + "}"
    return format(node, "f") if isinstance(node, Decimal) else json.dumps(node)
