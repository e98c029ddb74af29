"""What the sites are told after a release: the verdicts that differ from those of the build before."""

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
from tests.registry_fixture import BLR01, OSL01, given, key
from tests.sample_events import event

MODELS = needed_for(["core.lab_results", "core.subjects", "summary.verdicts"])


def built(home: Home, lake: Inputs) -> set[tuple[str, int, str | None, str, str | None]]:
    """Publish, and what the sites then have to be told."""
    release.make(home, lake, models=MODELS, threads=1)
    return {(c.site, c.offset, c.verdict_before, c.verdict, c.reason) for c in changes(home.operators)}


@pytest.fixture
def deliveries() -> dict[Site, list[bytes]]:
    return {
        BLR01: [
            event("enrolment", id="e"),
            event(id="a", record="a"),
            event(id="a", record="a"),
            event(id="b", record="b", subject="nobody"),
            b"not JSON",
        ],
        OSL01: [event("enrolment", "OSL01", id="e")],
    }


def test_the_first_release_tells_of_what_is_not_included_and_was_not_refused(
    home: Home, tmp_path: Path, deliveries: dict[Site, list[bytes]]
) -> None:
    assert built(home, given(tmp_path, deliveries)) == {
        ("BLR01", 2, None, "duplicate", "same_statement"),
        ("BLR01", 3, None, "held", "no_enrolment"),
    }


def test_a_later_one_tells_of_what_changed(home: Home, tmp_path: Path, deliveries: dict[Site, list[bytes]]) -> None:
    built(home, given(tmp_path, deliveries))
    mark_told(home)
    deliveries[BLR01] += [
        event("enrolment", id="n", subject="nobody"),
        event(id="c", record="a", time="2026-03-17T00:00:00Z"),
    ]

    assert built(home, given(tmp_path, deliveries)) == {
        ("BLR01", 1, None, "superseded", "newer_version"),
        ("BLR01", 3, "held", "included", None),
    }


def test_what_was_not_told_is_carried_on(home: Home, tmp_path: Path, deliveries: dict[Site, list[bytes]]) -> None:
    before = built(home, given(tmp_path, deliveries))
    deliveries[OSL01].append(event("enrolment", "OSL01", id="e"))

    assert built(home, given(tmp_path, deliveries)) == before | {("OSL01", 1, None, "duplicate", "same_statement")}

    mark_told(home)
    deliveries[OSL01].append(event(site="OSL01", id="d"))
    assert built(home, given(tmp_path, deliveries)) == set()


SLIP = {"loinc": "718-7", "unit": "g/L", "specimen": "venous_whole_blood", "value": 11.2, "local_code": None}
RULE = "haemoglobin_g_per_dl_as_g_per_l"


def asked(home: Home, lake: Inputs) -> list[tuple[int, str, list[str] | None]]:
    """Publish, and say offset, verdict and questions of what the sites then have to be told."""
    release.make(home, lake, models=MODELS, threads=1)
    found = [(c.offset, c.verdict, c.questions) for c in changes(home.operators)]
    mark_told(home)
    return found


def test_a_question_is_told_though_the_event_is_included_and_goes_once_it_is_answered(
    home: Home, tmp_path: Path
) -> None:
    sent = [event("enrolment", id="e"), event(id="a", record="a", data=SLIP), event(id="b", record="b", data=SLIP)]
    assert asked(home, given(tmp_path, {BLR01: sent})) == [(1, "included", [RULE]), (2, "included", [RULE])]

    sent.append(event("enrolment", id="other", subject="other"))
    assert asked(home, given(tmp_path, {BLR01: sent})) == [], "nothing changed, so nothing is said again"

    confirmation = {"target_kind": "lab_result", "target_record": "a", "rule": RULE, "until": None}
    sent.append(event("confirmation", id="yes", time="2026-04-20T08:01:00Z", data=confirmation))
    mended = SLIP | {"value": 112}
    sent.append(event(id="c", record="b", time="2026-04-20T08:01:00Z", data=mended))
    assert asked(home, given(tmp_path, {BLR01: sent})) == [(1, "included", None), (2, "superseded", None)]


def test_a_change_names_the_event_by_the_keys_that_the_site_can_turn_back(
    home: Home, tmp_path: Path, deliveries: dict[Site, list[bytes]]
) -> None:
    built(home, given(tmp_path, deliveries))
    [held] = [change for change in changes(home.operators) if change.verdict == "held"]
    assert str(held.id_key) == key(BLR01, "id", "b")
    assert str(held.subject_key) == key(BLR01, "subject", "nobody")
    assert held.kind == "lab_result"


def test_every_reason_has_a_fix_in_plain_words(home: Home, tmp_path: Path, deliveries: dict[Site, list[bytes]]) -> None:
    release.make(home, given(tmp_path, deliveries), models=MODELS, threads=1)
    with duckdb.connect(str(home.operators), read_only=True) as connection:
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


def test_a_build_of_before_there_were_replays_is_a_build_before(
    home: Home, tmp_path: Path, deliveries: dict[Site, list[bytes]]
) -> None:
    built(home, given(tmp_path, deliveries))
    mark_told(home)
    with duckdb.connect(str(home.operators)) as operators:
        for column in ("origin_topic_uuid", "origin_partition", "origin_offset"):
            operators.execute(f"ALTER TABLE deliveries DROP COLUMN {column}")
    assert built(home, given(tmp_path, deliveries)) == set()
