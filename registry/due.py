"""What operators ask sites for: follow-up that is due or was missed, and infants to be screened.

It is read from the operators' database, which has the dates. What is due stands in the models of `models/operators/`;
how it is shown belongs to the command.
"""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

import duckdb

from contracts.errors import UsageError
from lake.home import Home
from registry.errors import NoRelease

_VISITS = """
WITH standing AS (
    SELECT
        *,
        CASE
            WHEN state NOT IN ('not_due', 'due', 'missed') OR has_left THEN state
            WHEN $as_of < opens_date THEN 'not_due'
            WHEN $as_of <= closes_date THEN 'due'
            ELSE 'missed'
        END AS state_then
    FROM follow_up_due
    WHERE site = $site OR $site IS NULL
)
"""
_WANTED = f"""{_VISITS}
SELECT site, subject_key, visit, state_then, opens_date, target_date, closes_date, is_approximate
FROM standing
WHERE state_then IN ('due', 'missed') AND NOT has_left
-- What is still due first, that which closes soonest before the rest; then what was missed, the newest first.
ORDER BY site, state_then, abs(closes_date - $as_of), subject_key, visit
"""
_COUNTS = f"""{_VISITS}
SELECT site, visit, state_then, count(*)::INTEGER
FROM standing
GROUP BY site, visit, visit_order, state_then
ORDER BY site, visit_order, state_then
"""
_TO_SCREEN = """
SELECT site, subject_key, screening, until_date, is_approximate
FROM screening_list
WHERE (site = $site OR $site IS NULL) AND until_date > $as_of
ORDER BY site, until_date, subject_key
"""


class Visit(NamedTuple):
    """A visit that a site should still see to."""

    site: str
    subject_key: UUID
    visit: str
    state: str
    """`due` while its window is open, `missed` afterwards."""
    opens: date
    target: date
    closes: date
    is_approximate: bool
    """The birth is known to the month: the days may lie half a month off."""


class Count(NamedTuple):
    """How many visits of a site stand in one state."""

    site: str
    visit: str
    state: str
    visits: int


class ToScreen(NamedTuple):
    """An infant who should be screened."""

    site: str
    subject_key: UUID
    screening: str
    until: date
    """First day on which it is too old for it."""
    is_approximate: bool


class Due(NamedTuple):
    """What is due on a day, as the build of the operators' database knows it."""

    as_of: date
    cut_off: date
    """Of the build: what came later is not known."""
    visits: Sequence[Visit]
    counts: Sequence[Count]
    to_screen: Sequence[ToScreen]


def read(home: Home, site: str | None = None, as_of: date | None = None) -> Due:
    """What is due at one site, or at all, on a day: by default that of the build.

    NoRelease when nothing was built; UsageError for a day before the build's, or a site that this home does not have.
    """
    if site is not None:
        home.site(site)
    if not home.operators.exists():
        raise NoRelease(f"{home.path}: nothing was built yet, so nothing is known to be due; run `b12 build`")
    with duckdb.connect(str(home.operators), read_only=True) as connection:
        [(cut_off,)] = connection.execute("SELECT cut_off FROM build").fetchall()
        if as_of is not None and as_of < cut_off:
            raise UsageError(
                f"--as-of {as_of}: the last build is as of {cut_off}, and what was due before cannot be told from it;"
                " name that day or a later one"
            )
        day = as_of or cut_off
        asked = {"as_of": day, "site": site}
        return Due(
            day,
            cut_off,
            [Visit._make(row) for row in connection.execute(_WANTED, asked).fetchall()],
            [Count._make(row) for row in connection.execute(_COUNTS, asked).fetchall()],
            [ToScreen._make(row) for row in connection.execute(_TO_SCREEN, asked).fetchall()],
        )
