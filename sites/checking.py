"""The offline check: a lab's table against the contract and the row rules, every problem in one pass.

Reading tables and applying mappings belong to `sites.drafts`, files of events to `sites.event_files`, sending what is
good to `sites.pushing`.
"""

from collections import Counter
from collections.abc import Iterator, Set
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from contracts.content import content_id
from contracts.errors import UsageError
from contracts.events import Event
from contracts.judge import Refusal, is_refusal, judge
from contracts.kinds.subject import Enrolment
from contracts.rows import evaluate
from contracts.rulebook import date_field
from contracts.site import Site
from contracts.when import When, parse_when
from sites.drafts import Draft, Drafter
from sites.mapping import Mapping
from sites.problems import FIXES, Problem, Severity
from sites.reading import Table, open_table
from sites.refusals import Reason, reasons
from sites.statement import Confirmed, Statement

AT_ONCE = 256
"""Rows or lines that are taken through each step together: the processor's caches hold one step, not all of them."""

_PLACEHOLDER = "0" * 32
_PLACE = _PLACEHOLDER.encode()
_encode = msgspec.json.Encoder(decimal_format="number").encode

_FIELD_OF_DERIVED = {"analyte": "loinc", "canonical_value": "value", "value_mm2_per_s": "value"}


class Report:
    """What a check found."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows = 0
        self.events: Counter[str] = Counter()
        """Good events by kind."""
        self.problems: list[Problem] = []
        self.repeated: set[str] = set()
        """Records that several rows claim, of which none is known to be right."""
        self.notes: list[str] = []

    @property
    def errors(self) -> int:
        """How many problems keep an event from being sent."""
        return sum(problem.severity == "critical" for problem in self.problems)

    @property
    def exit_code(self) -> int:
        """0, or 1 when something keeps an event from being sent."""
        return 1 if self.errors else 0


def check_table(
    path: Path, mapping: Mapping, site: Site, now: datetime, report: Report, confirmed: Set[Confirmed] = frozenset()
) -> Iterator[Statement]:
    """The good events of a table, in its order; `report` is complete when they are exhausted.

    `now` is when the statements are made; what is `confirmed` is not asked again. UsageError when the mapping does not
    fit the table.
    """
    table = open_table(path, mapping.file)
    return _TableCheck(table, mapping, site, now, report, confirmed).statements()


class _Judged(NamedTuple):
    """A draft, the event that it makes, and what the judge says of it."""

    draft: Draft
    raw: bytes
    judged: Event | Refusal
    id: str
    """What the event's content asks for; empty for a refusal."""


class _TableCheck:
    def __init__(
        self, table: Table, mapping: Mapping, site: Site, now: datetime, report: Report, confirmed: Set[Confirmed]
    ) -> None:
        self._drafter = Drafter(mapping, table, site.zone)
        self._site = site
        self._time = now.isoformat()
        self._report = report
        self._confirmed = confirmed
        self._births: dict[str, When] = {}
        self._said: dict[str, tuple[int, str]] = {}
        """Row and id of the first statement about a record."""
        if table.note:
            report.notes.append(table.note)

    def statements(self) -> Iterator[Statement]:
        report = self._report
        for row, judged_here, problems in self._rows():
            report.rows += 1
            # One cell may spoil several outputs: told once.
            seen = {(problem.column, problem.rule) for problem in problems}
            report.problems += problems
            for judged in judged_here:
                statement, found = self._stated(row, judged)
                for problem in found:
                    if (problem.column, problem.rule) not in seen or problem.column.startswith("$"):
                        seen.add((problem.column, problem.rule))
                        # Whoever sends a table knows fields from the mapping, not paths in the JSON made of it.
                        report.problems.append(problem._replace(column=problem.column.removeprefix("$.data.")))
                if statement is not None:
                    report.events[statement.kind] += 1
                    yield statement

    def _rows(self) -> Iterator[tuple[int, list[_Judged], list[Problem]]]:
        """Every row: its number, its drafts with the judge's word on them, and what keeps it from being read."""
        rows = self._drafter.rows()
        while taken := list(islice(rows, AT_ONCE)):
            drafts = [draft for _, drafts, _ in taken for draft in drafts]
            raws = [self._raw(draft) for draft in drafts]
            judged = [judge(raw, self._site) for raw in raws]
            ids = ["" if is_refusal(it) else content_id(it) for it in judged]
            found = map(_Judged, drafts, raws, judged, ids)
            for row, drafts, problems in taken:
                yield row, list(islice(found, len(drafts))), problems

    def _raw(self, draft: Draft) -> bytes:
        """The event as it will be sent, but for its id."""
        event: dict[str, Any] = {
            "specversion": "1.0",
            "id": _PLACEHOLDER,  # before all that the table says, so that the first is its place
            "source": self._site.source,
            "type": f"b12.{draft.kind}.v1",
            "time": self._time,
            "subject": draft.subject,
            "record": draft.record,
            "data": draft.data,
        }
        return _encode(event)

    def _stated(self, row: int, it: _Judged) -> tuple[Statement | None, list[Problem]]:
        draft, raw, judged, id_ = it
        problems = draft.problems
        if not draft.record or not draft.subject:
            return None, problems + (self._repeated(row, draft, "") if draft.record else [])
        if draft.is_once and id_ and self._said.get(draft.record, (0, ""))[1] == id_:
            return None, []  # said, and checked, before
        problems = problems + self._repeated(row, draft, id_)
        if is_refusal(judged):
            unread = {problem.column for problem in problems}
            refused = (self._refused(row, draft, reason) for reason in reasons(raw, self._site))
            # A cell that could not be read is missing from the event: that is told already.
            return None, problems + [problem for problem in refused if problem.column not in unread]
        problems = problems + self._found(row, draft, judged, id_)
        if any(problem.severity == "critical" for problem in problems):
            return None, problems
        kind, subject, record = draft.kind, draft.subject, draft.record
        raw = raw.replace(_PLACE, id_.encode(), 1)
        return Statement(row, draft.output, kind, subject, record, id_, self._time, raw), problems

    def _repeated(self, row: int, draft: Draft, id_: str) -> list[Problem]:
        """Whether an earlier row claims the same record."""
        first, _ = self._said.setdefault(draft.record, (row, id_))
        if first == row:
            return []
        self._report.repeated.add(draft.record)
        rule = "rows_disagree" if draft.is_once else "record_repeated"
        fix = f"{FIXES[rule]} (First in row {first}.)"
        return [Problem(row, self._column(draft, "$.record"), rule, fix, draft.output)]

    def _refused(self, row: int, draft: Draft, reason: Reason) -> Problem:
        return Problem(row, self._column(draft, reason.path), reason.rule, reason.fix, draft.output)

    def _found(self, row: int, draft: Draft, event: Event, id_: str) -> list[Problem]:
        return [
            Problem(row, self._column(draft, f"$.data.{field}"), rule, fix, draft.output, severity)
            for field, rule, fix, severity in findings_of(
                event, self._site, self._births, draft.record, id_, self._confirmed
            )
        ]

    def _column(self, draft: Draft, path: str) -> str:
        return self._drafter.columns[draft.output].get(path) or path


def findings_of(
    event: Event, site: Site, births: dict[str, When], record: str, id_: str, confirmed: Set[Confirmed]
) -> Iterator[tuple[str, str, str, Severity]]:
    """What the row rules find: field, rule, fix and severity of each."""
    if isinstance(event.data, Enrolment):
        births[event.subject] = parse_when(event.data.birth, site.zone)
    for finding in evaluate(event, site, births.get(event.subject)):
        field = _FIELD_OF_DERIVED.get(finding.field, finding.field)
        if field in ("date", "age_days", "statement_day"):
            field = date_field(finding.kind)
        if Confirmed(finding.kind, record, finding.rule, id_) in confirmed:
            yield field, finding.rule, FIXES["confirmed"], "info"
        else:
            yield field, finding.rule, finding.fix, "question" if finding.asks_the_site else finding.severity


def unregistered_site(name: str, time_zone: str = "UTC") -> Site:
    """A site of which a check knows only the name and the zone."""
    try:
        return Site(id=name, name=name, country="ZZ", time_zone=time_zone)
    except UsageError:  # the name is what is wrong: the judge will say so
        return Site(id="LAB", name="LAB", country="ZZ", time_zone=time_zone)
