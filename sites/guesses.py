"""What a table's cells tell of how it is written: its header row, its numbers, its dates, its words for missing.

No cell is repeated but the names of the header and known words for missing. What headers mean belongs to
`sites.drafting`.
"""

import re
from itertools import islice
from pathlib import Path

from sites.cells import text_of
from sites.mapping_file import UNDECIDED
from sites.reading import Cell, Layout, open_table

_TITLES = 10
_VALUE = r"[<>=]*\s*[\d.,/:\- ]+"
_MISSING = frozenset({"na", "n/a", "n.a.", "nan", "null", "missing", "not done", "not available", "-", "--", "."})
_USUAL = ["NA", "N/A", "-"]


def header_row(path: Path, sheet: str | None) -> int:
    """The row of the column names; titles above it fill at most half as many cells as the widest row."""
    table = open_table(path, Layout(sheet=sheet))
    below = list(islice(table.rows, _TITLES))
    widest = max((_filled(cells) for _, cells in below), default=0)
    if 2 * sum(map(bool, table.columns)) > widest:
        return 1
    # The first wide row alone: data must never be shown as names.
    number, cells = next(row for row in below if 2 * _filled(row[1]) > widest)
    return number if all(map(_is_name, cells)) else 1


def unique_columns(columns: list[str], rows: list[list[Cell]]) -> set[str]:
    """The columns that are filled in every row, and each time otherwise."""
    found = set()
    for at, name in enumerate(columns):
        cells = [row[at] if at < len(row) else None for row in rows]
        if None not in cells and len(set(map(text_of, cells))) == len(cells):
            found.add(name)
    return found


def missing(texts: list[str]) -> list[str]:
    """The words for missing that stand in the table, as it writes them; the usual ones when there are none."""
    return sorted({text for text in texts if text.lower() in _MISSING}) or _USUAL


def decimal_mark(texts: list[str]) -> str:
    """The mark that more numbers have."""
    with_comma = sum(bool(re.fullmatch(r"[<>]?\s*\d+,\d+", text)) for text in texts)
    with_point = sum(bool(re.fullmatch(r"[<>]?\s*\d+\.\d+", text)) for text in texts)
    return "," if with_comma > with_point else "."


def date_order(texts: list[str]) -> tuple[str, str]:
    """The order of day and month, and why; empty when no date could be two."""
    pairs = [
        (int(match[1]), int(match[2]))
        for text in texts
        if (match := re.match(r"(\d{1,2})[-/.](\d{1,2})[-/.](?:\d{4}|\d{2})\b", text))
    ]
    if not pairs:
        return "", ""
    day_first, month_first = any(first > 12 for first, _ in pairs), any(second > 12 for _, second in pairs)
    if day_first and not month_first:
        return "dmy", "some days are above 12"
    if month_first and not day_first:
        return "mdy", "some days are above 12"
    return UNDECIDED, "dmy or mdy: the dates themselves do not tell"


def _filled(cells: list[Cell]) -> int:
    return sum(cell is not None for cell in cells)


def _is_name(cell: Cell) -> bool:
    return cell is None or (isinstance(cell, str) and not re.fullmatch(_VALUE, cell))
