"""A value that looks wrong and may be true is a question: it is sent, asked about, and counts once it is confirmed.

11.5 g/L of haemoglobin looks like a value in g/dL, but an infant may be that ill. What is impossible in any unit is an
error, and is not sent.
"""

import io
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from contracts.errors import UsageError
from contracts.events import KINDS
from contracts.rulebook import rules
from sites import confirming, pushing, showing
from sites import ledger as ledgers
from sites.checking import Report, check_table
from sites.ledger import Ledger
from sites.sending import Acknowledge
from sites.statement import Statement
from tests.lab_tables import NOW, SITE, mapping
from tests.registry_fixture import BLR01, built
from tests.sample_events import event

MAP = """
subject = "code"
identify = "code"

[[event]]
name = "enrolment"
kind = "enrolment"
constants = { person = "infant", group = "suspected", sex = "female" }
columns = { birth = "born" }

[[event]]
name = "hb"
kind = "lab_result"
constants = { person = "infant", loinc = "718-7", unit = "g/L", specimen = "venous_whole_blood" }
columns = { value = "hb", collected = "taken" }
"""
RULE = "haemoglobin_g_per_dl_as_g_per_l"
TRUE_AND_LOW, IMPOSSIBLE = "11.5", "1150"


class Lab:
    """A spreadsheet, a ledger, and a platform that takes everything."""

    topic_id = "topic"

    def __init__(self, directory: Path, ledger: Ledger) -> None:
        self.path = directory / "results.csv"
        self.ledger = ledger
        self.sent: list[bytes] = []
        self.now = NOW

    def write(self, *values: str) -> None:
        lines = (f"A-{row},2025-06-02,{value},2026-03-14" for row, value in enumerate(values, 2))
        self.path.write_text("\n".join(["code,born,hb,taken", *lines]))

    def check(self) -> Report:
        report = Report(self.path)
        for _ in check_table(self.path, mapping(MAP), SITE, self.now, report, self.ledger.confirmed()):
            pass
        return report

    def push(self) -> int:
        self.now += timedelta(minutes=1)
        plan = pushing.plan(self.path, mapping(MAP), SITE, self.ledger, self.now)
        try:
            return pushing.send(plan, SITE, self.ledger, self, self.now).sent
        finally:
            plan.close()

    def push_events(self, path: Path) -> None:
        plan = pushing.plan(path, None, SITE, self.ledger, self.now)
        try:
            pushing.send(plan, SITE, self.ledger, self, self.now)
        finally:
            plan.close()

    def confirm(self, *rows: int) -> int:
        self.now += timedelta(minutes=1)
        made = confirming.answers(self.path, mapping(MAP), SITE, self.ledger, rows, "checked_source", self.now)
        confirming.send(made, self.ledger, self)
        return len(made)

    def send(self, statements: Iterable[Statement], acknowledged: Acknowledge) -> None:
        for statement in statements:
            self.sent.append(statement.raw)
            acknowledged(statement, f"topic/0/{len(self.sent) - 1}")

    def usable(self, directory: Path) -> list[tuple[bool, str | None]]:
        """What a release says of the haemoglobins that were sent."""
        with built(directory, {BLR01: self.sent}, ["core.lab_results"]) as connection:
            return connection.execute(
                "SELECT is_usable, unusable_reason FROM core.lab_results ORDER BY value"
            ).fetchall()


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    with ledgers.opened(tmp_path / "ledger.sqlite", b"k" * 64) as ledger:
        yield Lab(tmp_path, ledger)


def told(report: Report) -> list[tuple[int, str, str]]:
    return [
        (each.row, each.severity, each.rule) for each in report.problems if each.severity in ("critical", "question")
    ]


def test_what_may_be_true_is_asked_and_counted_apart_from_errors(lab: Lab) -> None:
    lab.write("120", TRUE_AND_LOW)
    report = lab.check()
    assert told(report) == [(3, "question", RULE)]
    assert (report.errors, report.exit_code) == (0, 0)
    assert report.events["lab_result"] == 2
    out = io.StringIO()
    showing.show(report, out=out)
    lines = out.getvalue().splitlines()
    assert lines[0].startswith(f"results.csv:3: question: hb hb: {RULE}: Correct the unit to g/dL")
    assert "; 1 question in 1 row" in lines[1]
    assert "push and then b12 confirm the row; if not, mend it" in lines[2]


def test_what_cannot_be_true_is_an_error_still(lab: Lab) -> None:
    lab.write(IMPOSSIBLE, TRUE_AND_LOW)
    report = lab.check()
    assert told(report) == [(2, "critical", "haemoglobin_impossible"), (3, "question", RULE)]
    assert report.exit_code == 1
    assert report.events["lab_result"] == 1


def test_a_question_is_grave_and_no_quarantine() -> None:
    for rule in (rule for kind in KINDS for rule in rules(kind)):
        assert rule.asks_the_site == (rule.severity == "critical" and rule.effect != "quarantine")
        if rule.effect == "unusable":
            assert rule.asks_the_site, rule.name


def test_a_value_that_is_asked_about_is_sent_and_counts_once_it_is_confirmed(lab: Lab, tmp_path: Path) -> None:
    lab.write(TRUE_AND_LOW)
    assert lab.push() == 2
    assert lab.usable(tmp_path) == [(False, "unit_unconfirmed")]
    assert lab.confirm(2) == 1
    confirmation = msgspec.json.decode(lab.sent[-1])
    assert confirmation["subject"] == "A-2"
    assert confirmation["data"] == {
        "target_kind": "lab_result",
        "target_record": "hb:A-2",
        "rule": RULE,
        "reason": "checked_source",
    }
    assert lab.usable(tmp_path) == [(True, None)]


def test_a_value_that_is_mended_needs_no_confirmation(lab: Lab, tmp_path: Path) -> None:
    lab.write(TRUE_AND_LOW)
    lab.push()
    lab.write("115")
    assert lab.push() == 1
    assert lab.usable(tmp_path) == [(True, None)]


def test_what_was_confirmed_is_not_asked_again_until_it_changes(lab: Lab, tmp_path: Path) -> None:
    lab.write(TRUE_AND_LOW)
    lab.push()
    lab.confirm(2)
    assert told(lab.check()) == []
    assert lab.confirm(2) == 0
    lab.write("11.6")
    assert told(lab.check()) == [(2, "question", RULE)]
    lab.push()
    assert lab.usable(tmp_path) == [(False, "unit_unconfirmed")]
    assert lab.confirm(2) == 1
    assert lab.usable(tmp_path) == [(True, None)]


def test_a_confirmed_value_stays_so_when_everything_is_sent_again(lab: Lab, tmp_path: Path) -> None:
    lab.write(TRUE_AND_LOW)
    lab.push()
    lab.confirm(2)
    lab.ledger.begin(NOW, "one topic")
    lab.ledger.begin(NOW, "another")  # as after the loss of the ledger or of the topic
    assert told(lab.check()) == [(2, "question", RULE)], "this machine no longer knows"
    assert lab.push() == 2
    assert lab.usable(tmp_path) == [(True, None)]


def test_only_an_open_question_about_what_was_pushed_can_be_confirmed(lab: Lab) -> None:
    lab.write("120", TRUE_AND_LOW)
    with pytest.raises(UsageError, match=r"results.csv: nothing is asked about row 2"):
        lab.confirm(2)
    with pytest.raises(UsageError, match=r"row 3 was not pushed as it stands: push the file first"):
        lab.confirm(3)
    lab.push()
    lab.write("120", "11.6")
    with pytest.raises(UsageError, match=r"row 3 was not pushed as it stands"):
        lab.confirm(3)


def test_a_file_of_events_is_asked_and_confirmed_by_its_lines(lab: Lab) -> None:
    lab.write(TRUE_AND_LOW)
    lab.push()
    events = lab.path.with_suffix(".ndjson")
    events.write_bytes(b"\n".join(lab.sent))
    now = datetime(2026, 6, 2, tzinfo=UTC)
    (answer,) = confirming.answers(events, None, SITE, lab.ledger, [2], "assay_verified", now)
    assert answer.answers[:3] == ("lab_result", "hb:A-2", RULE)
    events.write_bytes(b"\n".join(lab.sent).replace(b"11.5", b"11.6"))
    assert told_of_events(lab, events) == [(2, "question", RULE)]


def told_of_events(lab: Lab, path: Path) -> list[tuple[int, str, str]]:
    plan = pushing.plan(path, None, SITE, lab.ledger, NOW)
    plan.close()
    return told(plan.report)


def test_what_only_the_registry_asks_is_confirmed_by_its_rule(lab: Lab) -> None:
    events = lab.path.with_suffix(".ndjson")
    events.write_bytes(event("milestone", SITE.id, record="rolls-2", data={"status": "not_yet", "attained": None}))
    lab.push_events(events)
    now = NOW + timedelta(minutes=9)
    rule = "not_yet_after_achieved"
    (answer,) = confirming.answers(events, None, SITE, lab.ledger, [1], "checked_source", now, rule)
    assert answer.answers[:3] == ("milestone", "rolls-2", rule)
    with pytest.raises(UsageError, match=r"nothing is asked about row 1"):
        confirming.answers(events, None, SITE, lab.ledger, [1], "checked_source", now)
    with pytest.raises(UsageError, match=r"no question of the registry's alone; it has .*not_yet_after_achieved"):
        confirming.answers(events, None, SITE, lab.ledger, [1], "checked_source", now, RULE)
