"""Tells each site, after a release, of deliveries with another verdict, or other questions, than before: at least once.

How verdicts are reached belongs to registry/, what a message holds to contracts/verdict_receipts.py. Where there is
no broker the changes wait, and go out with those of the next build.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import groupby
from typing import Any, Protocol

import dagster as dg

from contracts import rulebook
from contracts.errors import EnvironmentProblem
from contracts.history_rules import history_rules
from contracts.platform_event import message, parts
from contracts.site import Site
from contracts.verdict_receipts import ChangedVerdict, ChangedVerdicts, Question, VerdictReceipt
from contracts.verdicts import fix
from lake.home import Home, InternalKafka
from pipelines.checks import RELEASE
from registry import verdicts
from registry.verdicts import Change

RECEIPTS = dg.AssetKey("verdict_receipts")
_SECONDS = 30


class Sender(Protocol):
    """Sends messages, and returns when Kafka has them."""

    def send(self, topic: str, values: Iterable[bytes]) -> None: ...


Connect = Callable[[InternalKafka], AbstractContextManager[Sender]]


class _Producer:
    def __init__(self, producer: Any) -> None:
        self._producer = producer

    def send(self, topic: str, values: Iterable[bytes]) -> None:
        # One partition keeps them in order, so that the last word on an event is the last one read. One at a time:
        # they are large, and few sites have more than one.
        for value in values:
            self._producer.send(topic, value, partition=0).get(timeout=_SECONDS)


@contextmanager
def connected(kafka: InternalKafka) -> Iterator[Sender]:
    """A producer on the internal listener; EnvironmentProblem when Kafka does not answer."""
    from kafka import KafkaProducer
    from kafka.errors import KafkaError

    producer = None
    try:
        producer = KafkaProducer(
            **kafka.client_settings(),
            acks="all",
            max_block_ms=1000 * _SECONDS,
            max_request_size=1_000_000,
        )
        yield _Producer(producer)
    except (KafkaError, OSError) as error:
        raise EnvironmentProblem(
            f"the release is published, but Kafka at {kafka.bootstrap} does not take what the sites are to be told"
            f" ({type(error).__name__}); it goes out with the next build"
        ) from None
    finally:
        if producer is not None:
            producer.close(timeout=_SECONDS)


def verdict_receipts(home: Home, connect: Connect = connected) -> dg.AssetsDefinition:
    """The asset whose materialization is the sending."""

    @dg.asset(
        key=RECEIPTS,
        deps=[RELEASE],
        group_name="release",
        kinds={"kafka"},
        description="What each site is told after a release: the verdicts that changed, with reason and fix.",
        output_required=False,
    )
    def send(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
        try:
            kafka = home.internal_kafka()
        except EnvironmentProblem:
            context.log.warning("no broker was ever started in this home: the sites' verdicts wait for the next build")
            return
        try:
            sent = told(home, kafka, connect)
        except EnvironmentProblem as problem:
            raise dg.Failure(str(problem), metadata={"error": type(problem).__name__}) from None
        yield dg.MaterializeResult(metadata={"verdicts": sum(sent.values()), "by site": dg.MetadataValue.json(sent)})

    return send


def told(home: Home, kafka: InternalKafka, connect: Connect = connected) -> dict[str, int]:
    """Send what changed, and note that it was sent; how many verdicts by site."""
    sites = home.sites()
    sent: dict[str, int] = {}

    def counted(site: str, changes: Iterable[Change]) -> Iterator[Change]:
        for change in changes:
            sent[site] = sent.get(site, 0) + 1
            yield change

    with connect(kafka) as sender:
        for name, changes in groupby(verdicts.changes(home.operators), key=lambda change: change.site):
            site = sites.get(name)
            if site is not None and not site.disabled:
                sender.send(site.receipts_topic, messages(site, counted(name, changes)))
    verdicts.mark_told(home)
    return sent


def messages(site: Site, changes: Iterable[Change]) -> Iterator[bytes]:
    """CloudEvents of at most MOST_BYTES each; the same changes always give the same bytes."""
    for entries in parts(map(_entry, changes)):
        yield message(VerdictReceipt, ChangedVerdicts(site=site.id, verdicts=tuple(entries)), b"b12.verdicts")


def _entry(change: Change) -> ChangedVerdict:
    return ChangedVerdict(
        topic_uuid=change.topic_uuid,
        partition=change.partition,
        offset=change.offset,
        kind=change.kind,
        id_key=change.id_key.hex,
        subject_key=change.subject_key.hex,
        verdict=change.verdict,
        reason=change.reason or "",
        fix=fix(change.kind, change.verdict, change.reason) or "",
        questions=tuple(_question(change.kind, rule) for rule in change.questions or ()),
    )


def _question(kind: str, rule: str) -> Question:
    found = history_rules().get((kind, rule)) or rulebook.rule(kind, rule)
    return Question(rule=rule, field=found.field, fix=found.fix)
