"""The contract's tables and clinical definitions as tables of the schema `definitions` in every release.

Each array of tables in `contracts/tables/*.toml` and `contracts/definitions/*.toml` becomes one, under its name:
`[[sign]]` is `definitions.sign`. An array inside an array carries the code or id of what it stands in
(`[[analyte.code]]` is `definitions.analyte_code` with a column `analyte`), and an inline table becomes rows of key
and value. A column has the type that its values have in TOML (a decimal fraction is DECIMAL(28,12) as written),
unless `[columns.<table>]` of the file says another. An empty array whose columns stand there is a table without rows;
a table too long for TOML is a Parquet file beside them. What a definition means belongs to the contract.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import chain, combinations
from pathlib import Path
from typing import Any

import duckdb

from contracts.codes import loinc_codes
from registry.definition_comments import comments
from registry.errors import DefinitionsWrong

FACTOR = "DECIMAL(18,10)"
"""Of a unit's factor. Its product with a value, DECIMAL(28,12), keeps every digit: DECIMAL(38,22)."""

_BAND = ("id", "person", "analyte", "criterion", "operator", "from_months", "to_months")
_OPERATORS = ("<", ">=", ">")
_IDENTITY = ("id", "code", "loinc", "name")
_STANDARD = Path(str(files("contracts").joinpath("tables", "growth_standard.parquet")))
_STANDARD_TYPES = {
    "index": "VARCHAR",
    "sex": "VARCHAR",
    "position": "VARCHAR",
    "day_or_cm": "DECIMAL(6,1)",
    "l": "DECIMAL(8,5)",
    "m": "DECIMAL(8,5)",
    "s": "DECIMAL(8,5)",
}
_TYPES: dict[type, str] = {str: "VARCHAR", bool: "BOOLEAN", int: "INTEGER", Decimal: "DECIMAL(28,12)", date: "DATE"}


@dataclass(frozen=True)
class Table:
    """One table of definitions."""

    name: str
    columns: Mapping[str, str]
    """SQL type by column."""
    rows: Sequence[tuple[Any, ...]]
    """In the order of the file; none here where a Parquet file holds them."""
    file: Path | None = None
    """The Parquet file."""


@cache
def tables(directory: Path | None = None) -> tuple[Table, ...]:
    """Every table, sorted by name; the files of `directory` stand in for those of the same name in the contract.

    DefinitionsWrong when a file is not TOML, when two files name the same table, or when age bands overlap.
    """
    found = [_unit_factors(), Table("growth_standard", _STANDARD_TYPES, (), _STANDARD)]
    for folder in ("tables", "definitions"):
        shipped = {entry.name: entry for entry in _listed(files("contracts").joinpath(folder))}
        if folder == "definitions" and directory is not None:
            shipped |= {entry.name: entry for entry in _listed(directory)}
        for _, file in sorted(shipped.items()):
            found += _read(file)
    names = [table.name for table in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DefinitionsWrong(f"definitions: two files hold a table {', '.join(twice)}; rename one")
    for table in found:
        if table.name == "threshold":
            _require_separate_bands(table)
    return tuple(sorted(found, key=lambda table: table.name))


def load(connection: duckdb.DuckDBPyConnection, directory: Path | None = None, *, commented: bool = True) -> None:
    """Make the schema `definitions` with every table and, unless it is not wanted, what each column says."""
    connection.execute("CREATE SCHEMA definitions")
    for table in tables(directory):
        listed = ", ".join(f'"{name}" {kind}' for name, kind in table.columns.items())
        connection.execute(f'CREATE TABLE definitions."{table.name}" ({listed})')
        if table.file:
            insert = f'INSERT INTO definitions."{table.name}" BY NAME FROM read_parquet(?)'
            connection.execute(insert, [str(table.file)])
        if table.rows:
            row = f"({', '.join('?' * len(table.columns))})"
            every = ", ".join([row] * len(table.rows))
            try:
                connection.execute(f'INSERT INTO definitions."{table.name}" VALUES {every}', list(chain(*table.rows)))
            except duckdb.Error as error:
                raise DefinitionsWrong(
                    f"definitions: a value of the table {table.name} does not have its column's type"
                    f" ({type(error).__name__}); see its [columns.{table.name}]"
                ) from None
        for comment in comments(table.name, table.columns) if commented else ():
            connection.execute(comment)


def _require_separate_bands(thresholds: Table) -> None:
    """A criterion asks one thing at an age: where two bands overlapped, a value would meet it when it meets either."""
    rows = [dict(zip(thresholds.columns, values, strict=True)) for values in thresholds.rows]
    for row in rows:
        if absent := [name for name in _BAND if row.get(name) is None]:
            raise DefinitionsWrong(f"definitions: the threshold {row.get('id')} needs {', '.join(absent)}")
        if row["operator"] not in _OPERATORS:
            raise DefinitionsWrong(f"definitions: the operator of the threshold {row['id']} is none of {_OPERATORS}")
        if row["from_months"] >= row["to_months"]:
            raise DefinitionsWrong(f"definitions: the threshold {row['id']} ends at the age at which it begins")
    for one, other in combinations(rows, 2):
        if any(one[name] != other[name] for name in ("person", "analyte", "criterion")):
            continue
        start, end = (one["from_months"], other["from_months"]), (one["to_months"], other["to_months"])
        are_ends_of_one_interval = start[0] == start[1] and end[0] == end[1] and one["operator"] != other["operator"]
        if max(start) < min(end) and not are_ends_of_one_interval:
            raise DefinitionsWrong(
                f"definitions: the thresholds {one['id']} and {other['id']} of {one['criterion']} overlap from"
                f" {max(start)} to {min(end)} months; let one end where the other begins"
            )


def _listed(folder: Traversable | Path) -> list[Traversable | Path]:
    return [entry for entry in folder.iterdir() if entry.name.endswith(".toml")] if folder.is_dir() else []


def _read(file: Traversable | Path) -> Iterator[Table]:
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"), parse_float=Decimal)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DefinitionsWrong(f"{file}: not readable as TOML ({error})") from None
    types = content.pop("columns", {})
    rows: dict[str, list[dict[str, Any]]] = {}
    for name, value in content.items():
        if _is_array(value):
            _flatten(name, value, {}, rows)
    for name, found in rows.items():
        yield _table(name, found, types.get(name, {}))
    for name, value in content.items():
        if value == [] and name in types:  # a table that is there to be filled
            yield Table(name, types[name], [])


def _is_array(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)


def _flatten(
    name: str, entries: list[dict[str, Any]], above: dict[str, Any], rows: dict[str, list[dict[str, Any]]]
) -> None:
    for entry in entries:
        own = {
            key: value
            for key, value in entry.items()
            if value != [] and not _is_array(value) and not isinstance(value, dict)
        }
        rows.setdefault(name, []).append({**above, **own})
        identity = next((own[key] for key in _IDENTITY if key in own), None)
        inside = {**above, name.rpartition("_")[2] if above else name: identity}
        for key, value in entry.items():
            if _is_array(value):
                _flatten(f"{name}_{key}", value, inside, rows)
            elif isinstance(value, dict):
                pairs = [{**inside, "key": k, "value": v} for k, v in value.items()]
                rows.setdefault(f"{name}_{key}", []).extend(pairs)


def _table(name: str, rows: list[dict[str, Any]], stated: Mapping[str, str]) -> Table:
    found: dict[str, set[str]] = {}
    for row in rows:
        for column, value in row.items():
            found.setdefault(column, set()).add(_type_of(value))
    columns = {column: stated.get(column) or _widest(name, column, types) for column, types in found.items()}
    return Table(name, columns, [tuple(row.get(column) for column in columns) for row in rows])


def _type_of(value: object) -> str:
    if isinstance(value, list):
        return f"{_type_of(value[0])}[]" if value else "VARCHAR[]"
    return _TYPES.get(type(value), "VARCHAR")


def _widest(name: str, column: str, types: set[str]) -> str:
    if types == {"INTEGER", "DECIMAL(28,12)"}:
        return "DECIMAL(28,12)"
    if len(types) > 1:
        raise DefinitionsWrong(f"definitions: the column {column} of {name} mixes {' and '.join(sorted(types))}")
    return next(iter(types))


def _unit_factors() -> Table:
    rows = [
        (loinc, unit, code.analyte, factor, code.canonical_unit)
        for loinc, code in loinc_codes().items()
        for unit, factor in code.factors.items()
    ]
    types = {"loinc": "VARCHAR", "unit": "VARCHAR", "analyte": "VARCHAR", "factor": FACTOR, "canonical_unit": "VARCHAR"}
    return Table("unit_factors", types, rows)
