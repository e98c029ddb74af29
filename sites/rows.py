"""A row while it is read, and the functions that get a cell out of it.

What a mapping calls these cells belongs to `sites.columns`.
"""

from collections.abc import Callable
from typing import Any

from contracts.errors import B12Error
from sites.cells import text_of
from sites.reading import Cell, Table


class Row:
    """A row while it is read: its cells, and what has been found out of them."""

    __slots__ = ("cells", "memory", "number")

    def __init__(self, number: int, cells: list[Cell]) -> None:
        self.number = number
        self.cells = cells
        self.memory: dict[object, Any] = {}


Getter = Callable[[Row], Any]


class BadCell(Exception):  # a signal to the drafts, never shown
    """A cell that could not be read, and the column to blame."""

    def __init__(self, rule: str, column: str) -> None:
        super().__init__(rule)
        self.rule = rule
        self.column = column


def positions(columns: list[str]) -> dict[str, int]:
    """Where each column stands; -1 for a name that stands twice."""
    found: dict[str, int] = {}
    for at, name in enumerate(columns):
        if name:
            found[name] = -1 if name in found else at
    return found


def partners(table: Table, key: int) -> dict[str, list[Cell]]:
    """The rows of a table by the text in their `key`; B12Error when two have the same."""
    found: dict[str, list[Cell]] = {}
    for row, cells in table.rows:
        cell = cells[key] if key < len(cells) else None
        if cell is not None and found.setdefault(text_of(cell), cells) is not cells:
            raise B12Error(f"{table.path.name}, row {row}: the key of the join stands in an earlier row too; keep one")
    return found


def cell_reader(at: int, missing: frozenset[str]) -> Getter:
    """Reads the cell at a place; the codes for missing are None."""

    def read(row: Row) -> Cell:
        cell = row.cells[at] if at < len(row.cells) else None
        return None if cell is None or (missing and text_of(cell) in missing) else cell

    return read


def partner_reader(found: Getter, at: int, missing: frozenset[str]) -> Getter:
    """Reads the cell at a place of the row's partner in a joined file."""

    def read(row: Row) -> Cell:
        partner = found(row)
        cell = partner[at] if partner is not None and at < len(partner) else None
        return None if cell is None or (missing and text_of(cell) in missing) else cell

    return read


def remembered(name: object, getter: Getter) -> Getter:
    """The same, worked out once for a row."""

    def read(row: Row) -> Any:
        if name not in row.memory:
            row.memory[name] = getter(row)
        return row.memory[name]

    return read


def nothing(row: Row) -> None:  # noqa: ARG001  # a getter of every row
    """Reads an empty cell."""
    return
