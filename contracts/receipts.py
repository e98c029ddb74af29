"""What the platform answers to a site: one receipt per flush and partition, on the site's receipts topic.

A receipt is a CloudEvent in structured mode, as JSON. Receipts come at least once: the ranges of two may overlap, and
then they say the same of the same offset. How they are sent belongs to streams/receipts.py, how they are read to sites.
"""

from typing import Literal

from msgspec import Struct

TYPE = "b12.receipt.v1"
SOURCE = "/platform/intake"


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
    topic_uuid: str
    """A topic that was made again has another UUID, and its offsets start anew."""
    partition: int
    from_offset: int
    to_offset: int
    """The first offset that is not meant. Not every offset between the two need be a delivery."""
    accepted: int
    """How many deliveries were accepted; none of them is listed."""
    refused: tuple[RefusedDelivery, ...]


class Receipt(Struct, frozen=True, kw_only=True):
    """The CloudEvent."""

    id: str
    """Made of topic UUID, partition and offsets: the same receipt sent again has the same id."""
    data: Receipts
    specversion: Literal["1.0"] = "1.0"
    source: str = SOURCE
    type: Literal["b12.receipt.v1"] = "b12.receipt.v1"
    datacontenttype: str = "application/json"
