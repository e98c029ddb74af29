"""Calendar arithmetic between a date, as text of a day or a month, and a whole number of days or months.

A month stands as its 15th. What a span means to a registry does not belong here.
"""

import datetime as dt


def months_later(start: str, months: int) -> str:
    """The month so many calendar months after a day or a month, negative for before; the answer is a month."""
    month = int(start[:4]) * 12 + int(start[5:7]) - 1 + months
    return f"{month // 12:04d}-{month % 12 + 1:02d}"


def days_later(start: str, days: int) -> str:
    """The date so many days after, negative for before; a month when `start` is one."""
    is_month = len(start) == 7
    day = dt.date.fromisoformat(f"{start}-15" if is_month else start) + dt.timedelta(days)
    return day.isoformat()[:7] if is_month else day.isoformat()


def weeks_later(start: str, weeks: int) -> str:
    """The month so many weeks after, negative for before: completed weeks do not tell a day."""
    return days_later(start, 7 * weeks)[:7]
