"""A mapping applied to a table: each row becomes drafts of events, with what could not be read.

Whether a draft keeps the contract is judged in `sites.checking`.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple, get_args
from zoneinfo import ZoneInfo

from contracts.errors import UsageError
from contracts.events import DATA
from contracts.fields import Count, DateOrTime
from contracts.shapes import shapes
from sites import mapping as maps
from sites.cells import Unreadable, bounded_number, date_text, number, text_of, whole, yes_or_no
from sites.columns import Columns, Converter, label
from sites.mapping import Mapping, Output, Take
from sites.problems import FIXES, Problem
from sites.reading import Cell, Table
from sites.rows import BadCell, Getter, Row


class Draft(NamedTuple):
    """An event that a row gives, not yet judged."""

    output: str
    kind: str
    subject: str
    record: str
    data: dict[str, Any]
    problems: list[Problem]
    """What could not be read; then the other parts are incomplete."""
    is_once: bool = False
    """Several rows may say it, if they say the same."""


class Drafter:
    """A mapping bound to the columns of one table. UsageError with every column that is not there."""

    def __init__(self, mapping: Mapping, table: Table, zone: ZoneInfo | None = None) -> None:
        self._table = table
        columns = Columns(mapping, table, zone)
        # Enrolments first, because the other events of a row are held against the birth in them.
        outputs = sorted(mapping.event, key=lambda output: output.kind != "enrolment")
        self._bound = [_Bound(output, mapping, columns) for output in outputs]
        if columns.unknown:
            raise UsageError(self._not_there(columns.unknown))
        self.columns = {bound.output.name: bound.labels for bound in self._bound}
        """The lab's column behind each JSON path of each output; empty for a constant."""

    def _not_there(self, unknown: dict[str, set[str]]) -> str:
        """A line for each column that is missing, and the columns that are there."""
        lines = [f"the mapping names columns that {self._table.path.name} does not have"]
        for column, places in unknown.items():
            more = f" and {len(places) - 1} more" if len(places) > 1 else ""
            lines.append(f"  - {column}: {min(places)}{more}")
        names = [name for name in self._table.columns if name]
        if any(name in names for bound in self._bound for name in bound.labels.values()):
            lines.append(f"it has {', '.join(map(repr, names))}")
        else:
            # A row that no part of the mapping knows may be one of values, which are never shown.
            lines.append("it has none that the mapping names: is it the right file, and header_row under [file] right?")
        return "\n".join(lines)

    def rows(self) -> Iterator[tuple[int, list[Draft], list[Problem]]]:
        """Every row: its number, its drafts, and what keeps it as a whole from being read."""
        width = len(self._table.columns)
        for number_, cells in self._table.rows:
            if len(cells) > width and any(cell is not None for cell in cells[width:]):
                yield number_, [], [Problem(number_, "", "ragged_row", FIXES["ragged_row"])]
                continue
            row = Row(number_, cells)
            yield number_, [draft for bound in self._bound if (draft := bound.draft(row)) is not None], []


class _Bound:
    """One output of a mapping, ready to be filled from rows."""

    def __init__(self, output: Output, mapping: Mapping, columns: Columns) -> None:
        where = f"event {output.name}"
        self.output = output
        self._holds = columns.holds(output.when, where)
        self._subject_column = output.subject or mapping.subject or ""
        self._subject = columns.reader(self._subject_column, f"{where}, subject")
        identify = maps.names(mapping.identify if output.identify is None else output.identify)
        self._identify = [(column, columns.reader(column, f"{where}, identify")) for column in identify]
        self._fields: dict[str, Getter] = {}
        self.labels = {"$.subject": self._subject_column, "$.record": ", ".join(identify)}
        self.labels |= dict.fromkeys((f"$.data.{field}" for field in output.constants), "")
        for field, source in output.columns.items():
            convert = _converter(output.kind, field, columns)
            self._fields[field] = columns.first(source, convert, f"{where}, {field}")
            self.labels[f"$.data.{field}"] = next(
                (name for take in maps.alternatives(source) if (name := label(take))), ""
            )
        needs = maps.NEEDS.get(output.kind, ()) if output.needs is None else output.needs
        self._needs = [field for field in needs if field in self._fields]
        self._others = [field for field in self._fields if field not in self._needs]

    def draft(self, row: Row) -> Draft | None:
        """What the row gives, None when the conditions do not hold or nothing of what it needs is there."""
        problems: list[Problem] = []
        try:
            if not self._holds(row):
                return None
        except BadCell as error:
            return Draft(self.output.name, self.output.kind, "", "", {}, [self._problem(row, error.rule, error.column)])
        values: dict[str, Any] = {}
        self._read(self._needs, row, values, problems)
        if self._needs and not values and not problems:
            return None
        self._read(self._others, row, values, problems)
        subject = self._text(row, self._subject, self._subject_column, "subject_missing", problems)
        parts = [self._text(row, read, name, "record_incomplete", problems) for name, read in self._identify]
        # The parts are told apart by the colon, so one inside a part is written otherwise.
        record = ":".join([self.output.name, *(part.replace("%", "%25").replace(":", "%3A") for part in parts)])
        data = {**self.output.constants, **values}
        return Draft(self.output.name, self.output.kind, subject, record, data, problems, self.output.once)

    def _read(self, fields: list[str], row: Row, values: dict[str, Any], problems: list[Problem]) -> None:
        for field in fields:
            try:
                value = self._fields[field](row)
            except BadCell as error:
                problems.append(self._problem(row, error.rule, error.column))
                continue
            if isinstance(value, tuple) and self.output.kind == "lab_result":
                sign, value = value
                if sign is not None and "$.data.comparator" in self.labels:
                    problems.append(self._problem(row, "comparator_twice", self.labels["$.data.value"]))
                elif sign is not None:
                    values["comparator"] = sign
            if value is not None:
                values[field] = value

    def _text(self, row: Row, read: Getter, column: str, rule: str, problems: list[Problem]) -> str:
        try:
            cell = read(row)
        except BadCell as error:
            problems.append(self._problem(row, error.rule, error.column))
            return ""
        if cell is None:
            problems.append(self._problem(row, rule, column))
            return ""
        return text_of(cell)

    def _problem(self, row: Row, rule: str, column: str) -> Problem:
        return Problem(row.number, column, rule, FIXES[rule], self.output.name)


def _converter(kind: str, field: str, columns: Columns) -> Converter:
    """From a cell to what the JSON of the field holds; a lab result's value comes with its comparator."""
    shape = shapes(DATA[kind])[field]
    type_ = maps.field_types(kind)[field][0]
    if shape == "when":
        with_time = DateOrTime in (type_, *get_args(type_))
        return lambda take: partial(date_text, style=columns.style(take), with_time=with_time)
    if (kind, field) == ("lab_result", "value"):
        return lambda take: partial(bounded_number, decimal=columns.decimal(take))
    if shape == "decimal":
        return lambda take: partial(number, decimal=columns.decimal(take))
    if shape == "int":
        return lambda take: partial(whole, decimal=columns.decimal(take))
    if shape == "bool":
        return lambda take: yes_or_no  # noqa: ARG005  # converters have one shape
    if shape == "list":
        of_numbers = Count in get_args(type_)
        return lambda take: partial(_items, take=take, of_numbers=of_numbers)
    return lambda take: text_of  # noqa: ARG005


def _items(cell: Cell, take: Take, *, of_numbers: bool) -> list[str] | list[int]:
    texts = [text.strip() for text in text_of(cell).split(take.split)]
    if not all(texts):
        raise Unreadable("not_a_list")
    return [whole(text, ".") for text in texts] if of_numbers else texts
