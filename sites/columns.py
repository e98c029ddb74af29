"""The columns a mapping can name, each as a function of a row: of the file, of joined files, and computed ones.

What the values of a row become belongs to `sites.drafts`.
"""

import re
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

from contracts.errors import UsageError
from sites import mapping as maps
from sites.cells import DateStyle, Unreadable, date_text, text_of, whole
from sites.conditions import tests
from sites.mapping import Condition, Join, Mapping, Take
from sites.reading import Cell, Layout, Table, open_table
from sites.rows import BadCell, Getter, Row, cell_reader, nothing, partner_reader, partners, positions, remembered
from sites.spans import days_later, months_later, weeks_later

Converter = Callable[[Take], Callable[[Cell], Any]]
"""For the place that a cell is taken from, with its style: from the cell to what a field holds."""


class Columns:
    """What the names in a mapping stand for in one table.

    `zone` is that of times which name none, where the mapping does not say it. Names that are not there collect in
    `unknown` with the places that use them, so that all can be told at once.
    """

    def __init__(self, mapping: Mapping, table: Table, zone: ZoneInfo | None) -> None:
        self.unknown: dict[str, set[str]] = {}
        self._path = table.path
        self._file = mapping.file
        self._zone = mapping.zone or zone
        self._missing = frozenset(mapping.file.missing)
        self._here = positions(table.columns)
        self._made: dict[str, Getter] = {}
        for join in mapping.join:
            self._add_join(join)
        for name, source in mapping.computed.items():
            if name in self._here:
                raise UsageError(f"computed.{name}: {table.path.name} has a column of that name; take another")
            self._made[name] = remembered(name, self.first(source, None, f"computed.{name}"))

    def reader(self, column: str, where: str) -> Getter:
        """Reads one column; an empty cell and a code for missing are None."""
        if column in self._here:
            at = self._here[column]
            if at < 0:
                raise UsageError(f"{self._path.name} has two columns called {column!r}: rename one")
            return cell_reader(at, self._missing)
        if column not in self._made:
            hint = maps.near(column, [*self._here, *self._made])
            self.unknown.setdefault(f"{column!r}{hint}", set()).add(where)
            return nothing
        return self._made[column]

    def first(self, source: maps.Source, convert: Converter | None, where: str) -> Getter:
        """The first of the ways to a value that applies and gives one; `convert` makes it what a field holds."""
        ways = [
            (
                self.holds(take.when, where),
                self._taken(take, where),
                None if convert is None or take.value is not None else convert(take),
                label(take),
            )
            for take in maps.alternatives(source)
        ]

        def read(row: Row) -> Any:
            for holds, taken, converted, column in ways:
                if holds(row):
                    try:
                        cell = taken(row)
                        if cell is not None:
                            return cell if converted is None else converted(cell)
                    except Unreadable as error:
                        raise BadCell(error.rule, column) from None
            return None

        return read

    def holds(self, when: maps.Conditions, where: str) -> Callable[[Row], bool]:
        """Whether every condition holds."""
        tests = [self._test(condition, where) for condition in maps.conditions(when)]
        return (lambda row: all(test(row) for test in tests)) if tests else _always

    def style(self, take: Take) -> DateStyle:
        """How dates are written where `take` points."""
        century = self._file.century if take.century is None else take.century
        return DateStyle(take.date_order or self._file.date_order, century, self._zone)

    def decimal(self, take: Take | None = None) -> str:
        """The decimal mark where `take` points."""
        return (take and take.decimal) or self._file.decimal

    def _add_join(self, join: Join) -> None:
        where = f"join {join.name}"
        other = open_table(self._path.with_name(join.file), Layout())
        there = positions(other.columns)
        other_key = join.other_key or join.key
        if there.get(other_key, -1) < 0:
            raise UsageError(f"{where}: {join.file} has no column {other_key!r}{maps.near(other_key, there)}")
        by_key = partners(other, there[other_key])
        key = self.reader(join.key, where)

        def find(row: Row) -> list[Cell] | None:
            cell = key(row)
            partner = None if cell is None else by_key.get(text_of(cell))
            if partner is None and join.required:
                raise BadCell("join_missing", join.key)
            return partner

        found = remembered(("join", join.name), find)
        for column, at in there.items():
            self._made[f"{join.name}.{column}"] = partner_reader(found, at, self._missing)

    def _taken(self, take: Take, where: str) -> Getter:
        """What `take` names, before it becomes what a field holds."""
        if take.value is not None:
            return lambda row: take.value  # noqa: ARG005  # a getter of every row
        if (age := _said(take, maps.AGES)) is not None:
            return self._birth(take, age, where)
        if (span := _said(take, maps.SPANS)) is not None:
            return self._after(take, span, where)
        if take.columns is not None:
            sources = [self.reader(column, where) for column in take.columns]
            return lambda row: _texts([source(row) for source in sources], take.between)
        read = self._own(take, self.reader(take.column or "", where))
        if take.time is not None:
            time, style = self.reader(take.time, where), self.style(take)
            return lambda row: _and(read(row), lambda cell: date_text(cell, style, with_time=True, time=time(row)))
        if take.values is not None:
            return lambda row: _and(read(row), lambda cell: _translated(cell, take))
        if take.date_order is not None:
            style = self.style(take)
            return lambda row: _and(read(row), lambda cell: date_text(cell, style, with_time=True))
        return read

    def _own(self, take: Take, source: Getter) -> Getter:
        """A column with the codes for missing, and the part to keep, that `take` adds."""
        missing = frozenset(take.missing)
        extract = re.compile(take.extract) if take.extract else None

        def read(row: Row) -> Cell:
            cell = source(row)
            if cell is None or (missing and text_of(cell) in missing):
                return None
            return _extracted(cell, extract) if extract else cell

        return read if missing or extract else source

    def _birth(self, take: Take, unit: str, where: str) -> Getter:
        age = self._own(take, self.reader(getattr(take, unit), where))
        reference = self.reader(take.on_column, where) if take.on_column else nothing
        style = self.style(take)
        later, length = _BACK[unit]

        def read(row: Row) -> Cell:
            cell, on = age(row), take.on or reference(row)
            if cell is None or on is None:
                return None
            return later(date_text(on, style, with_time=False), -length * _age(cell))

        return read

    def _after(self, take: Take, unit: str, where: str) -> Getter:
        span = self._own(take, self.reader(getattr(take, unit), where))
        since = self.reader(take.since or "", where)
        style = self.style(take)
        later = _ON[unit]

        def read(row: Row) -> Cell:
            cell, start = span(row), since(row)
            if cell is None or start is None:
                return None
            return later(date_text(start, style, with_time=False), _age(cell))

        return read

    def _test(self, condition: Condition, where: str) -> Callable[[Row], bool]:
        read = self.reader(condition.column, f"{where}, when")
        asked = list(tests(condition, self.decimal()))

        def holds(row: Row) -> bool:
            try:
                cell = read(row)
                return all(test(cell) for test in asked)
            except Unreadable as error:
                raise BadCell(error.rule, condition.column) from None

        return holds


def label(take: Take) -> str:
    """The column to blame when a value cannot be read; empty for a constant."""
    if take.columns:
        return take.columns[0]
    return next((name for key in ("column", *maps.AGES, *maps.SPANS) if (name := getattr(take, key))), "")


_BACK = {
    "age_days": (days_later, 1),
    "age_weeks": (weeks_later, 1),
    "age_months": (months_later, 1),
    "age_years": (months_later, 12),
}
_ON = {"days_after": days_later, "weeks_after": weeks_later, "months_after": months_later}


def _always(row: Row) -> bool:  # noqa: ARG001  # a condition of every row
    return True


def _and(cell: Cell, then: Callable[[Cell], Any]) -> Any:
    return None if cell is None else then(cell)


def _said(take: Take, keys: tuple[str, ...]) -> str | None:
    return next((key for key in keys if getattr(take, key) is not None), None)


def _texts(cells: list[Cell], between: str) -> str | None:
    return None if None in cells else between.join(map(text_of, cells))


def _extracted(cell: Cell, pattern: re.Pattern[str]) -> str | None:
    match = pattern.search(text_of(cell))
    if not match or match.group(1) is None:
        raise Unreadable("not_extracted")
    return match.group(1).strip() or None


def _translated(cell: Cell, take: Take) -> Any:
    value = (take.values or {}).get(text_of(cell), take.otherwise)
    if value is None:
        raise Unreadable("untranslated")
    return value


def _age(cell: Cell) -> int:
    try:
        age = whole(cell, ".")
    except Unreadable:
        raise Unreadable("not_an_age") from None
    if not 0 <= age <= 60_000:
        raise Unreadable("not_an_age")
    return age
