"""The CloudEvent in which the platform speaks to one site: the same envelope for receipts, verdicts and alerts.

What they hold stands in contracts/receipts.py, verdict_receipts.py and alerts.py; what a site says in events.py.
"""

from typing import Generic, Literal, TypeVar

from msgspec import Struct

Content = TypeVar("Content")


class PlatformEvent(Struct, Generic[Content], frozen=True, kw_only=True, tag_field="type"):
    """A CloudEvents 1.0 object in structured mode, sent at least once."""

    id: str
    """Made of what it says: the same statement sent again has the same id."""
    source: str
    """Which part of the platform speaks."""
    data: Content
    """What it says."""
    specversion: Literal["1.0"] = "1.0"
    """Version of CloudEvents."""
    datacontenttype: str = "application/json"
    """Format of `data`."""
