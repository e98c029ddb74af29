"""What a lab remembers of its pushes: the last acknowledged statement of every record, and whose pseudonym is whose.

It stays on the lab's machine, in the clear. Deleting it loses nothing but time: the next push sends everything again
under the same ids, which the registry counts once.
"""

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from contracts import pseudonyms
from contracts.errors import EnvironmentProblem, UsageError
from sites.statement import Confirmed

_SCHEMA = """
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS records (
    kind TEXT NOT NULL, record TEXT NOT NULL, output TEXT NOT NULL, subject TEXT NOT NULL,
    id TEXT NOT NULL, position TEXT NOT NULL, is_current INTEGER NOT NULL,
    PRIMARY KEY (kind, record)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS statements (
    id_key BLOB PRIMARY KEY, kind TEXT NOT NULL, record TEXT NOT NULL, subject TEXT NOT NULL,
    time TEXT NOT NULL, position TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS confirmations (
    kind TEXT NOT NULL, record TEXT NOT NULL, rule TEXT NOT NULL, id TEXT NOT NULL, position TEXT NOT NULL,
    PRIMARY KEY (kind, record, rule)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS subjects (subject_key BLOB PRIMARY KEY, subject TEXT NOT NULL) WITHOUT ROWID;
"""

_CLOCK_BACK = timedelta(minutes=10)


class Acknowledged(NamedTuple):
    """One statement that the platform has."""

    kind: str
    record: str
    output: str
    """The mapping's event; empty when it came from a file of events."""
    subject: str
    id: str
    time: str
    position: str
    """Where it stands in Kafka: the topic's UUID, partition and offset, parted by slashes."""
    retracts: tuple[str, str] | None = None
    """Kind and record that it takes back."""
    confirms: Confirmed | None = None
    """The question that it answers."""


class Origin(NamedTuple):
    """What a pseudonym in a receipt stands for."""

    kind: str
    record: str
    subject: str


class Vanished(NamedTuple):
    """A record that the platform has and a file no longer holds."""

    kind: str
    record: str
    subject: str


class Ledger:
    """The ledger of one site. Open it with `opened`."""

    def __init__(self, connection: sqlite3.Connection, site_key: bytes) -> None:
        self._db = connection
        self._key = site_key

    def current_ids(self) -> dict[tuple[str, str], str]:
        """The id of the last acknowledged statement of every record of a table, by kind and record."""
        rows = self._db.execute("SELECT kind, record, id FROM records WHERE is_current")
        return {(kind, record): id_ for kind, record, id_ in rows}

    def newest(self) -> Iterator[tuple[tuple[str, str], str, bool]]:
        """Kind and record of every record of a table, where its newest delivery stands, and whether that is current:
        neither refused nor taken back.
        """
        for kind, record, position, is_current in self._db.execute(
            "SELECT kind, record, position, is_current FROM records"
        ):
            yield (kind, record), position, bool(is_current)

    def is_acknowledged(self, id_: str, time: str) -> bool:
        """Whether the platform has this statement of a file of events."""
        key = pseudonyms.pseudonym(self._key, "id", id_)
        row = self._db.execute("SELECT 1 FROM statements WHERE id_key = ? AND time = ?", (key, time)).fetchone()
        return row is not None

    @contextmanager
    def unchanging(self) -> Iterator[None]:
        """Many questions at once: each by itself would open and close the file's lock, which takes most of its time."""
        self._db.execute("BEGIN")
        try:
            yield
        finally:
            self._db.rollback()  # nothing was written

    @property
    def is_empty(self) -> bool:
        """No record of a table was ever acknowledged."""
        return self._db.execute("SELECT 1 FROM records LIMIT 1").fetchone() is None

    def vanished(self, outputs: Iterable[str], there: set[tuple[str, str]]) -> list[Vanished]:
        """The current records of these outputs that are not `there`."""
        wanted = list(outputs)
        marks = ",".join("?" * len(wanted))
        rows = self._db.execute(
            f"SELECT kind, record, subject FROM records WHERE is_current AND output IN ({marks}) ORDER BY 1, 2", wanted
        )
        return [Vanished(*row) for row in rows if (row[0], row[1]) not in there]

    def acknowledge(self, statements: Iterable[Acknowledged]) -> None:
        """Remember what the platform has acknowledged; one transaction. Retractions take back what stood before."""
        told = list(statements)
        ids = self._keys("id", [statement.id for statement in told])
        subjects = list({statement.subject for statement in told})
        with self._db:
            self._db.executemany(
                "INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?, ?, ?, 1)",
                [
                    (each.kind, each.record, each.output, each.subject, each.id, each.position)
                    for each in told
                    if each.output
                ],
            )
            self._db.executemany(
                "UPDATE records SET is_current = 0 WHERE kind = ? AND record = ?",
                [each.retracts for each in told if each.retracts],
            )
            self._db.executemany(
                "INSERT OR REPLACE INTO confirmations VALUES (?, ?, ?, ?, ?)",
                [(*each.confirms, each.position) for each in told if each.confirms],
            )
            self._db.executemany(
                "INSERT OR REPLACE INTO statements VALUES (?, ?, ?, ?, ?, ?)",
                [
                    (key, each.kind, each.record, each.subject, each.time, each.position)
                    for key, each in zip(ids, told, strict=True)
                ],
            )
            self._db.executemany(
                "INSERT OR IGNORE INTO subjects VALUES (?, ?)",
                zip(self._keys("subject", subjects), subjects, strict=True),
            )

    def forget(self, position: str) -> bool:
        """The intake refused what stands at this position: if that is a record's last, the next push sends it again."""
        with self._db:
            done = [
                self._db.execute("UPDATE records SET is_current = 0 WHERE position = ? AND is_current", (position,)),
                self._db.execute("UPDATE statements SET time = '' WHERE position = ? AND time != ''", (position,)),
            ]
            self._db.execute("DELETE FROM confirmations WHERE position = ?", (position,))
        return any(each.rowcount > 0 for each in done)

    def confirmed(self) -> frozenset[Confirmed]:
        """Every question that the platform has the lab's answer to."""
        return frozenset(map(Confirmed._make, self._db.execute("SELECT kind, record, rule, id FROM confirmations")))

    def is_confirmed(self, id_key: bytes, rule: str) -> bool:
        """Whether the lab answered a rule's question about the statement that an id's pseudonym stands for."""
        rows = self._db.execute("SELECT id FROM confirmations WHERE rule = ?", (rule,))
        return any(pseudonyms.pseudonym(self._key, "id", id_) == id_key for (id_,) in rows)

    def is_answered(self, kind: str, record: str) -> bool:
        """Whether the platform has a statement of this kind and record, and did not refuse it."""
        rows = self._db.execute("SELECT 1 FROM statements WHERE kind = ? AND record = ? AND time != ''", (kind, record))
        return rows.fetchone() is not None

    def has_current(self, kind: str, record: str) -> bool:
        """Whether the last statement of a table's record was acknowledged, and not refused or taken back since."""
        found = self._db.execute("SELECT 1 FROM records WHERE kind = ? AND record = ? AND is_current", (kind, record))
        return found.fetchone() is not None

    def origin(self, id_key: bytes) -> Origin | None:
        """Which statement an id's pseudonym stands for."""
        row = self._db.execute("SELECT kind, record, subject FROM statements WHERE id_key = ?", (id_key,)).fetchone()
        return Origin(*row) if row else None

    def subject(self, subject_key: bytes) -> str | None:
        """The lab's own code of the infant behind a pseudonym."""
        row = self._db.execute("SELECT subject FROM subjects WHERE subject_key = ?", (subject_key,)).fetchone()
        return row[0] if row else None

    def next_time(self, now: datetime) -> datetime:
        """The moment of a push: later than that of every push before, so that its statements are the current ones.

        EnvironmentProblem when this machine's clock stands well before an earlier push.
        """
        text = self._setting("last_push")
        last = datetime.fromisoformat(text) if text else datetime.min.replace(tzinfo=UTC)
        if last - now > _CLOCK_BACK:
            raise EnvironmentProblem(
                "this machine's clock is behind an earlier push, so that corrections would lose against what they"
                " correct: set the clock, then push again"
            )
        return max(now, last + timedelta(milliseconds=1))

    def begin(self, time: datetime, topic_id: str) -> bool:
        """A push starts: note its moment, and forget what was acknowledged by a topic that is no more.

        True when the topic is another one than before, so that everything is sent again.
        """
        before = self._setting("topic_id")
        with self._db:
            if is_other := before is not None and before != topic_id:
                self._db.execute("UPDATE records SET is_current = 0")
                self._db.execute("UPDATE statements SET time = ''")
                self._db.execute("DELETE FROM confirmations")
            self._db.executemany(
                "INSERT OR REPLACE INTO settings VALUES (?, ?)",
                [("last_push", time.isoformat()), ("topic_id", topic_id)],
            )
        return is_other

    def _keys(self, role: pseudonyms.Role, values: list[str]) -> list[bytes]:
        return pseudonyms.digests(self._key, role, (value.strip().encode() for value in values))

    def _setting(self, name: str) -> str | None:
        row = self._db.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None


def path_of(directory: Path, site: str) -> Path:
    """Where the ledger of a site lies."""
    return directory / f"{site}.ledger.sqlite"


@contextmanager
def opened(path: Path, site_key: bytes) -> Iterator[Ledger]:
    """The ledger at `path`, made when it is not there; EnvironmentProblem when it cannot be used."""
    _make(path)  # it holds the infants' codes
    with closing(sqlite3.connect(path, timeout=5)) as connection:
        try:
            connection.executescript(_SCHEMA)
            yield Ledger(connection, site_key)
        except sqlite3.OperationalError as error:
            raise EnvironmentProblem(f"{path} cannot be used ({error}); check the disk's space and rights") from None
        except sqlite3.DatabaseError as error:
            raise EnvironmentProblem(
                f"{path} is damaged ({type(error).__name__}): move it away; the next push then sends everything once"
                " more, which the registry counts once"
            ) from None


@contextmanager
def one_push_at_a_time(ledger: Path) -> Iterator[None]:
    """UsageError while another push of the site is running: each would send everything."""
    path = ledger.with_suffix(".lock")
    _make(path)
    # A lock of SQLite's, because those work on every system; it goes with the process that holds it.
    with closing(sqlite3.connect(path, timeout=0.2, isolation_level=None)) as lock:
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError:
            raise UsageError(f"another push of this site is running ({path}); wait for it") from None
        yield


def _make(path: Path) -> None:
    """An empty file that only its owner can read, where there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
