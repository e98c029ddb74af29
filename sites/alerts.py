"""What the platform alerts a site to, with whom it means in the lab's own codes, and the answer that closes it.

Reading the topic belongs to sites/listening.py, printing to the command; what an alert holds is contracts/alerts.py's.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

import msgspec

from contracts.alerts import Alert, AlertDigestEvent, AlertEvent
from contracts.errors import UsageError
from contracts.site import Site
from sites.ledger import Acknowledged, Ledger
from sites.sending import Sender
from sites.statement import Statement, stated

KIND = "acknowledgement"
_decode = msgspec.json.Decoder(AlertEvent | AlertDigestEvent).decode


class Notice(NamedTuple):
    """One alert as the lab sees it."""

    id: str
    alert: Alert
    subject: str | None
    """The lab's own code of the infant; None where the ledger does not know it."""
    record: str
    """The lab's own, empty when the ledger does not know it."""


class Alerts:
    """The alerts read so far. They come at least once; an id tells a repetition."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._seen: set[str] = set()
        self.notices: list[Notice] = []

    def add(self, value: bytes) -> Iterator[Notice | AlertDigestEvent]:
        """Take in one message and give it if it is new; what this version does not know is passed over."""
        try:
            event = _decode(value)
        except (msgspec.DecodeError, ValueError):
            return
        if event.id in self._seen:
            return
        self._seen.add(event.id)
        if isinstance(event, AlertDigestEvent):
            yield event
            return
        notice = self._notice(event)
        self.notices.append(notice)
        yield notice

    def is_open(self, notice: Notice) -> bool:
        """Whether the lab has not acknowledged it from here. That nothing comes is answered by a push."""
        return bool(notice.alert.subject_key) and not self._ledger.is_answered(KIND, notice.id)

    def named(self, beginning: str) -> Notice:
        """The alert whose id begins so; UsageError unless that is exactly one."""
        found = [notice for notice in self.notices if notice.id.startswith(beginning)]
        if len(found) != 1:
            which = "several alerts begin" if found else "no alert of yours that the platform still holds begins"
            raise UsageError(f"{which} with {beginning}; `b12 alerts` lists them")
        return found[0]

    def _notice(self, event: AlertEvent) -> Notice:
        origin = self._ledger.origin(bytes.fromhex(event.data.id_key))
        if origin:
            return Notice(event.id, event.data, origin.subject, origin.record)
        return Notice(event.id, event.data, self._ledger.subject(bytes.fromhex(event.data.subject_key)), "")


def acknowledgement(notice: Notice, subject: str | None, reason: str, site: Site, now: datetime) -> Statement:
    """The event that says an alert is being dealt with; the alert is its record. UsageError without the infant."""
    if not notice.alert.subject_key:
        raise UsageError("this alert is about your site and no infant: what you push next answers it")
    known = notice.subject or subject
    if known is None:
        raise UsageError(
            "this machine did not send what the alert is about, so it cannot tell which infant is meant:"
            " name your code of the infant with --subject"
        )
    return stated(KIND, known, {"alert": notice.id, "reason": reason}, site, now, record=notice.id)


def send(statement: Statement, ledger: Ledger, sender: Sender) -> None:
    """Send it, and remember that the platform has it."""

    def acknowledged(each: Statement, position: str) -> None:
        ledger.acknowledge([Acknowledged(each.kind, each.record, "", each.subject, each.id, each.time, position)])

    sender.send([statement], acknowledged)
