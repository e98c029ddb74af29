"""What did not come is told to its site once, once more when nobody answers, and never again."""

import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import duckdb
import msgspec
import pytest

from contracts.alerts import AlertDigestEvent, AlertEvent, absence_id
from contracts.errors import EnvironmentProblem
from lake.home import Home, InternalKafka
from pipelines import absence_alerts
from tests.registry_fixture import BLR01, OSL01

DAY = date(2026, 3, 31)
LATER = date(2026, 4, 14)
"""14 days after it."""
INFANT = uuid.UUID(int=7)
FIRST = absence_id("BLR01", INFANT.hex, "overdue_test", "months_3")
SECOND = absence_id("BLR01", INFANT.hex, "overdue_test", "months_3", is_escalated=True)


class Kafka:
    """Takes what is sent, or nothing."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, AlertEvent | AlertDigestEvent]] = []
        self.is_down = False

    @contextmanager
    def connected(self, _: InternalKafka) -> Iterator["Kafka"]:
        yield self

    def send(self, topic: str, values: Iterable[bytes]) -> None:
        if self.is_down:
            raise EnvironmentProblem("no broker")
        self.sent += [(topic, msgspec.json.decode(value, type=AlertEvent | AlertDigestEvent)) for value in values]

    def told(self) -> list[tuple[str, str]]:
        found = [(topic, event.id) for topic, event in self.sent]
        self.sent.clear()
        return found


class Build:
    """A home, and what its last build misses."""

    def __init__(self, directory: Path) -> None:
        self.home = Home(directory)
        for site in (BLR01, OSL01):
            self.home.put_site(site)
        self.kafka = Kafka()

    def missing(self, *rows: tuple[str, uuid.UUID | None, str, str], cut_off: date = DAY, **quiet: date | None) -> None:
        """Site, subject, rule and about, each to escalate after 14 days; and quiet until when, by alert."""
        self.home.operators.unlink(missing_ok=True)
        with duckdb.connect(str(self.home.operators)) as connection:
            connection.execute("CREATE TABLE build AS SELECT ?::DATE AS cut_off", [cut_off])
            connection.execute(
                "CREATE TABLE absences (site VARCHAR, subject_key UUID, rule VARCHAR, about VARCHAR, kind VARCHAR,"
                " person VARCHAR, severity VARCHAR, advice VARCHAR, escalate_after_days INTEGER)"
            )
            connection.execute("CREATE TABLE current_acknowledgement (site VARCHAR, alert VARCHAR, until_date DATE)")
            for site, subject, rule, about in rows:
                person = "infant" if subject else None
                told = [site, subject, rule, about, "lab_result", person, "warning", "Call the family.", 14]
                connection.execute("INSERT INTO absences VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", told)
            for name, until in quiet.items():
                alert = {"first": FIRST, "second": SECOND}[name]
                connection.execute("INSERT INTO current_acknowledgement VALUES ('BLR01', ?, ?)", [alert, until])

    def tell(self) -> list[tuple[str, str]]:
        kafka = InternalKafka("localhost:1")
        absence_alerts.told(self.home, kafka, self.kafka.connected)
        return self.kafka.told()


OVERDUE = ("BLR01", INFANT, "overdue_test", "months_3")
TOPIC = BLR01.alerts_topic


@pytest.fixture
def build(tmp_path: Path) -> Build:
    return Build(tmp_path / "home")


def test_a_build_repeated_tells_nothing_twice(build: Build) -> None:
    build.missing(OVERDUE)
    assert build.tell() == [(TOPIC, FIRST)]
    assert build.tell() == []
    build.missing(OVERDUE, cut_off=date(2026, 4, 13))
    assert build.tell() == []


def test_what_nobody_acknowledged_is_told_once_more_as_critical(build: Build) -> None:
    build.missing(OVERDUE)
    build.tell()
    build.missing(OVERDUE, cut_off=LATER)
    absence_alerts.told(build.home, InternalKafka("localhost:1"), build.kafka.connected)
    ((topic, event),) = build.kafka.sent
    assert isinstance(event, AlertEvent)
    assert (topic, event.id, event.data.severity, event.data.is_escalated) == (TOPIC, SECOND, "critical", True)
    build.kafka.told()
    assert build.tell() == []


@pytest.mark.parametrize(
    ("until", "told"),
    [(None, []), (LATER, []), (date(2026, 4, 13), [(TOPIC, SECOND)])],
)
def test_an_acknowledgement_keeps_it_quiet_for_good_or_until_a_day(
    build: Build, until: date | None, told: list[tuple[str, str]]
) -> None:
    build.missing(OVERDUE)
    build.tell()
    build.missing(OVERDUE, cut_off=LATER, first=until)
    assert build.tell() == told


def test_what_came_is_told_no_more(build: Build) -> None:
    build.missing(OVERDUE)
    build.tell()
    build.missing()
    assert build.tell() == []


def test_an_alert_names_rule_and_advice_and_no_day_of_the_infant(build: Build) -> None:
    build.missing(OVERDUE, ("OSL01", None, "silent_site", ""))
    absence_alerts.told(build.home, InternalKafka("localhost:1"), build.kafka.connected)
    (_, infant), (topic, site) = build.kafka.sent
    assert isinstance(infant, AlertEvent)
    assert isinstance(site, AlertEvent)
    assert (infant.data.rule, infant.data.advice, infant.data.id_key) == ("overdue_test", "Call the family.", "")
    assert (infant.data.subject_key, infant.data.raised_at.date()) == (INFANT.hex, DAY)
    assert (topic, site.data.subject_key) == (OSL01.alerts_topic, "")


def test_what_kafka_did_not_take_is_told_at_the_next_build(build: Build) -> None:
    build.missing(OVERDUE)
    build.kafka.is_down = True
    with pytest.raises(EnvironmentProblem):
        build.tell()
    build.kafka.is_down = False
    assert build.tell() == [(TOPIC, FIRST)]


def test_a_site_that_is_disabled_is_told_nothing(build: Build) -> None:
    build.home.put_site(msgspec.structs.replace(BLR01, disabled=True))
    build.missing(OVERDUE)
    assert build.tell() == []


def test_a_flood_becomes_a_digest(build: Build) -> None:
    build.missing(*(("BLR01", uuid.UUID(int=n), "overdue_test", "months_3") for n in range(70)))
    absence_alerts.told(build.home, InternalKafka("localhost:1"), build.kafka.connected)
    *listed, (_, digest) = build.kafka.sent
    assert len(listed) < 70
    assert isinstance(digest, AlertDigestEvent)
    assert len(listed) + sum(count.alerts for count in digest.data.counts) == 70
    build.kafka.told()
    assert build.tell() == []


def test_a_damaged_memory_says_what_to_do(build: Build) -> None:
    build.missing(OVERDUE)
    (build.home.path / "absences.sqlite").write_bytes(b"not a database, but long enough to be taken for a page of one")
    with pytest.raises(EnvironmentProblem, match="delete it"):
        build.tell()
