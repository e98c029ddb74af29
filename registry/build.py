"""Runs the models over pinned inputs into two DuckDB files: the release candidate and the operators' database.

A pure function of its inputs, the models and the contract: no clock, no randomness, and the same rows with any number
of threads. What is done with the files belongs to release.py.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import duckdb

from contracts.errors import EnvironmentProblem
from registry import definitions, inputs
from registry.errors import ABOUT_MACHINE, ABOUT_WORDS, BuildFailed
from registry.inputs import Inputs
from registry.models import LAYERS, OF_RELEASE, Model, load_models

STORAGE_VERSION = "v1.4.0"
"""Format of the release's file: DuckDB 2 writes another by default, which clients of the 1.x line cannot open."""


class Built(NamedTuple):
    """One model that was built."""

    model: Model
    rows: int
    seconds: float
    types: Mapping[str, str]
    """DuckDB's type of each column."""


def run(
    given: Inputs,
    candidate: Path,
    operators: Path,
    layers: Sequence[str] = LAYERS,
    *,
    models: Sequence[Model] | None = None,
    definitions_from: Path | None = None,
    threads: int | None = None,
    commented: bool = True,
) -> Iterator[Built]:
    """Build the models of these layers, one at each step of the iteration.

    With the layer `staging` both files are made anew; without it, the files of an earlier run are gone on with, which
    must have been given the same inputs. The dictionary's words stand in both as comments, unless only the rows are
    wanted. The files are closed when the iteration has ended. BuildFailed names the model that stopped at a row,
    EnvironmentProblem the machine when it is full.
    """
    models = load_models() if models is None else models
    afresh = "staging" in layers
    if afresh:
        for file in (candidate, operators):
            discard(file)
    with opened(candidate, operators, threads=threads) as connection:
        if afresh:
            connection.execute("BEGIN")
            for schema in OF_RELEASE:
                connection.execute(f"CREATE SCHEMA {schema}")
            definitions.load(connection, definitions_from, commented=commented)
            connection.execute("COMMIT")
            inputs.attach(connection, given)
        for model in models:
            if model.layer in layers:
                yield _build(connection, model, commented)
        if afresh:
            inputs.detach(connection)


def discard(file: Path) -> None:
    """Remove a database and its log, if they are there."""
    file.unlink(missing_ok=True)
    file.with_name(f"{file.name}.wal").unlink(missing_ok=True)


@contextmanager
def opened(
    candidate: Path, operators: Path, *, read_only: bool = False, threads: int | None = None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to both files of a build, under the names that models use."""
    connection = duckdb.connect(":memory:")
    mode, version = ("READ_ONLY", "READ_ONLY") if read_only else (f"STORAGE_VERSION '{STORAGE_VERSION}'", "READ_WRITE")
    try:
        connection.execute("SET TimeZone = 'UTC'")
        # Rows have no order in a table, and keeping one costs memory; contents are compared without it.
        connection.execute("SET preserve_insertion_order = false")
        connection.execute(f"SET temp_directory = {_quoted(candidate.parent / 'spill')}")
        if threads is not None:
            connection.execute(f"SET threads = {threads:d}")
        connection.execute(f"ATTACH {_quoted(candidate)} AS release ({mode})")
        connection.execute(f"ATTACH {_quoted(operators)} AS staging ({version})")
        connection.execute("USE release")
        yield connection
    finally:
        connection.close()


def _build(connection: duckdb.DuckDBPyConnection, model: Model, commented: bool) -> Built:
    begun = time.perf_counter()
    try:
        connection.execute("BEGIN")
        [(rows,)] = connection.execute(f"CREATE TABLE {model.name} AS\n{model.sql}").fetchall()
        if commented:
            connection.execute(";\n".join(_comments(model)))
        types = {name: kind for name, kind, *_ in connection.execute(f"DESCRIBE {model.name}").fetchall()}
        connection.execute("COMMIT")
    except ABOUT_WORDS:
        raise
    except ABOUT_MACHINE as error:
        raise EnvironmentProblem(
            f"the build stopped at {model.name} ({type(error).__name__}): the disk or the memory is full,"
            " or a file of the lake cannot be read; nothing was published"
        ) from None
    except duckdb.Error as error:
        # The text may quote a value, and so would the cause in a trace.
        raise BuildFailed(
            f"the build stopped at a row of {model.name} ({type(error).__name__}); nothing was published."
            " This is a fault of the platform: tell its maintainers the model and the error's name"
        ) from None
    return Built(model, rows, time.perf_counter() - begun, types)


def _comments(model: Model) -> Iterator[str]:
    about = f"{model.description} Grain: {model.grain}. Key: {', '.join(model.key)}."
    yield f"COMMENT ON TABLE {model.name} IS {_quoted(about)}"
    for column in model.columns:
        unit = f" Unit: {column.unit}." if column.unit else ""
        yield f'COMMENT ON COLUMN {model.name}."{column.name}" IS {_quoted(column.description + unit)}'


def _quoted(text: object) -> str:
    return "'" + str(text).replace("'", "''") + "'"
