"""What the door answers to a site: one receipt per flush and partition, on the site's receipts topic.

Receipts come at least once: the ranges of two may overlap, and then they say the same of the same offset. How they are
sent belongs to streams/receipts.py, how they are read to sites.
"""

from msgspec import Struct

from contracts.platform_event import PlatformEvent


class RefusedDelivery(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One delivery that the door did not accept."""

    offset: int
    """Where it stands in the partition of the site's events topic."""
    rule: str
    """Rule of the door that refused it."""
    path: str
    """JSON path of the field at fault."""
    fix: str
    """What to do, in plain words."""
    kind: str | None = None
    """The kind that the delivery said it was, if that could be told."""
    id_key: str | None = None
    """Pseudonym of its `id` in 32 hex digits, if that could be told: the site's key turns known ids into it."""
    subject_key: str | None = None
    """Pseudonym of its `subject` in 32 hex digits, if that could be told."""


class Receipts(Struct, frozen=True, kw_only=True):
    """What became of the deliveries of one partition between two offsets."""

    site: str
    """The site's name."""
    topic_uuid: str
    """A topic that was made again has another UUID, and its offsets start anew."""
    partition: int
    """Partition of the site's events topic."""
    from_offset: int
    """The first offset that is meant."""
    to_offset: int
    """The first offset that is not meant. Not every offset between the two need be a delivery."""
    accepted: int
    """How many deliveries were accepted; none of them is listed."""
    refused: tuple[RefusedDelivery, ...]
    """Every one that was not."""


class Receipt(PlatformEvent[Receipts], frozen=True, kw_only=True, tag="b12.receipt.v1"):
    """What became of deliveries at the door. Ranges of two may overlap, and then say the same of the same offset."""

    source: str = "/platform/intake"
