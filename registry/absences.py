"""What did not come, as alerts to the sites: found by the last build, told once, and once more when nobody answers.

What is missing stands in `staging.absences`, by definitions.absence. Which alerts were sent is state that changes
between builds: it stands in a small SQLite file of the home's; losing it repeats alerts under the same ids. Sending
belongs to pipelines/.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import duckdb

from contracts.alerts import Alert, AlertEvent, absence_id
from contracts.errors import EnvironmentProblem
from lake.home import Home

_MISSING = """
SELECT a.site, a.subject_key, a.rule, a.about, a.kind, a.person, a.severity, a.advice,
    a.escalate_after_days, b.cut_off
FROM absences AS a
CROSS JOIN build AS b
ORDER BY a.site, a.rule, a.subject_key, a.about
"""
_ACKNOWLEDGED = """
SELECT a.site, a.alert
FROM current_acknowledgement AS a
CROSS JOIN build AS b
WHERE a.until_date IS NULL OR a.until_date >= b.cut_off
"""


def due(home: Home) -> Iterator[AlertEvent]:
    """The alerts that no site was sent yet, by site.

    The first one about something that is missing and, later, the escalated one: unless the site has acknowledged
    either, or asked for quiet until a day that is still to come.
    """
    with duckdb.connect(str(home.operators), read_only=True) as connection:
        missing = connection.execute(_MISSING).fetchall()
        acknowledged = set(connection.execute(_ACKNOWLEDGED).fetchall())
    told = _told(home)
    for site, subject, rule, about, *rest, escalate_after_days, cut_off in missing:
        subject_key = subject.hex if subject else ""
        known = [absence_id(site, subject_key, rule, about, is_escalated=late) for late in (False, True)]
        if any((site, alert) in acknowledged for alert in known):
            continue
        first, escalated = known
        if first not in told:
            yield _event(first, (site, subject_key, rule, *rest), cut_off, is_escalated=False)
        elif escalated not in told and cut_off >= told[first] + timedelta(escalate_after_days):
            yield _event(escalated, (site, subject_key, rule, *rest), cut_off, is_escalated=True)


def mark_told(home: Home, alerts: Iterable[AlertEvent]) -> None:
    """Note that Kafka has these alerts."""
    path = _file(home)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(
                "CREATE TABLE IF NOT EXISTS told (id TEXT PRIMARY KEY, as_of TEXT NOT NULL) WITHOUT ROWID"
            )
            rows = [(alert.id, alert.data.raised_at.date().isoformat()) for alert in alerts]
            connection.executemany("INSERT OR IGNORE INTO told VALUES (?, ?)", rows)
    except sqlite3.Error as error:
        raise _unreadable(path, error) from None


def _told(home: Home) -> dict[str, date]:
    """By id the cut-off as of which a site was told."""
    path = _file(home)
    if not path.exists():
        return {}
    try:
        with closing(sqlite3.connect(path)) as connection:
            rows = connection.execute("SELECT id, as_of FROM told").fetchall()
            return {alert: date.fromisoformat(as_of) for alert, as_of in rows}
    except sqlite3.Error as error:
        raise _unreadable(path, error) from None


def _event(id_: str, what: tuple[Any, ...], cut_off: date, *, is_escalated: bool) -> AlertEvent:
    site, subject_key, rule, kind, person, severity, advice = what
    alert = Alert(
        site=site,
        kind=kind,
        id_key="",
        subject_key=subject_key,
        person=person or "infant",
        rule=rule,
        severity="critical" if is_escalated else severity,
        advice=advice,
        raised_at=datetime.combine(cut_off, time(), UTC),
        is_escalated=is_escalated,
    )
    return AlertEvent(id=id_, data=alert)


def _file(home: Home) -> Path:
    return home.path / "absences.sqlite"


def _unreadable(path: Path, error: sqlite3.Error) -> EnvironmentProblem:
    return EnvironmentProblem(
        f"{path}: cannot be used ({type(error).__name__}); delete it, and the sites are sent these alerts again, under"
        " the ids that they know"
    )
