"""The synthetic sites at work: each pushes its files as a lab does, and one has an interface of its own.

What the files hold belongs to `files`; how a push works belongs to `sites`.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from b12.demo.files import Push
from b12.demo.partners import Partner
from contracts.errors import EnvironmentProblem
from contracts.site import Site
from sites import config as configs
from sites import connection, mapping_file, pushing
from sites import ledger as ledgers
from sites.config import LabConfig
from sites.problems import Problem
from sites.sending import HEADERS, KafkaSender


def site_of(partner: Partner) -> Site:
    """A partner as the platform registers it."""
    return Site(
        id=partner.id,
        name=partner.name,
        country=partner.country,
        time_zone=partner.time_zone,
        elevation_m=partner.elevation_m,
        consent_basis=partner.consent_basis,
        synthetic=True,
    )


class Pushed(NamedTuple):
    """What a push did."""

    sent: int
    found: list[Problem]
    """What the check kept at the site, or asked about."""


def push(file: Push, settings_file: Path) -> Pushed:
    """What `b12 push FILE --map MAP --as SITE --only-good` does."""
    settings = configs.load(settings_file, file.site)
    mapping = mapping_file.load(file.mapping) if file.mapping else None
    ledger_path = ledgers.path_of(configs.state_directory(settings_file), file.site)
    with ledgers.opened(ledger_path, settings.key) as ledger, ledgers.one_push_at_a_time(ledger_path):
        now = ledger.next_time(datetime.now(UTC))
        plan = pushing.plan(file.path, mapping, settings.as_site, ledger, now)
        try:
            found = [problem for problem in plan.report.problems if problem.severity in ("critical", "question")]
            sender = KafkaSender(settings)
            if ledger.begin(now, sender.topic_id):
                plan.close()
                plan = pushing.plan(file.path, mapping, settings.as_site, ledger, now)
            if not plan.total:
                return Pushed(0, found)
            return Pushed(pushing.send(plan, settings.as_site, ledger, sender, now).sent, found)
        finally:
            plan.close()


def feed(events: Path, settings_file: Path, site: str, topic: str) -> int:
    """Send each line as it stands, once to a topic: a laboratory system with a Kafka client asks no check.

    A feed that broke off is sent again from its start: what arrives twice is counted once.
    """
    marker = events.with_suffix(".sent")
    if is_sent(marker, topic):
        return 0
    lines = events.read_bytes().splitlines()
    _produce(lines, configs.load(settings_file, site))
    marker.write_text(topic)
    return len(lines)


def is_sent(marker: Path, topics: str) -> bool:
    """Was it sent to these topics? Those of a broker that was made anew are others, and have nothing."""
    return marker.exists() and marker.read_text() == topics


def _produce(lines: list[bytes], settings: LabConfig) -> None:
    from kafka import KafkaProducer
    from kafka.errors import KafkaError

    try:
        producer = KafkaProducer(**connection.client_settings(settings), acks="all", linger_ms=20)
        try:
            sent = [producer.send(settings.events_topic, line, headers=HEADERS) for line in lines]
            producer.flush(timeout=30)
            for future in sent:
                future.get(timeout=0)
        finally:
            producer.close(timeout=5)
    except KafkaError as error:
        raise EnvironmentProblem(
            f"the interface of {settings.site} could not send ({type(error).__name__});"
            " `b12 status` shows whether the broker runs"
        ) from error
