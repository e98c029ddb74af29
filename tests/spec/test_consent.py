"""Consent: what may be used of a subject, by scope. Applied before any later model sees a row.

Each case is one subject of a site that has an enrolment, a result, a milestone, an image and a result of the mother;
its consents are given as status, scopes, effective date, and the minute at which each was said.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from contracts.site import Site
from tests.registry_fixture import BLR01, built, given
from tests.sample_events import event

PARTS = ("enrolment", "lab_result", "milestone", "imaging", "mother")
CORE = ("core.subjects", "core.lab_results")
ALL = ("blood", "development", "imaging", "mother", "sharing")


class Consent(NamedTuple):
    status: str
    scopes: Sequence[str]
    effective: str
    minute: int
    record: str | None = None
    id: str | None = None


class Case(NamedTuple):
    says: str
    consents: Sequence[Consent]
    out: Mapping[str, str]
    """Verdict of the parts that are not included."""
    basis: str = "attested"
    retracted: Sequence[str] = ()


def everything(verdict: str) -> dict[str, str]:
    return dict.fromkeys(PARTS, verdict)


CASES = [
    Case("a site that attests is in unless withdrawn", [], {}),
    Case("a site that asks each family waits until consent is given", [], everything("held"), "per_subject"),
    Case("consent to everything lets everything in", [Consent("given", ALL, "2026-03-01", 1)], {}, "per_subject"),
    Case(
        "consent to the blood and to sharing lets in what falls under blood, and nothing else",
        [Consent("given", ["blood", "sharing"], "2026-03-01", 1)],
        {"milestone": "held", "imaging": "held", "mother": "held"},
        "per_subject",
    ),
    Case(
        "without consent to sharing nothing is released",
        [Consent("given", ["blood", "development", "imaging", "mother"], "2026-03-01", 1)],
        everything("held"),
        "per_subject",
    ),
    Case(
        "a withdrawal takes out its scope",
        [Consent("withdrawn", ["imaging"], "2026-03-01", 1)],
        {"imaging": "withdrawn"},
    ),
    Case(
        "the mother's events fall under her scope, whatever their kind",
        [Consent("withdrawn", ["mother"], "2026-03-01", 1)],
        {"mother": "withdrawn"},
    ),
    Case(
        "a withdrawal of sharing takes the subject out everywhere",
        [Consent("withdrawn", ["sharing"], "2026-03-01", 1)],
        everything("withdrawn"),
    ),
    Case(
        "so does one of blood, under which the enrolment falls",
        [Consent("withdrawn", ["blood"], "2026-03-01", 1)],
        everything("withdrawn"),
    ),
    Case(
        "the later effective date decides",
        [Consent("withdrawn", ALL, "2026-03-01", 1), Consent("given", ALL, "2026-03-02", 2)],
        {},
    ),
    Case(
        "an older consent that arrives late restores nothing",
        [Consent("withdrawn", ALL, "2026-03-02", 1), Consent("given", ALL, "2026-03-01", 2)],
        everything("withdrawn"),
    ),
    Case(
        "of two statements about one day the later said decides",
        [Consent("withdrawn", ALL, "2026-03-02", 2), Consent("given", ALL, "2026-03-02", 3)],
        {},
    ),
    Case(
        "on a tie the narrower wins",
        [Consent("withdrawn", ALL, "2026-03-02", 2), Consent("given", ALL, "2026-03-02", 2)],
        everything("withdrawn"),
    ),
    Case(
        "a mistyped year of a consent does not outlast a later withdrawal",
        [Consent("given", ALL, "2062-03-01", 1), Consent("withdrawn", ALL, "2026-03-21", 2)],
        everything("withdrawn"),
        "per_subject",
    ),
    Case(
        "a withdrawal ahead of its day counts at once",
        [Consent("withdrawn", ["imaging"], "2026-12-31", 1)],
        {"imaging": "withdrawn"},
    ),
    Case(
        "a withdrawal that was entered in error is corrected under its record",
        [
            Consent("withdrawn", ALL, "2026-03-02", 1, record="form-1"),
            Consent("given", ALL, "2026-03-02", 2, record="form-1"),
        ],
        {},
    ),
    Case(
        "or retracted",
        [Consent("withdrawn", ALL, "2026-03-02", 1, record="form-1")],
        {},
        retracted=["form-1"],
    ),
    Case(
        "a withdrawal whose id says something else too is heard all the same",
        [
            Consent("withdrawn", ["imaging"], "2026-03-02", 1, id="x", record="form-1"),
            Consent("given", ["imaging"], "2026-03-02", 2, id="x", record="form-2"),
        ],
        {"imaging": "withdrawn"},
    ),
]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, dict[str, str]]:
    """The verdicts of every case's parts: each case is a site of its own, so one build judges them all."""
    deliveries = {}
    for number, case in enumerate(CASES):
        site = Site(
            id=f"CASE{number}",
            name="A case",
            country="IN",
            time_zone="Asia/Kolkata",
            consent_basis=case.basis,
            synthetic=True,
        )
        deliveries[site] = parts(site) + [consent(site, each) for each in case.consents]
        deliveries[site] += [
            event(
                "retraction",
                site.id,
                id=f"retraction-{record}",
                time=_at(59),
                data={"target_kind": "consent", "target_record": record},
            )
            for record in case.retracted
        ]
    with built(tmp_path_factory.mktemp("consent"), deliveries, ["staging.verdicts"], ruled=False) as connection:
        rows = connection.execute("""
            SELECT d.site, d."offset", v.verdict
            FROM staging.verdicts AS v INNER JOIN staging.deliveries AS d ON v.delivery = d.delivery
            ORDER BY ALL
        """).fetchall()
    found: dict[str, dict[str, str]] = {site.id: {} for site in deliveries}
    for site_id, offset, verdict in rows:
        if offset < len(PARTS):
            found[site_id][PARTS[offset]] = verdict
    return {case.says: found[f"CASE{number}"] for number, case in enumerate(CASES)}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.says)
def test_consent(case: Case, told: Mapping[str, dict[str, str]]) -> None:
    assert told[case.says] == {part: case.out.get(part, "included") for part in PARTS}


def test_a_statement_repeated_after_the_withdrawal_does_not_come_back(tmp_path: Path) -> None:
    withdrawn = consent(BLR01, Consent("withdrawn", ALL, "2026-03-02", 30))
    with built(tmp_path, {BLR01: [*parts(BLR01), withdrawn, *parts(BLR01)]}, CORE) as connection:
        assert connection.execute("SELECT count(*) FROM core.subjects").fetchall() == [(0,)]
        assert connection.execute("SELECT count(*) FROM core.lab_results").fetchall() == [(0,)]


def test_a_withdrawal_is_heard_though_its_site_is_held_at_earlier_offsets(tmp_path: Path) -> None:
    withdrawn = consent(BLR01, Consent("withdrawn", ALL, "2026-03-02", 30))
    revoked = consent(BLR01, Consent("given", ALL, "2026-03-03", 31))
    inputs = given(tmp_path, {BLR01: [*parts(BLR01), withdrawn, revoked]}, held_at={"BLR01": len(PARTS)})
    with built(tmp_path, inputs, ["core.subjects"], ruled=False) as connection:
        verdicts = connection.execute("SELECT verdict, count(*) FROM staging.verdicts GROUP BY verdict").fetchall()
        assert verdicts == [("withdrawn", len(PARTS))]
        assert connection.execute("SELECT count(*) FROM core.subjects").fetchall() == [(0,)]


def parts(site: Site) -> list[bytes]:
    """One event of each of PARTS."""
    return [
        *(event(kind, site.id, id=f"{kind}-1", time=_at(0)) for kind in PARTS[:-1]),
        event(id="mother-1", site=site.id, record="mother-1", time=_at(0), data={"person": "mother"}),
    ]


def consent(site: Site, said: Consent) -> bytes:
    """A consent event."""
    event_id = said.id or f"consent-{said.status}-{said.minute}"
    return event(
        "consent",
        site.id,
        id=event_id,
        record=said.record or event_id,
        time=_at(said.minute),
        data={"status": said.status, "scopes": list(said.scopes), "effective": said.effective},
    )


def _at(minute: int) -> str:
    return f"2026-03-20T08:{minute:02d}:00Z"
