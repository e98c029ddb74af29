"""Where reading of a partition starts: at the lake's offset, or a reason why it cannot.

How reading goes on from there belongs to streams/intake.py.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from faust.types import TP

from lake import gaps
from lake.gaps import Gap
from lake.home import Home
from lake.origins import NO_SITE
from lake.positions import Span, Stored
from lake.rows import Batch
from streams.sources import Source


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
    """The offset behind what is in the batches: the next fetch must start there."""
    answered: int
    """Receipts were sent up to here."""
    committed: int
    """Kafka's committed offset, as far as this worker moved it."""
    source: Source
    batches: dict[str, Batch] = field(default_factory=dict)
    """By site, with what is not yet in the lake."""
    by_site: Counter[str] = field(default_factory=Counter)
    """Deliveries in the batches, counted as they came."""
    bytes: int = 0
    answer_at: float = 0.0
    """No receipts are sent before this moment, because sending them failed."""
    behind_at: int = -1
    """Where it stood when a fetch behind that was first missed; -1 while none is."""
    behind_since: float = 0.0

    @property
    def rows(self) -> int:
        """How many deliveries are in the batches."""
        return self.by_site.total()

    @property
    def oldest_ms(self) -> int | None:
        """When Kafka took the oldest delivery in hand, in milliseconds since 1970."""
        found = [batch.oldest_ms for batch in self.batches.values()]
        return min((oldest for oldest in found if oldest is not None), default=None)

    @property
    def told(self) -> int:
        """Up to here nothing is owed to the site: neither a receipt nor an alert that waits for a digest."""
        held_from = self.source.alerts.held_from if self.source.alerts else None
        return self.answered if held_from is None else min(self.answered, held_from)

    @property
    def span(self) -> Span:
        """What a flush of the batches has to say."""
        by_site = {site: count for site, count in self.by_site.items() if site != NO_SITE}
        return Span(
            *(self.tp.topic, self.topic_uuid, self.tp.partition, self.stored, self.end, self.rows),
            by_site=by_site if self.source.is_shared else {},
        )

    def keep(self, batches: Iterable[Batch], end: int) -> None:
        """Take in what was judged of the next fetch, which ended there."""
        for batch in batches:
            self.by_site[batch.site_id] += len(batch)
            self.bytes += batch.bytes
            if batch.site_id in self.batches:
                self.batches[batch.site_id].extend(batch)
            else:
                self.batches[batch.site_id] = batch
        self.end = end

    def emptied(self) -> list[Batch]:
        """Nothing is in hand any more; what was is the caller's."""
        full = list(self.batches.values())
        self.batches, self.by_site, self.bytes = {}, Counter(), 0
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

    A gap is recorded, and passed once accepted.
    """
    if bounds is None:
        return Held("no_topic")
    first, behind_last = bounds
    wanted = gaps.wanted(tp.topic, stored.next_offset if stored else None, first)
    if wanted > behind_last:
        # Under the same UUID Kafka would give offsets out again that the lake has rows of.
        return Held("log_ends_early", wanted, behind_last)
    if wanted >= first:
        return wanted
    gap = gaps.report(home, Gap(tp.topic, topic_uuid, tp.partition, wanted, first))
    return first if gap.accepted_at else Held("gap", wanted, first)
