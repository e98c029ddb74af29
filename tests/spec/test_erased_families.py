"""Erased families over random histories: the registry is what it would be had nobody heard of them, but for the counts.

What an erasure does to the lake is told in tests/unit/test_erasure.py.
"""

import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from random import Random
from uuid import UUID

import duckdb
import pytest

from contracts.pseudonyms import as_uuid, pseudonym, site_key
from contracts.site import Site
from lake import erasure, tombstones
from lake.home import Home
from lake.maintenance import maintain
from lake.snapshot import snapshot
from lake.tombstones import Subject
from registry import build, content, invariants
from registry.content import Content
from registry.inputs import pinned
from registry.models import Model, load_models, needed_for
from tests.lake_fixture import record, record_replays
from tests.registry_fixture import ASK01, BLR01, CUT_OFF, opened, without_rules
from tests.sample_events import event
from tests.spec.test_consent_histories import SCOPE, Family, families

SITES = (BLR01, ASK01)
MODELS = without_rules(load_models())
OUT = [each for each in families() if each.is_withdrawn]
IN = [each for each in families() if not each.is_withdrawn]


def subject(home: Home, family: Family) -> Subject:
    key = pseudonym(site_key(home.secret(), family.site.id), "subject", family.subject)
    return Subject(family.site.id, key)


def made(home: Home, directory: Path, models: Sequence[Model] = MODELS) -> tuple[Path, Path]:
    """The release candidate and the operators' database of all that the lake holds."""
    directory.mkdir()
    files = directory / "release.duckdb", directory / "operators.duckdb"
    given = pinned(home, snapshot(home), CUT_OFF)
    for _ in build.run(given, *files, models=models, commented=False):
        pass
    assert [outcome for outcome in invariants.check(*files, models) if not outcome.holds] == []
    return files


def contents(files: tuple[Path, Path]) -> dict[str, Content]:
    """A fingerprint of every table of the release."""
    with build.opened(*files, read_only=True) as connection:
        return content.of_release(connection, "release")


def send(home: Home, who: Iterable[Family], sending: int, chance: Random) -> None:
    """All that the families' sites say, in any order and a few at a time."""
    for site in SITES:
        sent = [raw for each in who if each.site == site for raw in each.events(sending)]
        chance.shuffle(sent)
        for first in range(0, len(sent), 100):
            record(home, site, sent[first : first + 100], partition=chance.randrange(2))


def given_again(family: Family) -> bytes:
    said = {"status": "given", "scopes": ["blood", "development", "imaging", "mother", "sharing"]}
    return event(
        "consent",
        family.site.id,
        id=f"{family.subject}-again",
        subject=family.subject,
        time="2026-06-01T08:00:00Z",
        data=said | {"effective": "2026-06-01"},
    )


def at_home(directory: Path) -> Home:
    home = Home(directory)
    home.make()
    (home.secrets / "pseudonym.key").write_bytes(b"s" * 32)
    for site in SITES:
        home.put_site(site)
    return home


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Families of every kind; those who withdrew were erased, and after that everything was sent and replayed again."""
    home = at_home(tmp_path_factory.mktemp("erased") / "home")
    chance = Random(11)  # noqa: S311
    refused = {site: event("lab_result", site.id, id="refused", subject=_one(site).subject, data={"loinc": "0"})
               for site in SITES}  # fmt: skip
    for site in SITES:
        record(home, site, [refused[site]])
    for sending in (0, 1):
        send(home, families(), sending, chance)
    gone = [subject(home, each) for each in OUT]
    tombstones.put(home, gone)
    erasure.erase(home.lake, gone)
    send(home, families(), 2, chance)
    for site in SITES:
        record(home, site, [given_again(each) for each in OUT if each.site == site])
    mended = {site: event("lab_result", site.id, id="refused", subject=_one(site).subject) for site in SITES}
    record_replays(home, [(site, 0, mended[site]) for site in SITES])
    return home


def _one(site: Site) -> Family:
    return next(each for each in OUT if each.site == site)


@pytest.fixture(scope="module")
def files(home: Home, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return made(home, tmp_path_factory.mktemp("builds") / "built")


@pytest.fixture(scope="module")
def tables(files: tuple[Path, Path]) -> Iterator[duckdb.DuckDBPyConnection]:
    with opened(*files) as connection:
        yield connection


def test_both_sites_have_families_of_both_kinds() -> None:
    assert {each.site for each in OUT} == {each.site for each in IN} == set(SITES)


def test_no_table_of_a_build_holds_a_key_of_theirs(home: Home, tables: duckdb.DuckDBPyConnection) -> None:
    keys = {key for each in OUT for key in _keys(home, each)}
    found = {value for name in _names(tables) for value in _values(tables, name)}
    assert found & keys == set()
    assert {str(as_uuid(subject(home, each).key)) for each in IN} <= found, "the same look sees those who stay"


def _keys(home: Home, family: Family) -> Iterator[str]:
    """All that could name a family: itself, its records and its events."""
    key = site_key(home.secret(), family.site.id)
    records = [family.record(part) for part in SCOPE]
    ids = [f"{record}-{sending}" for record in records for sending in range(3)]
    for role, codes in (("subject", [family.subject]), ("record", records), ("id", ids)):
        yield from (str(as_uuid(pseudonym(key, role, code))) for code in codes)


def _names(tables: duckdb.DuckDBPyConnection) -> list[str]:
    rows = tables.execute("SELECT database_name, schema_name, table_name FROM duckdb_tables()").fetchall()
    return [".".join(row) for row in rows if row[0] in ("release", "staging")]


def _values(tables: duckdb.DuckDBPyConnection, name: str) -> Iterator[str]:
    for row in tables.execute(f"FROM {name}").fetchall():
        yield from (str(value) for value in row if isinstance(value, UUID | str))


def test_those_who_stay_are_as_if_the_others_had_never_been_heard_of(files: tuple[Path, Path], tmp_path: Path) -> None:
    other = at_home(tmp_path / "home")
    chance = Random(12)  # noqa: S311
    for sending in (0, 1, 2):
        send(other, IN, sending, chance)
    alone = made(other, tmp_path / "built")
    with_them, without_them = (
        {name: found for name, found in contents(each).items() if not name.startswith("summary.")}
        for each in (files, alone)
    )
    assert with_them == without_them
    assert without_them["core.lab_results"].rows > 0


def test_they_are_counted_and_not_named(tables: duckdb.DuckDBPyConnection) -> None:
    steps = dict(
        tables.execute("""
            SELECT DISTINCT step, n FROM summary.attrition
            WHERE step IN ('reported', 'withdrawn') AND part = '' AND site = 'all'
        """).fetchall()
    )
    assert steps == {"reported": len(families()), "withdrawn": len(OUT)}
    sent = sum(len(list(each.events(0))) for each in OUT)
    erased = "SELECT verdict, reason, count(*) FROM staging.verdicts WHERE kind = 'erased' GROUP BY ALL"
    # Three times everything, once `given` of each, and a replay of each site; nothing else is told of them.
    assert tables.execute(erased).fetchall() == [("withdrawn", "erased", 3 * sent + len(OUT) + len(SITES))]


def test_the_refused_delivery_that_a_replay_repeated_stays_judged_again(tables: duckdb.DuckDBPyConnection) -> None:
    rows = tables.execute("""
        SELECT v.verdict, d.subject_key, d.id_key
        FROM staging.verdicts AS v JOIN staging.deliveries AS d USING (delivery)
        WHERE d."offset" = 0 AND d."partition" = 0 AND d.rule <> 'erased'
    """).fetchall()
    assert rows == [("replayed", None, None)] * len(SITES)


def test_the_maintenance_takes_out_of_the_lake_what_the_build_left_out(
    home: Home, files: tuple[Path, Path], tmp_path: Path
) -> None:
    swept = Home(tmp_path / "home")
    shutil.copytree(home.path, swept.path)
    done = maintain(swept)
    sent = sum(len(list(each.events(0))) for each in OUT)
    assert done.erased == sent + len(OUT) + len(SITES)
    few = without_rules(needed_for(["summary.verdicts", "core.subjects", "core.lab_results"]))
    after = made(swept, tmp_path / "built", few)
    before, now = (contents(each) for each in (files, after))
    assert {name: before[name] for name in now} == now
