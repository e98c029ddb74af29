"""The registry, built over a lake without Kafka from what synthetic sites say, with what the truth says of it.

What is asserted of the two belongs to the tests.
"""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from b12.demo import cohort
from b12.demo.envelopes import envelope
from b12.demo.partners import PARTNERS
from b12.demo.sending import site_of
from b12.demo.statements import Delivery
from b12.demo.truth import core, release
from lake.home import Home
from lake.snapshot import snapshot
from registry import build, inputs
from tests.growth_figures import figure
from tests.lake_fixture import record

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


class Registry(NamedTuple):
    """A build of everyone, and what it should be."""

    home: Home
    given: inputs.Inputs
    truth: dict[str, list[core.Row]]
    lists: dict[str, list[core.Row]]
    """What the operators should be told, which has dates."""
    candidate: Path
    operators: Path


def built(directory: Path, deliveries: Sequence[Delivery], chance: random.Random | None = None) -> Registry:
    """A build of these deliveries; with `chance` they arrive in any order, and some of them twice."""
    home = Home(directory)
    home.make()
    home.ensure_secret()
    for partner in PARTNERS.values():
        home.put_site(site_of(partner))
        sent = [raw(d) for d in deliveries if d.statement.site == partner.id]
        if chance:
            sent += chance.sample(sent, len(sent) // 5)
            chance.shuffle(sent)
        record(home, site_of(partner), sent, received=NOW)
    given = inputs.pinned(home, snapshot(home), cohort.CUT_OFF)
    truth = release.tables(deliveries, cohort.CUT_OFF, figure)
    lists = release.lists(deliveries, cohort.CUT_OFF)
    candidate, operators = home.path / "candidate.duckdb", home.path / "operators.duckdb"
    for _ in build.run(given, candidate, operators, commented=False):
        pass
    return Registry(home, given, truth, lists, candidate, operators)


def raw(delivery: Delivery) -> bytes:
    """The event; a pushed one gets an id from its content and the time of its push."""
    if delivery.id is None:
        pushed = NOW - timedelta(minutes=9 - delivery.round)
        delivery = replace(delivery, id=f"{delivery.record}-{delivery.round}", time=pushed)
    return envelope(delivery).encode()
