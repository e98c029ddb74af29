"""Where reading of a partition starts: at the lake's offset, or a reason why it cannot.

How reading goes on from there belongs to streams/intake.py.
"""

from dataclasses import dataclass

from faust.types import TP

from contracts.site import Site
from lake.gaps import Gap, report
from lake.home import Home
from lake.rows import Batch
from lake.table import Stored


@dataclass(slots=True)
class Place:
    """One partition that is being read, and what of it is not yet in the lake."""

    tp: TP
    topic_uuid: str
    lease: int
    stored: int | None
    """The lake's next offset; None before its first flush."""
    began: int
    """The offset that it is read from since it was taken."""
    end: int
    """The offset behind what is in the batch: the next fetch must start there."""
    answered: int
    """Receipts were sent up to here."""
    batch: Batch
    received: int = 0
    """Deliveries in the batch, counted as they came."""
    bytes: int = 0
    answer_at: float = 0.0
    """No receipts are sent before this moment, because sending them failed."""
    behind_at: int = -1
    """Where it stood when a fetch behind that was first missed; -1 while none is."""
    behind_since: float = 0.0

    @property
    def site(self) -> Site:
        return self.batch.site

    @property
    def oldest_ms(self) -> int | None:
        """When Kafka took the oldest delivery of the batch, in milliseconds since 1970."""
        return self.batch.received_ms[0] if self.batch.received_ms else None

    def emptied(self) -> Batch:
        """A new batch for what comes next; the old one is the caller's."""
        full = self.batch
        self.batch = Batch(full.site, full.site_key, full.topic_uuid, full.partition)
        self.received = self.bytes = 0
        return full


@dataclass(frozen=True, slots=True)
class Held:
    """Why a partition is not read."""

    reason: str
    """`gap`, `log_ends_early` or `no_topic`."""
    wanted: int = 0
    """The offset that the lake wants."""
    offered: int = 0
    """The nearest that Kafka has."""


def start(home: Home, tp: TP, topic_uuid: str, stored: Stored | None, bounds: tuple[int, int] | None) -> int | Held:
    """The offset to read from, given what the lake holds and what Kafka offers: its first offset and the one behind
    its last, None when the topic is gone.

    A topic that the lake does not know is read from its first offset. A gap is recorded, and passed once accepted.
    """
    if bounds is None:
        return Held("no_topic")
    first, behind_last = bounds
    if stored is None:
        return first
    if stored.next_offset > behind_last:
        # Under the same UUID Kafka would give offsets out again that the lake has rows of.
        return Held("log_ends_early", stored.next_offset, behind_last)
    if stored.next_offset >= first:
        return stored.next_offset
    gap = report(home, Gap(tp.topic, topic_uuid, tp.partition, stored.next_offset, first))
    return first if gap.accepted_at else Held("gap", stored.next_offset, first)
