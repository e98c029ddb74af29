"""A lab's answer to a question of the check: the value in this row is right as it stands.

Which rows raise questions is found by `sites.checking`; what the answer changes belongs to the registry.
"""

from collections.abc import Collection, Iterable
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from contracts.errors import UsageError
from contracts.history_rules import history_rules
from contracts.site import Site
from sites.checking import Report, check_table
from sites.event_files import check_events
from sites.ledger import Acknowledged, Ledger
from sites.mapping import Mapping
from sites.problems import Problem
from sites.sending import Sender
from sites.statement import Confirmed, Statement, stated


class Answered(NamedTuple):
    """One question or warning, and the confirmation that answers it."""

    question: Problem
    answers: Confirmed
    confirmation: Statement


def answers(
    path: Path,
    mapping: Mapping | None,
    site: Site,
    ledger: Ledger,
    rows: Collection[int],
    reason: str,
    now: datetime,
    rule: str | None = None,
) -> list[Answered]:
    """The confirmations of all that these rows are asked, or warned, about and that is not confirmed yet.

    `reason` is the contract's, `now` their time, `rule` a question of the registry's that no check of a file can ask.
    UsageError for a row that nothing is asked about, that has an error, or that was not pushed as it stands.
    """
    report = Report(path)
    sent = ledger.current_ids()
    found = check_table(path, mapping, site, now, report) if mapping else check_events(path, site, report)
    statements = {(each.row, each.output or each.kind): each for each in found if each.row in rows}
    before = ledger.confirmed()
    made = []
    if rule is None:
        asked = [each for each in report.problems if each.severity in ("question", "warning") and each.row in rows]
    else:
        asked = _asked_by_the_registry(rule, statements.values())
    for row in rows:
        if row not in {problem.row for problem in asked}:
            raise UsageError(f"{path.name}: nothing is asked about row {row}; `b12 check` names the rows in doubt")
    for question in asked:
        statement = statements.get((question.row, question.output))
        if statement is None:
            raise UsageError(f"{path.name}: row {question.row} has an error too: mend it and push it first")
        is_sent = (
            sent.get((statement.kind, statement.record)) == statement.id
            if mapping
            else ledger.is_acknowledged(statement.id, statement.time)
        )
        if not is_sent:
            raise UsageError(f"{path.name}: row {question.row} was not pushed as it stands: push the file first")
        answered = Confirmed(statement.kind, statement.record, question.rule, statement.id)
        if answered not in before:
            made.append(Answered(question, answered, _confirmation(statement, answered, site, reason, now)))
    return made


def _asked_by_the_registry(rule: str, statements: Iterable[Statement]) -> list[Problem]:
    """What a rule of history may have asked about these: whether it did stands in the receipts, not in the file."""
    if rule not in {name for _, name in history_rules()}:
        names = ", ".join(sorted(name for _, name in history_rules()))
        raise UsageError(f"--rule: {rule!r} is no question of the registry's alone; it has {names}")
    found = [(each, history_rules().get((each.kind, rule))) for each in statements]
    return [
        Problem(each.row, its.field, its.id, its.fix, each.output or each.kind, "question")
        for each, its in found
        if its is not None
    ]


def send(made: Collection[Answered], ledger: Ledger, sender: Sender) -> None:
    """Send the confirmations, and remember each that the platform has."""
    by_id = {answer.confirmation.id: answer for answer in made}

    def acknowledged(statement: Statement, position: str) -> None:
        _, _, kind, subject, record, id_, time, _ = statement
        confirms = by_id[id_].answers
        ledger.acknowledge([Acknowledged(kind, record, "", subject, id_, time, position, confirms=confirms)])

    sender.send((answer.confirmation for answer in made), acknowledged)


def _confirmation(of: Statement, answered: Confirmed, site: Site, reason: str, now: datetime) -> Statement:
    data = {
        "target_kind": answered.kind,
        "target_record": answered.record,
        "rule": answered.rule,
        "reason": reason,
    }
    # It holds for what was said by then, and a file of events has times of its own.
    return stated("confirmation", of.subject, data, site, max(now, datetime.fromisoformat(of.time)))
