"""Identity: which of several deliveries about one thing is current.

Each case lists what a site delivered, in the order of arrival, and what became of each. A result's id, the minute of
its `time` and what it says are given; `record` is the id unless named. Every subject is enrolled unless a case says so.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import pytest

from contracts.site import Site
from tests.registry_fixture import built, key
from tests.sample_events import event


class Case(NamedTuple):
    says: str
    deliveries: Sequence[tuple[str, Mapping[str, Any]]]
    verdicts: Sequence[str]
    enrolled: Sequence[str] = ("infant-1", "infant-2")


def result(
    event_id: str, minute: int, value: str = "100", *, record: str | None = None, subject: str = "infant-1"
) -> tuple[str, Mapping[str, Any]]:
    named = {} if record is None else {"record": record}
    return "lab_result", {
        "id": event_id,
        "time": _at(minute),
        "subject": subject,
        "data": {"value": float(value)},
        **named,
    }


def dose(event_id: str, minute: int, *, record: str | None = None) -> tuple[str, Mapping[str, Any]]:
    return "dose", {"id": event_id, "time": _at(minute), "subject": "infant-1", "record": record or event_id}


def retraction(
    event_id: str, minute: int, target: str, *, kind: str = "lab_result", record: str | None = None
) -> tuple[str, Mapping[str, Any]]:
    data = {"target_kind": kind, "target_record": target}
    return "retraction", {
        "id": event_id,
        "time": _at(minute),
        "subject": "infant-1",
        "record": record or event_id,
        "data": data,
    }


def enrolment(
    event_id: str, minute: int, *, record: str | None = None, subject: str = "infant-1", sex: str = "female"
) -> tuple[str, Mapping[str, Any]]:
    named = {} if record is None else {"record": record}
    return "enrolment", {"id": event_id, "time": _at(minute), "subject": subject, "data": {"sex": sex}, **named}


def _raw(kind: str, site: Site, fields: Mapping[str, Any]) -> bytes:
    content = msgspec.json.decode(event(kind, site.id, **fields))
    if "record" not in fields:
        content.pop("record", None)
    return msgspec.json.encode(content)


def _at(minute: int) -> str:
    return f"2026-03-20T08:{minute:02d}:00Z"


IN = "included"
AGAIN = "duplicate same_statement"
OLD = "superseded newer_version"
GONE = "retracted taken_back"
CLASH = "conflict id_used_twice"

CASES = [
    Case("an event alone is included", [result("a", 1)], [IN]),
    Case("the same id with the same content is one event", [result("a", 1), result("a", 1)], [IN, AGAIN]),
    Case(
        "said again later it is still one event, and the later time is its time",
        [result("a", 1), result("a", 9)],
        [AGAIN, IN],
    ),
    Case(
        "numbers are compared as numbers: 100 and 100.0 say the same",
        [result("a", 2, "100"), result("a", 1, "100.0")],
        [IN, AGAIN],
    ),
    Case(
        "the same id with other content is a conflict, and nothing under it is included",
        [result("a", 1, "100"), result("a", 2, "200")],
        [CLASH, CLASH],
    ),
    Case(
        "a conflict's repetitions are duplicates of its statements",
        [result("a", 1, "100"), result("a", 2, "200"), result("a", 3, "200")],
        [CLASH, AGAIN, CLASH],
    ),
    Case(
        "an id used for another subject is a conflict: numbers that start over erase no older infant",
        [result("a", 1), result("a", 2, subject="infant-2")],
        [CLASH, CLASH],
    ),
    Case(
        "an id used for another kind is a conflict too",
        [result("a", 1), dose("a", 2)],
        [CLASH, CLASH],
    ),
    Case(
        "a conflict leaves another version of the same record alone",
        [result("a", 1, record="r"), result("b", 2, "200", record="r"), result("b", 3, "300", record="r")],
        [IN, CLASH, CLASH],
    ),
    Case(
        "a retraction of the record ends a conflict",
        [result("a", 1, "100"), result("a", 2, "200"), retraction("x", 3, "a")],
        [GONE, GONE, IN],
    ),
    Case(
        "where a retraction takes back one side of a conflict, the other is included",
        [result("a", 1, "100", record="r"), result("a", 2, "200", record="s"), retraction("x", 3, "r")],
        [GONE, IN, IN],
    ),
    Case(
        "after the retraction one side may be said again",
        [result("a", 1, "100"), result("a", 2, "200"), retraction("x", 3, "a"), result("a", 4, "200")],
        [GONE, AGAIN, OLD, IN],
    ),
    Case(
        "a correction names the record, and the later time is current",
        [result("a", 1, "100", record="r"), result("b", 2, "200", record="r")],
        [OLD, IN],
    ),
    Case(
        "a correction that arrives before its original is current all the same",
        [result("b", 2, "200", record="r"), result("a", 1, "100", record="r")],
        [IN, OLD],
    ),
    Case(
        "a correction may name the id of an original that had no record",
        [result("a", 1, "100"), result("b", 2, "200", record="a")],
        [OLD, IN],
    ),
    Case(
        "a cell changed and changed back ends with the first value: its id is said again, later",
        [result("a", 1, "100", record="r"), result("b", 2, "200", record="r"), result("a", 3, "100", record="r")],
        [AGAIN, OLD, IN],
    ),
    Case(
        "an old statement repeated with its old time changes nothing",
        [result("a", 1, "100", record="r"), result("b", 2, "200", record="r"), result("a", 1, "100", record="r")],
        [OLD, IN, AGAIN],
    ),
    Case(
        "a correction may move a result to another subject",
        [result("a", 1, record="r"), result("b", 2, record="r", subject="infant-2")],
        [OLD, IN],
    ),
    Case(
        "the same record of another kind is another record",
        [result("a", 1, record="r"), dose("b", 2, record="r")],
        [IN, IN],
    ),
    Case("a retraction takes its record back", [result("a", 1), retraction("x", 2, "a")], [GONE, IN]),
    Case(
        "a retraction that arrives before its target takes it back all the same",
        [retraction("x", 2, "a"), result("a", 1)],
        [IN, GONE],
    ),
    Case(
        "a retraction takes back every older version, so that nothing older comes back",
        [result("a", 1, "100", record="r"), result("b", 2, "200", record="r"), retraction("x", 3, "r")],
        [GONE, GONE, IN],
    ),
    Case(
        "an older version that arrives after the retraction does not come back either",
        [result("b", 2, "200", record="r"), retraction("x", 3, "r"), result("a", 1, "100", record="r")],
        [GONE, IN, GONE],
    ),
    Case(
        "a later event revives the record",
        [result("a", 1, record="r"), retraction("x", 2, "r"), result("b", 3, "200", record="r")],
        [GONE, OLD, IN],
    ),
    Case(
        "the same statement said again after the retraction revives it too",
        [result("a", 1), retraction("x", 2, "a"), result("a", 3)],
        [AGAIN, OLD, IN],
    ),
    Case(
        "a retraction older than what it names takes nothing back",
        [retraction("x", 1, "a"), result("a", 2)],
        [OLD, IN],
    ),
    Case(
        "of two retractions of one record the later is current",
        [result("a", 1), retraction("x", 2, "a"), retraction("y", 3, "a")],
        [GONE, OLD, IN],
    ),
    Case("a retraction whose target is not there is held", [retraction("x", 2, "a")], ["held no_target"]),
    Case(
        "a retraction names a kind: the same record of another kind is no target",
        [result("a", 1), retraction("x", 2, "a", kind="dose")],
        [IN, "held no_target"],
    ),
    Case(
        "a retraction of a retraction finds no target: a record is revived by saying it again",
        [result("a", 1), retraction("x", 2, "a"), retraction("y", 3, "x", kind="retraction")],
        [GONE, IN, "held no_target"],
    ),
    Case(
        "a retraction under an id that says something else takes nothing back",
        [result("a", 1), result("x", 2, "200"), retraction("x", 3, "a")],
        [IN, CLASH, CLASH],
    ),
    Case(
        "of two enrolments of one subject under different records the later counts",
        [enrolment("a", 1, subject="infant-3"), enrolment("b", 2, subject="infant-3", sex="male")],
        ["superseded newer_enrolment", IN],
    ),
    Case(
        "an event whose subject is not enrolled is held",
        [result("a", 1, subject="infant-3")],
        ["held no_enrolment"],
    ),
    Case(
        "it is included when the enrolment arrives",
        [result("a", 1, subject="infant-3"), enrolment("b", 2, subject="infant-3")],
        [IN, IN],
    ),
    Case(
        "a retracted enrolment holds what leaned on it",
        [result("a", 1), retraction("x", 9, "enrolment-infant-1", kind="enrolment")],
        ["held no_enrolment", IN],
    ),
    Case(
        "an enrolment corrected to another subject leaves the first one's events held",
        [
            enrolment("a", 1, record="r", subject="infant-3"),
            result("b", 2, subject="infant-3"),
            enrolment("c", 3, record="r", subject="infant-4"),
        ],
        [OLD, "held no_enrolment", IN],
    ),
    Case(
        "at equal times the greater key of the id is current, whatever arrived first",
        [result("a", 1, "100", record="r"), result("b", 1, "200", record="r"), result("c", 1, "300", record="r")],
        [],  # judged below, against the keys
    ),
]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, list[str]]:
    """The verdicts of every case: each is a site of its own, so one build judges them all."""
    deliveries = {}
    for number, case in enumerate(CASES):
        site = Site(id=f"CASE{number}", name="A case", country="IN", time_zone="Asia/Kolkata", synthetic=True)
        enrolments = [
            event("enrolment", site.id, id=f"enrolment-{subject}", subject=subject, time=_at(0))
            for subject in case.enrolled
        ]
        deliveries[site] = enrolments + [_raw(kind, site, fields) for kind, fields in case.deliveries]
    with built(tmp_path_factory.mktemp("identity"), deliveries, ["staging.verdicts"], ruled=False) as connection:
        rows = connection.execute("""
            SELECT d.site, d."offset", concat_ws(' ', v.verdict, v.reason)
            FROM staging.verdicts AS v INNER JOIN staging.deliveries AS d ON v.delivery = d.delivery
            ORDER BY ALL
        """).fetchall()
    found: dict[str, list[str]] = {}
    for site_id, _, verdict in rows:
        found.setdefault(site_id, []).append(verdict)
    return {case.says: found[f"CASE{number}"][len(case.enrolled) :] for number, case in enumerate(CASES)}


@pytest.mark.parametrize("case", [case for case in CASES if case.verdicts], ids=lambda case: case.says)
def test_identity(case: Case, told: Mapping[str, list[str]]) -> None:
    assert told[case.says] == list(case.verdicts)


def test_at_equal_times_the_greater_key_of_the_id_is_current(told: Mapping[str, list[str]]) -> None:
    case = CASES[-1]
    site = Site(id=f"CASE{len(CASES) - 1}", name="A case", country="IN", time_zone="Asia/Kolkata", synthetic=True)
    keys = [key(site, "id", event_id) for event_id in ("a", "b", "c")]
    assert told[case.says] == [IN if each == max(keys) else OLD for each in keys]


def test_another_site_with_the_same_ids_and_records_has_nothing_to_do_with_it(told: Mapping[str, list[str]]) -> None:
    # Every case uses the ids a, b and x; none reaches into another's site.
    assert told["an event alone is included"] == [IN]
