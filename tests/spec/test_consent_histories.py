"""Consent over random histories: nothing that may not be used is in a table, however often it is sent again.

Each case by itself is told in test_consent.py.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import NamedTuple
from zoneinfo import ZoneInfo

import duckdb
import pytest

from contracts.site import Site
from registry.models import load_models
from tests.registry_fixture import ASK01, BLR01, built, key
from tests.sample_events import event

SCOPE = {
    "enrolment": "blood",
    "lab_result": "blood",
    "growth": "blood",
    "milestone": "development",
    "symptom": "development",
    "imaging": "imaging",
    "mother": "mother",
}
"""What each part of a family's data falls under: taken from the text of the rules, not from their table."""
SCOPES = ("blood", "development", "imaging", "mother", "sharing")
FAMILIES = 40
START = datetime(2026, 3, 10, 20, tzinfo=UTC)


class Consent(NamedTuple):
    status: str
    scopes: tuple[str, ...]
    effective: date
    said: datetime


class Family(NamedTuple):
    site: Site
    subject: str
    consents: tuple[Consent, ...]

    @property
    def usable(self) -> set[str]:
        """The parts that may be used, read from the rules one after the other."""
        last = {scope: self._last(scope) for scope in SCOPES}

        def is_open(scope: str) -> bool:
            return last[scope] == "given" or (last[scope] is None and self.site.consent_basis == "attested")

        if not (is_open("sharing") and is_open("blood")):  # no release, or no enrolment: nothing
            return set()
        return {part for part, scope in SCOPE.items() if is_open(scope)}

    @property
    def is_withdrawn(self) -> bool:
        """Whether nothing of it may be used, and a withdrawal is among the reasons."""
        return not self.usable and any(self._last(scope) == "withdrawn" for scope in SCOPES)

    def _last(self, scope: str) -> str | None:
        standing = None
        for consent in sorted(self.consents, key=self._order):
            standing = consent.status if scope in consent.scopes else standing
        return standing

    def _order(self, consent: Consent) -> tuple[date, datetime, bool]:
        told = consent.said.astimezone(ZoneInfo(self.site.time_zone)).date()
        withdrawn = consent.status == "withdrawn"
        return consent.effective if withdrawn else min(consent.effective, told), consent.said, withdrawn

    def record(self, part: str) -> str:
        return f"{self.subject}-{part}"

    def events(self, sending: int) -> Iterator[bytes]:
        """Everything of it; at each sending under new ids and at a later time, as a system that exports anew does."""
        for part in SCOPE:
            yield event(
                "lab_result" if part == "mother" else part,
                self.site.id,
                id=f"{self.record(part)}-{sending}",
                record=self.record(part),
                subject=self.subject,
                time=(START + timedelta(days=5, minutes=sending)).isoformat(),
                data={"person": "mother"} if part == "mother" else None,
            )
        for number, consent in enumerate(self.consents):
            yield event(
                "consent",
                self.site.id,
                id=f"{self.subject}-consent-{number}",
                subject=self.subject,
                time=consent.said.isoformat(),
                data={
                    "status": consent.status,
                    "scopes": list(consent.scopes),
                    "effective": consent.effective.isoformat(),
                },
            )


def families() -> list[Family]:
    chance = Random(20260310)  # noqa: S311  # a history, not a secret

    def consent() -> Consent:
        # Few days and minutes, around a midnight of the sites, so that statements meet.
        return Consent(
            chance.choice(["given", "given", "withdrawn"]),
            tuple(chance.sample(SCOPES, chance.choice([1, 2, 5, 5]))),
            date(2026, 3, chance.randint(9, 12)),
            START + timedelta(hours=chance.randint(0, 5)),
        )

    return [
        Family(chance.choice([BLR01, ASK01]), f"F{number}", tuple(consent() for _ in range(chance.randint(0, 5))))
        for number in range(FAMILIES)
    ]


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """Every model over all that the families sent, in any order, and sent again."""
    chance = Random(7)  # noqa: S311
    deliveries = {}
    for site in (BLR01, ASK01):
        sent = [raw for each in families() if each.site == site for sending in (0, 1) for raw in each.events(sending)]
        chance.shuffle(sent)
        deliveries[site] = sent
    names = [model.name for model in load_models()]
    with built(tmp_path_factory.mktemp("histories"), deliveries, names, ruled=False) as connection:
        yield connection


def test_the_histories_reach_every_side() -> None:
    sides = Counter((len(each.usable) == len(SCOPE), bool(each.usable), each.is_withdrawn) for each in families())
    assert set(sides) >= {(True, True, False), (False, True, False), (False, False, True), (False, False, False)}


def test_what_may_be_used_is_there_and_nothing_else(tables: duckdb.DuckDBPyConnection) -> None:
    there = _keys(tables, ["core"])
    usable = {key(each.site, "record", each.record(part)) for each in families() for part in each.usable}
    rest = {key(each.site, "record", each.record(part)) for each in families() for part in SCOPE} - usable
    subjects = {str(row[0]) for row in tables.execute("SELECT subject_key FROM core.subjects").fetchall()}
    assert subjects == {key(each.site, "subject", each.subject) for each in families() if each.usable}
    enrolments = {key(each.site, "record", each.record("enrolment")) for each in families()}
    assert there & (usable | rest) - enrolments == usable - enrolments


def test_no_table_of_a_release_holds_a_key_of_what_may_not_be_used(tables: duckdb.DuckDBPyConnection) -> None:
    assert not _keys(tables, ["core", "research", "summary"]) & _barred()


def test_nor_do_the_current_rows_that_operators_see(tables: duckdb.DuckDBPyConnection) -> None:
    current = [
        model.name
        for model in load_models()
        if model.name.startswith("staging.current_") and model.name.removeprefix("staging.current_") in SCOPE
    ]
    assert len(current) == len(SCOPE) - 1
    assert not _keys(tables, current) & _barred()


def test_who_withdrew_is_counted(tables: duckdb.DuckDBPyConnection) -> None:
    counted = tables.execute("""
        SELECT DISTINCT site, n FROM summary.attrition WHERE step = 'withdrawn' AND site <> 'all' AND part = ''
    """).fetchall()
    withdrawn = Counter(each.site.id for each in families() if each.is_withdrawn)
    assert dict(counted) == withdrawn


def _barred() -> set[str]:
    """Keys of the records, and of the families of whom nothing at all may be used."""
    records = {key(each.site, "record", each.record(part)) for each in families() for part in set(SCOPE) - each.usable}
    return records | {key(each.site, "subject", each.subject) for each in families() if not each.usable}


def _keys(tables: duckdb.DuckDBPyConnection, within: list[str]) -> set[str]:
    """Every key in any column of these layers or tables."""
    found: set[str] = set()
    for model in load_models():
        if model.name not in within and model.name.split(".")[0] not in within:
            continue
        for column, kind, *_ in tables.execute(f"DESCRIBE {model.name}").fetchall():
            if "UUID" in kind:
                each = f'unnest("{column}")' if kind.endswith("[]") else f'"{column}"'
                found |= {str(row[0]) for row in tables.execute(f"SELECT DISTINCT {each} FROM {model.name}").fetchall()}
    return found
