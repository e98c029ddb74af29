"""A date as a lab knows it: to the minute, to the day, or to the month.

JSON carries ISO 8601 text of reduced precision, as FHIR does: `2026-03`, `2026-03-14` or
`2026-03-14T09:30+05:30`. The local date is the one in the site's own zone; a month stands as its 15th.
"""

from calendar import monthrange
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

Precision = Literal["time", "day", "month"]
Day = date
"""The same type under a name that no field of When hides."""

DATE = r"^[12][0-9]{3}-[0-9]{2}(-[0-9]{2})?\Z"
"""A day or a month."""
DATE_OR_TIME = (
    r"^[12][0-9]{3}-[0-9]{2}"
    r"(-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2}))?)?\Z"
)
"""A time with its zone, a day, or a month."""


class When(NamedTuple):
    """A point in time with the precision at which it was reported."""

    date: date
    """Local date at the site."""
    at: datetime | None
    """The moment, in UTC, when a time was reported."""
    precision: Precision

    @property
    def earliest(self) -> Day:
        """The first day that it can mean: a month's first."""
        return self.date.replace(day=1) if self.precision == "month" else self.date

    @property
    def latest(self) -> Day:
        """The last day that it can mean: a month's last."""
        if self.precision != "month":
            return self.date
        return self.date.replace(day=monthrange(self.date.year, self.date.month)[1])


def parse_when(text: str, zone: ZoneInfo) -> When:
    """Read a text that matches DATE or DATE_OR_TIME. Raises ValueError for a day that no calendar has."""
    if len(text) <= 10:
        return _parse_date(text)
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("a time needs its zone")
    return When(at.astimezone(zone).date(), at.astimezone(UTC), "time")


@lru_cache(maxsize=65_536)
def _parse_date(text: str) -> When:
    if len(text) == 7:
        return When(date(int(text[:4]), int(text[5:]), 15), None, "month")
    return When(date.fromisoformat(text), None, "day")


def require_calendar(text: str) -> None:
    """Raises ValueError when a text that matches DATE or DATE_OR_TIME names a day or a time that no calendar has."""
    if len(text) <= 10:
        _parse_date(text)
    else:
        datetime.fromisoformat(text)
