"""The alerts of one topic partition on their way to its site: one by one up to a cap, and as a digest above it.

How alerts are found belongs to streams/alerts.py; when what is due is sent, and what a crash leaves to be sent again,
to streams/answers.py.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable

from contracts.alerts import AlertCount, AlertDigest, AlertDigestEvent, Severity, digest_id
from contracts.platform_event import encode
from contracts.site import Site
from lake.home import partitions
from streams.alerts import Raised

MOST_PER_HOUR = 60
"""Alerts of one site that are listed; each partition of its topic has its share."""
HOUR = 3600.0
DIGEST_SECONDS = 60.0
"""For which alerts above the cap are gathered into one digest."""
_SEVERITIES: tuple[Severity, ...] = ("critical", "warning")


class SiteAlerts:
    """What was told of one partition. A new owner of the partition starts with an empty one, and repeats ids."""

    def __init__(self, site: Site, clock: Callable[[], float] = time.monotonic) -> None:
        self.site, self._clock = site, clock
        self._most = max(1, MOST_PER_HOUR // partitions())
        self._listed: dict[str, float] = {}
        """By id, when it was let through within the last hour."""
        self._held: dict[str, Raised] = {}
        self._held_since = 0.0

    def take(self, found: Iterable[Raised]) -> list[Raised]:
        """Those that are to be listed, the most severe first; the others are held for the next digest."""
        now = self._clock()
        self._listed = {known: at for known, at in self._listed.items() if now - at < HOUR}
        listed = []
        for alert in sorted(found, key=lambda alert: (_SEVERITIES.index(alert.event.data.severity), alert.offset)):
            known = alert.event.id
            if known in self._listed or len(self._listed) < self._most:
                self._listed.setdefault(known, now)
                listed.append(alert)
            else:
                self._held_since = self._held_since if self._held else now
                self._held.setdefault(known, alert)
        return listed

    @property
    def held_from(self) -> int | None:
        """The offset of the first alert that waits for a digest: a new owner has to find it again."""
        return min((alert.offset for alert in self._held.values()), default=None)

    def due(self, *, at_once: bool = False) -> list[Raised]:
        """The alerts that a digest is due of."""
        is_due = at_once or self._clock() - self._held_since >= DIGEST_SECONDS
        return list(self._held.values()) if is_due else []

    def told(self, digest: Iterable[Raised]) -> None:
        """A digest of these was sent."""
        for alert in digest:
            self._held.pop(alert.event.id, None)


def rules_of(alerts: Iterable[Raised]) -> Counter[str]:
    """How many of them each rule raised."""
    return Counter(alert.event.data.rule for alert in alerts)


def listed(alerts: Iterable[Raised]) -> list[bytes]:
    """The messages of these alerts."""
    return [encode(alert.event) for alert in alerts]


def digest(site: Site, alerts: Iterable[Raised]) -> bytes:
    """The one message that stands for these alerts."""
    events = [alert.event for alert in alerts]
    counts = Counter((_SEVERITIES.index(e.data.severity), e.data.rule, e.data.advice) for e in events)
    moments = [event.data.raised_at for event in events]
    return encode(
        AlertDigestEvent(
            id=digest_id(event.id for event in events),
            data=AlertDigest(
                site=site.id,
                from_time=min(moments),
                to_time=max(moments),
                counts=tuple(
                    AlertCount(rule=rule, severity=_SEVERITIES[order], alerts=count, advice=advice)
                    for (order, rule, advice), count in sorted(counts.items())
                ),
            ),
        )
    )
