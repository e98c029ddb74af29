"""A lab's table as rows of cells, whatever wrote it: CSV of any dialect, or a workbook.

What a cell means (a number, a date, a code) is the mapping's business and does not belong here.
"""

import codecs
import csv
import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import msgspec

from contracts.errors import B12Error, UsageError

Cell = str | float | int | bool | dt.date | dt.datetime | dt.time | dt.timedelta | None
"""What stands in one cell: texts are stripped and never empty, None is an empty cell, numbers only from workbooks."""

WORKBOOKS = frozenset({".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"})
EVENTS = frozenset({".ndjson", ".jsonl"})
"""Files of CloudEvents, one JSON object in a line; they need no mapping."""

_DELIMITERS = ",;\t|"
_CHUNK = 1 << 20
_LONGEST_CELL = 1_000_000


class Layout(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a table is written, where the file itself does not say so."""

    sheet: str | None = None
    header_row: int = 1
    delimiter: str | None = None
    encoding: str | None = None


class Table(NamedTuple):
    """A table that is being read."""

    path: Path
    columns: list[str]
    rows: Iterator[tuple[int, list[Cell]]]
    """Each row under the header with its number, counted as a spreadsheet shows it; blank rows are left out."""
    note: str | None = None
    """What had to be assumed of the file, in words."""


class Dialect(NamedTuple):
    """How a CSV file is written."""

    encoding: str
    delimiter: str
    is_assumed: bool
    """The file is no UTF-8 and was taken for cp1252, as Excel writes it in the west."""


def open_table(path: Path, layout: Layout | None = None) -> Table:
    """Read the header of a CSV file or workbook; the rows come as they are asked for.

    UsageError when the file is not there or `layout` does not fit it, B12Error when it cannot be read.
    """
    layout = layout or Layout()
    require_file(path)
    if path.suffix.lower() in WORKBOOKS:
        numbered, note = _workbook_rows(path, layout), None
    else:
        dialect = csv_dialect(path, layout)
        numbered = _csv_rows(path, dialect)
        note = (
            f"{path.name} is not UTF-8 and was read as cp1252 (Windows, western Europe)" if dialect.is_assumed else None
        )
    header = _header(path, numbered, layout.header_row)
    filled = (row for row in numbered if any(cell is not None for cell in row[1]))
    return Table(path, header, filled, note)


def require_file(path: Path) -> None:
    """UsageError when `path` is no file."""
    if not path.is_file():
        raise UsageError(f"{path}: there is no such file")


def csv_dialect(path: Path, layout: Layout) -> Dialect:
    """Encoding and delimiter of a CSV file, found from its content where `layout` leaves them open."""
    with path.open("rb") as file:
        encoding, is_assumed = (layout.encoding, False) if layout.encoding else _encoding(file)
    try:
        codecs.lookup(encoding)
    except LookupError:
        raise UsageError(
            f"{path.name}: there is no encoding {encoding!r}; common ones are utf-8, cp1252, cp1250"
        ) from None
    return Dialect(encoding, layout.delimiter or _delimiter(path, encoding), is_assumed)


def _encoding(file: BinaryIO) -> tuple[str, bool]:
    start = file.read(4)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16", False
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        decoder.decode(start)
        while chunk := file.read(_CHUNK):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "cp1252", True
    return "utf-8-sig", False


def _delimiter(path: Path, encoding: str) -> str:
    """The delimiter that Excel's `sep=` line names, else the one that parts the first lines most evenly."""
    with path.open(encoding=encoding, errors="replace", newline="") as file:
        lines = [line for line in (file.readline(_LONGEST_CELL) for _ in range(20)) if line.strip()]
    if lines and lines[0].lower().startswith("sep=") and len(lines[0].strip()) == 5:
        return lines[0][4]

    def evenness(delimiter: str) -> tuple[bool, int]:
        widths = [len(row) for row in csv.reader(lines, delimiter=delimiter)]
        return len(set(widths)) == 1, widths[0] if widths else 0

    found = max(_DELIMITERS, key=evenness)
    if evenness(found)[1] > 1:
        return found
    return max(_DELIMITERS, key=(lines[0] if lines else "").count)


def _csv_rows(path: Path, dialect: Dialect) -> Iterator[tuple[int, list[Cell]]]:
    csv.field_size_limit(_LONGEST_CELL)
    number = 0
    try:
        with path.open(encoding=dialect.encoding, newline="") as file:
            for number, texts in enumerate(csv.reader(file, delimiter=dialect.delimiter, strict=True), 1):
                if number == 1 and len(texts) <= 2 and "".join(texts).lower() in ("sep=", f"sep={dialect.delimiter}"):
                    continue  # Excel's own hint, not a row
                yield number, [text.strip() or None for text in texts]
    except UnicodeError:
        raise B12Error(
            f"{path.name}, after row {number}: the text is not {dialect.encoding}; give the file's encoding in the"
            " mapping, as encoding under [file]"
        ) from None
    except csv.Error as error:
        # The message of the csv module names what it expected, never what it found.
        raise B12Error(
            f"{path.name}, after row {number}: the quotation marks or delimiters do not fit ({error});"
            " export the file again as CSV, or set delimiter under [file] in the mapping"
        ) from None


def _workbook_rows(path: Path, layout: Layout) -> Iterator[tuple[int, list[Cell]]]:
    from python_calamine import CalamineError, CalamineWorkbook  # a lab that only sends CSV never loads it

    try:
        book = CalamineWorkbook.from_path(path)
        name = _sheet_name(path, book.sheet_names, layout.sheet)
        rows = book.get_sheet_by_name(name).iter_rows()
        for number, cells in enumerate(rows, 1):
            yield number, [(cell.strip() or None) if type(cell) is str else cell for cell in cells]
    except (CalamineError, OSError) as error:
        raise B12Error(
            f"{path.name} cannot be read as a workbook ({type(error).__name__}); open it, save it as .xlsx without a"
            " password, and try again"
        ) from None


def _sheet_name(path: Path, names: list[str], wanted: str | None) -> str:
    if wanted is None and len(names) == 1:
        return names[0]
    if wanted in names:
        return wanted
    known = ", ".join(names)
    if wanted is None:
        raise UsageError(f"{path.name} has several sheets ({known}): name one in the mapping, as sheet under [file]")
    raise UsageError(f"{path.name} has no sheet {wanted!r}; it has {known}")


def _header(path: Path, rows: Iterator[tuple[int, list[Cell]]], header_row: int) -> list[str]:
    is_empty = True
    for number, cells in rows:
        is_empty = is_empty and all(cell is None for cell in cells)
        if number == header_row or (header_row == 1 and any(cell is not None for cell in cells)):
            columns = ["" if cell is None else str(cell) for cell in cells]
            while columns and not columns[-1]:
                columns.pop()
            if columns:
                return columns
        if number >= header_row > 1:
            break
    else:
        if is_empty:
            raise B12Error(f"{path.name} is empty: no row in it holds anything; export it again")
    raise B12Error(f"{path.name} has no header in row {header_row}; set header_row under [file] in the mapping")
