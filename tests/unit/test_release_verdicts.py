"""What the sites are told after a release: the verdicts that differ from those of the build before."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pytest

from contracts.site import Site
from contracts.verdicts import VERDICTS, fix, reasons
from lake.home import Home
from registry import release
from registry.inputs import Inputs
from registry.models import needed_for
from registry.verdicts import changes, mark_told
from tests.registry_fixture import BLR01, OSL01, given, key, without_rules
from tests.sample_events import event

MODELS = without_rules(needed_for(["core.subjects", "summary.verdicts"]))
DELIVERIES: dict[Site, list[bytes]] = {
    BLR01: [
        event("enrolment", id="e"),
        event(id="a", record="a"),
        event(id="a", record="a"),
        event(id="b", record="b", subject="nobody"),
        b"not JSON",
    ],
    OSL01: [event("enrolment", "OSL01", id="e")],
}


Told = set[tuple[str, int, str | None, str, str | None]]


def built(home: Home, lake: Inputs) -> Told:
    """Publish, and what the sites then have to be told."""
    release.make(home, lake, models=MODELS, threads=1)
    return {(c.site, c.offset, c.verdict_before, c.verdict, c.reason) for c in changes(home.operators)}


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, Told]:
    """The first release, to be copied by `first`, and what it tells."""
    home = Home(tmp_path_factory.mktemp("first") / "home")
    home.make()
    return home, built(home, given(home.path.parent, DELIVERIES))


@pytest.fixture
def first(one: tuple[Home, Told], home: Home) -> Home:
    shutil.copytree(one[0].path, home.path, dirs_exist_ok=True)
    return home


@pytest.fixture
def told(one: tuple[Home, Told]) -> Told:
    return one[1]


def more(directory: Path, *events: bytes, osl01: Sequence[bytes] = ()) -> Inputs:
    """The first deliveries and these behind them."""
    return given(directory, {BLR01: [*DELIVERIES[BLR01], *events], OSL01: [*DELIVERIES[OSL01], *osl01]})


def test_the_first_release_tells_of_what_is_not_included_and_was_not_refused(told: Told) -> None:
    assert told == {
        ("BLR01", 2, None, "duplicate", "same_statement"),
        ("BLR01", 3, None, "held", "no_enrolment"),
    }


def test_a_later_one_tells_of_what_changed(first: Home, tmp_path: Path) -> None:
    mark_told(first)
    enrolled = event("enrolment", id="n", subject="nobody")
    newer = event(id="c", record="a", time="2026-03-17T00:00:00Z")

    assert built(first, more(tmp_path, enrolled, newer)) == {
        ("BLR01", 1, None, "superseded", "newer_version"),
        ("BLR01", 3, "held", "included", None),
    }


def test_what_was_not_told_is_carried_on(first: Home, tmp_path: Path, told: Told) -> None:
    again = event("enrolment", "OSL01", id="e")
    assert built(first, more(tmp_path, osl01=[again])) == told | {("OSL01", 1, None, "duplicate", "same_statement")}

    mark_told(first)
    assert built(first, more(tmp_path, osl01=[again, event(site="OSL01", id="d")])) == set()


def test_a_change_names_the_event_by_the_keys_that_the_site_can_turn_back(first: Home) -> None:
    [held] = [change for change in changes(first.operators) if change.verdict == "held"]
    assert str(held.id_key) == key(BLR01, "id", "b")
    assert str(held.subject_key) == key(BLR01, "subject", "nobody")
    assert held.kind == "lab_result"


def test_every_reason_has_a_fix_in_plain_words(first: Home) -> None:
    with duckdb.connect(str(first.operators), read_only=True) as connection:
        found = connection.execute("SELECT DISTINCT kind, verdict, reason FROM verdicts").fetchall()
    assert {fix(kind, verdict, reason) is None for kind, verdict, reason in found if verdict == "included"} == {True}
    assert all(fix(kind, verdict, reason) for kind, verdict, reason in found if verdict != "included")
    assert fix("lab_result", "quarantined", "dated_before_birth")


def test_the_reasons_are_those_that_the_models_give() -> None:
    given_by_sql = "".join(model.sql for model in needed_for(["staging.verdicts"]))
    assert all(f"'{reason}'" in given_by_sql for reason in reasons())
    assert {reason.verdict for reason in reasons().values()} <= set(VERDICTS)


def test_a_replay_is_told_of_as_the_delivery_that_the_site_knows(home: Home, tmp_path: Path) -> None:
    """The door's receipt says whether it was accepted; the registry says the rest, by the same place."""
    deliveries = {BLR01: [event("enrolment", id="e"), b"not JSON", b"not JSON", event(id="c", record="c")]}
    late = event(id="late", record="late", subject="nobody")
    assert built(home, given(tmp_path, deliveries)) == set()
    mark_told(home)

    replays = [(BLR01, 1, late), (BLR01, 2, event(id="b", record="b"))]
    assert built(home, given(tmp_path, deliveries, replays=replays)) == {
        ("BLR01", 1, None, "held", "no_enrolment"),
    }
    mark_told(home)

    replays += [(BLR01, 1, late)]
    assert built(home, given(tmp_path, deliveries, replays=replays)) == set(), "repeated, it says the same"
    deliveries[BLR01] += [event("enrolment", id="n", subject="nobody")]
    assert built(home, given(tmp_path, deliveries, replays=replays)) == {("BLR01", 1, "held", "included", None)}


def test_a_build_of_before_there_were_replays_is_a_build_before(first: Home, tmp_path: Path) -> None:
    mark_told(first)
    with duckdb.connect(str(first.operators)) as operators:
        for column in ("origin_topic_uuid", "origin_partition", "origin_offset"):
            operators.execute(f"ALTER TABLE deliveries DROP COLUMN {column}")
    assert built(first, more(tmp_path)) == set()
