"""What the synthetic partners say: dates, statements and deliveries, before any file format.

Which infants there are belongs in `infants`, how files look in `files`.
"""

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal
from zoneinfo import ZoneInfo

Value = Any
"""A text, Decimal, int, bool, tuple of these, or a Moment."""


@dataclass(frozen=True, order=True)
class Moment:
    """A local date at the site; with a minute of the day when the clock was noted."""

    date: date
    minute: int | None = None
    precision: Literal["time", "day", "month"] = "day"

    @classmethod
    def month_of(cls, day: date) -> "Moment":
        """The month alone: it stands as its 15th."""
        return cls(day.replace(day=15), None, "month")

    @classmethod
    def at(cls, day: date, clock: str) -> "Moment":
        """A local time, `clock` as 09:30."""
        hour, minute = clock.split(":")
        return cls(day, int(hour) * 60 + int(minute), "time")

    @property
    def clock(self) -> str:
        """The time as 09:30; empty when none was noted."""
        return "" if self.minute is None else f"{self.minute // 60:02d}:{self.minute % 60:02d}"

    def iso(self, zone: ZoneInfo, *, as_utc: bool = False) -> str:
        """The date as events carry it: 2025-03, 2025-03-14 or 2025-03-14T09:30+05:30."""
        if self.precision == "month":
            return f"{self.date:%Y-%m}"
        if self.minute is None:
            return self.date.isoformat()
        local = datetime.combine(self.date, datetime.min.time(), zone) + timedelta(minutes=self.minute)
        if as_utc:
            return local.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")
        return local.isoformat(timespec="minutes")


@dataclass(frozen=True)
class Statement:
    """One thing said of one infant, in the contract's field names."""

    site: str
    subject: str
    kind: str
    key: tuple[str, ...]
    """What it is called in a file and the columns that identify it there: they make its `record`."""
    data: dict[str, Value] = field(hash=False)

    def but(self, **changes: Value) -> "Statement":
        """The same record saying something else; a change to None leaves the field out."""
        data = {**self.data, **changes}
        return replace(self, data={name: value for name, value in data.items() if value is not None})


@dataclass(frozen=True)
class Delivery:
    """One statement on its way: what the broker receives."""

    statement: Statement
    channel: Literal["push", "interface"]
    """`push`: by a file and `b12 push`. `interface`: by the site's own Kafka client, whose ids and times it makes."""
    round: int = 1
    """Which version of the file; a later one is a later statement."""
    id: str | None = None
    """The sender's id; None where the push makes it from the content."""
    time: datetime | None = None
    """The event's `time`; None where it is the moment of the push."""
    source: str | None = None
    """Another site's `source`, in the event that came to the wrong topic."""
    fault: str | None = None
    """The planted fault that this delivery is part of."""

    @property
    def record(self) -> str:
        """The event's `record`."""
        return ":".join(self.statement.key)

    @property
    def said(self) -> tuple[datetime, int]:
        """Orders the statements of one record."""
        return self.time or datetime.min.replace(tzinfo=UTC), self.round


def number(text: str) -> Decimal:
    """A reported number; its text is kept as it was written."""
    return Decimal(text)
