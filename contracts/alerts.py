"""What the platform tells a site at once: an event that needs a look soon, or one that did not come; never a value.

Alerts come at least once, on the site's alerts topic; a reader tells a repetition by its id. When one is due stands in
contracts/definitions/alerts.toml and absences.toml; how they are found and sent does not belong here.
"""

from collections.abc import Iterable
from datetime import datetime
from hashlib import blake2b
from typing import Annotated, Literal

from msgspec import Meta, Struct

from contracts.platform_event import PlatformEvent

SOURCE = "/platform/alerts"

Severity = Literal["critical", "warning"]
Moment = Annotated[datetime, Meta(tz=True)]


class Alert(Struct, frozen=True, kw_only=True):
    """One event of the site that needs a look soon."""

    site: str
    """The site's name."""
    kind: str
    """Kind of the event."""
    id_key: str
    """Pseudonym of the event's `id` in 32 hex digits: the site's key turns known ids into it.

    Empty when the alert is about an event that did not come; `kind` is then the one that is waited for.
    """
    subject_key: str
    """Pseudonym of the event's `subject` in 32 hex digits; empty when nothing comes from the site at all."""
    person: Literal["infant", "mother"]
    """About whom it is."""
    rule: str
    """Why: a rule of the definitions of alerts or of absences."""
    severity: Severity
    """`critical`: at once. `warning`: at the next visit."""
    advice: str
    """What to do, in plain words."""
    raised_at: Moment
    """When the platform received the event; of what did not come, the day as of which it was missed."""
    is_escalated: bool = False
    """It was told before, nothing came, and the site did not acknowledge it in time."""


class AlertCount(Struct, frozen=True, kw_only=True):
    """How many alerts of one rule a digest stands for."""

    rule: str
    """Why: a rule of the definitions of alerts."""
    severity: Severity
    """As in an alert."""
    alerts: int
    """How many."""
    advice: str
    """What to do, in plain words."""


class AlertDigest(Struct, frozen=True, kw_only=True):
    """Many alerts at once, counted instead of listed: a site's flood must not hide another's alert."""

    site: str
    """The site's name."""
    from_time: Moment
    """When the platform received the first of their events."""
    to_time: Moment
    """When it received the last."""
    counts: tuple[AlertCount, ...]
    """By rule, the most severe first."""


class AlertEvent(PlatformEvent[Alert], frozen=True, kw_only=True, tag="b12.alert.v1"):
    """An infant or mother of the site who needs a look soon, or what did not come; an acknowledgement names its id.

    It does not replace the laboratory's own call of a critical value.
    """

    source: str = SOURCE


class AlertDigestEvent(PlatformEvent[AlertDigest], frozen=True, kw_only=True, tag="b12.alert_digest.v1"):
    """More alerts of the site than can be looked at one by one, counted by rule."""

    source: str = SOURCE


def alert_id(site: str, id_key: str, rule: str) -> str:
    """The id of the alert that a rule raises for an event: 32 hex digits, whenever and however often it is found."""
    return _id(b"b12.alert", (site, id_key, rule))


def absence_id(site: str, subject_key: str, rule: str, about: str = "", *, is_escalated: bool = False) -> str:
    """The id of the alert about what did not come: the same at every build that misses it."""
    return _id(b"b12.absence", (site, subject_key, rule, about, "escalated" if is_escalated else ""))


def digest_id(alert_ids: Iterable[str]) -> str:
    """The id of the digest of these alerts, in any order: 32 hex digits."""
    return _id(b"b12.digest", sorted(alert_ids))


def _id(role: bytes, parts: Iterable[str]) -> str:
    # No part holds a line feed.
    return blake2b("\n".join(parts).encode(), digest_size=16, person=role).hexdigest()
