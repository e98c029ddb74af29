"""The files that each synthetic site has: CSV as an old Windows program exports it, a workbook, and events.

Which columns they have is in `tables`; which column is what, in `mappings`.
"""

import csv
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal
from importlib.resources import as_file, files
from pathlib import Path

from b12.demo.cohort import Cohort
from b12.demo.envelopes import envelope
from b12.demo.statements import Delivery
from b12.demo.tables import COLUMNS, Cell, Row, tables

# How the export of Bengaluru's program heads its columns; µ is one byte in its encoding and another in ours.
_BENGALURU_HEADS = {
    "b12": "Vit B12 (pg/mL)",
    "homocysteine": "Hcy (µmol/L)",
    "mma": "MMA (nmol/L)",
    "holotranscobalamin": "HoloTC (pmol/L)",
    "haemoglobin": "Hb (g/dL)",
    "mcv": "MCV (fL)",
    "folate": "Folate (ng/mL)",
    "creatinine": "Creatinine (mg/dL)",
}
_ANKARA_HEADS = {
    "b12": "B12 pmol/L",
    "homocysteine": "Homosistein mg/L",
    "mma": "MMA umol/L",
    "holotranscobalamin": "HoloTC pmol/L",
    "haemoglobin": "Hb g/L",
    "mcv": "MCV fL",
    "folate": "Folat nmol/L",
    "creatinine": "Kreatinin umol/L",
}


@dataclass(frozen=True)
class Push:
    """One file to be pushed, with its mapping where it needs one."""

    site: str
    path: Path
    mapping: Path | None


@dataclass(frozen=True)
class Files:
    """What was written, in the order in which it is sent."""

    first: tuple[Push, ...]
    """The files as they were first exported."""
    corrected: tuple[Push, ...]
    """The same files after their mistakes were put right."""
    interface: Path
    """Events that Copenhagen's laboratory system sends by itself, one a line, repetitions and all."""


def write_files(cohort: Cohort, directory: Path) -> Files:
    """Write every site's files below `directory`: CSV for SYN01, a workbook for SYN02, NDJSON for SYN03."""
    first, corrected = [], []
    for version, pushes in ((1, first), (2, corrected)):
        folder = directory if version == 1 else directory / "corrected"
        pushes += _bengaluru(cohort.sent_by("SYN01", "push", version), folder / "SYN01")
        pushes += _ankara(cohort.sent_by("SYN02", "push", version), folder / "SYN02")
    by_push = directory / "SYN03" / "registry.ndjson"
    _events(cohort.sent_by("SYN03", "push"), by_push)
    interface = directory / "SYN03" / "laboratory.ndjson"
    _events(cohort.sent_by("SYN03", "interface"), interface)
    return Files((*first, Push("SYN03", by_push, None)), tuple(corrected), interface)


def _bengaluru(sent: Sequence[Delivery], folder: Path) -> list[Push]:
    """One file per table: semicolons, decimal commas, cp1252, days first."""
    folder.mkdir(parents=True, exist_ok=True)
    pushes = []
    for name, rows in tables(sent).items():
        if rows:
            path = folder / f"{name}.csv"
            with path.open("w", encoding="cp1252", newline="") as file:
                writer = csv.writer(file, delimiter=";", lineterminator="\r\n")
                columns = [column for column in COLUMNS[name] if column != "age_days"]
                writer.writerow(_BENGALURU_HEADS.get(column, column) for column in columns)
                writer.writerows([_written(row.get(column)) for column in columns] for row in rows)
            pushes.append(Push("SYN01", path, _mapping("SYN01", name, folder)))
    return pushes


def _written(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, date):
        return f"{cell:%d/%m/%Y}"
    if isinstance(cell, time):
        return f"{cell:%H:%M}"
    if isinstance(cell, Decimal):
        return str(cell).replace(".", ",")
    # A month alone.
    return f"{cell[5:]}/{cell[:4]}" if isinstance(cell, str) and cell[:2] == "20" and cell[4:5] == "-" else str(cell)


def _ankara(sent: Sequence[Delivery], folder: Path) -> list[Push]:
    """One workbook with a sheet per table; ages where the other site has births."""
    from openpyxl import Workbook

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "registry.xlsx"
    book = Workbook()
    book.remove(book.active)
    pushes = []
    for name, rows in tables(sent).items():
        if rows:
            sheet = book.create_sheet(name)
            sheet.append([_ANKARA_HEADS.get(column, column) for column in COLUMNS[name]])
            for row in rows:
                sheet.append([_cell(column, row) for column in COLUMNS[name]])
            pushes.append(Push("SYN02", path, _mapping("SYN02", name, folder)))
    book.save(path)
    return pushes


def _cell(column: str, row: Row) -> str | float | date | time | None:
    cell = row.get(column)
    if column == "born" and "age_days" in row:
        return None
    return float(cell) if isinstance(cell, Decimal) else cell


def _mapping(site: str, table: str, folder: Path) -> Path:
    """The mapping of a table, laid beside the file as a lab keeps it."""
    target = folder / f"{table}.toml"
    with as_file(files("b12.demo") / "mappings" / site / f"{table}.toml") as kept:
        shutil.copyfile(kept, target)
    return target


def _events(deliveries: Iterable[Delivery], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{envelope(delivery)}\n" for delivery in deliveries), encoding="utf-8")
