"""What the door answers to a site whose deliveries operators had judged again.

It comes at least once, on the site's receipts topic, and takes the place of what was said of the same delivery before.
How it is sent belongs to streams/receipts.py, how it is read to sites.
"""

from typing import Literal

from msgspec import Struct

from contracts.platform_event import PlatformEvent


class ReplayedDelivery(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One delivery that was judged again."""

    topic_uuid: str
    """UUID of the site's events topic: a topic that was made again has another."""
    partition: int
    """Partition of the topic."""
    offset: int
    """Where the site's own delivery stands in the partition."""
    verdict: Literal["accepted", "refused"]
    """What the door says of it now."""
    rule: str = ""
    """Rule of the door that refused it."""
    path: str = ""
    """JSON path of the field at fault."""
    fix: str = ""
    """What to do, in plain words."""
    kind: str | None = None
    """The kind that the delivery said it was, if that could be told."""
    id_key: str | None = None
    """Pseudonym of its `id` in 32 hex digits, if that could be told: the site's key turns known ids into it."""
    subject_key: str | None = None
    """Pseudonym of its `subject` in 32 hex digits, if that could be told."""


class Replays(Struct, frozen=True, kw_only=True):
    """Deliveries of one site that were judged again, or a part of them when there are many."""

    site: str
    """The site's name."""
    deliveries: tuple[ReplayedDelivery, ...]
    """The door's last word on each."""


class ReplayReceipt(PlatformEvent[Replays], frozen=True, kw_only=True, tag="b12.replays.v1"):
    """What became of deliveries that operators had judged again, after a rule or the platform was mended."""

    source: str = "/platform/intake"
