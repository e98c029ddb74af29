"""The lake's files as one view per kind, which models read: up to the bounds of a build, and of nobody who was erased.

What was sent of an erased family again is seen as if it were erased already (lake/erasure.py does that later). What
else a build depends on stands in inputs.py.
"""

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from itertools import chain

import duckdb
import pyarrow as pa

from contracts.errors import EnvironmentProblem
from contracts.events import KINDS
from contracts.pseudonyms import as_uuid
from lake.schema import ERASED, KEYS, PARTITIONS, REFUSED, schema
from lake.storage import let_read
from lake.tombstones import Subject

DELIVERY = "delivery"
_DELIVERY_DOC = "Number of the delivery in this build: topic partition and offset in one."
BEYOND_CONSENT = "beyond_consent"
"""Withdrawals that lie beyond the bounds of a site that is held: they are heard all the same."""

SQL_TYPES = {
    pa.string(): "VARCHAR",
    pa.int32(): "INTEGER",
    pa.int64(): "BIGINT",
    pa.bool_(): "BOOLEAN",
    pa.date32(): "DATE",
    pa.timestamp("us", tz="UTC"): "TIMESTAMPTZ",
    pa.decimal128(28, 12): "DECIMAL(28,12)",
    pa.list_(pa.string()): "VARCHAR[]",
}

_JOINS = {
    "below": ("JOIN", 'l."offset" < b.next_offset'),
    # What has no bound is of a site that is left out, or of a replay after a site was held: all of it lies beyond.
    "beyond": ("LEFT JOIN", '(b.next_offset IS NULL OR l."offset" >= b.next_offset)'),
}
_SAID = {*KEYS, "event_time"}
"""What nothing is shown of once a delivery is erased."""


def make(
    connection: duckdb.DuckDBPyConnection, files: Mapping[str, Sequence[str]], sent_again: Collection[Subject]
) -> None:
    """Make them in the catalog `staging`, which has the table of bounds."""
    let_read(connection, chain.from_iterable(files.values()))
    if sent_again:
        connection.execute("CREATE OR REPLACE TEMP TABLE sent_again (site VARCHAR, subject_key UUID)")
        rows = [(subject.site, as_uuid(subject.key)) for subject in sent_again]
        connection.executemany("INSERT INTO sent_again VALUES (?, ?)", rows)
    theirs = _theirs() if sent_again else "FALSE"
    of = {kind: _Files(connection, kind, list(files.get(kind, ()))) for kind in PARTITIONS}
    selects = {kind: [f"{of[kind].select('below', kind)} AND NOT {theirs}"] for kind in KINDS}
    selects[REFUSED] = [of[REFUSED].select("below", REFUSED, hidden={"id", "subject"}, where=theirs)]
    selects[ERASED] = [of[ERASED].select("below", ERASED)]
    if sent_again:
        blanked = (of[kind].select("below", ERASED, hidden=_SAID) for kind in KINDS if files.get(kind))
        selects[ERASED] += [f"{select} AND {theirs}" for select in blanked]
    for kind, parts in selects.items():
        connection.execute(f"CREATE VIEW staging.lake_{kind} AS {' UNION ALL '.join(parts)}")
    beyond = f"{of['consent'].select('beyond', 'consent')} AND l.status = 'withdrawn' AND NOT {theirs}"
    connection.execute(f"CREATE VIEW staging.{BEYOND_CONSENT} AS {beyond}")


def drop(connection: duckdb.DuckDBPyConnection) -> None:
    """Drop them: a database that is kept must not point at the lake's files."""
    for kind in PARTITIONS:
        connection.execute(f"DROP VIEW IF EXISTS staging.lake_{kind}")
    connection.execute(f"DROP VIEW IF EXISTS staging.{BEYOND_CONSENT}")


@cache
def lake_columns(kind: str) -> dict[str, str]:
    """Columns of `staging.lake_<kind>` with what they mean: those of the lake, the halves of a key made one."""
    columns = {DELIVERY: _DELIVERY_DOC}
    for column in schema(kind):
        doc = column.metadata[b"doc"].decode()
        if column.name.endswith("_hi"):
            columns[column.name.removesuffix("_hi") + "_key"] = doc.removesuffix(" High half of its pseudonym.")
        elif not column.name.endswith("_lo"):
            columns[column.name] = doc
    return columns


def columns() -> dict[str, list[str]]:
    """Names of the columns of every view."""
    lake = {f"staging.lake_{kind}": list(lake_columns(kind)) for kind in PARTITIONS}
    return lake | {f"staging.{BEYOND_CONSENT}": list(lake_columns("consent"))}


def uuid_of(high: str, low: str) -> str:
    """SQL of the UUID whose halves are these BIGINT expressions, as contracts.pseudonyms.as_uuid makes it."""
    return f"(({_unsigned(high)} << 64) | {_unsigned(low)})::UUID"


def _unsigned(half: str) -> str:
    return f"({half}::HUGEINT & 18446744073709551615::HUGEINT)::UHUGEINT"


def _theirs() -> str:
    key = uuid_of("l.subject_hi", "l.subject_lo")
    return f"EXISTS (SELECT 1 FROM temp.sent_again AS e WHERE e.site = l.site AND e.subject_key = {key})"


class _Files:
    """The files of one kind, as what SQL can select from."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, kind: str, files: Sequence[str]) -> None:
        listed = ", ".join(_quoted(file) for file in files)
        self._relation = f"read_parquet([{listed}], union_by_name = true, hive_partitioning = false)"
        self._there = set()
        if files:
            self._there = _columns_of(connection, kind, self._relation)
        else:
            nulls = ", ".join(f'NULL::{SQL_TYPES[column.type]} AS "{column.name}"' for column in schema(kind))
            self._relation = f"(SELECT {nulls} LIMIT 0)"

    def select(self, side: str, kind: str, *, hidden: Collection[str] = (), where: str = "TRUE") -> str:
        """The rows on this side of the bounds, as columns of a kind; a column that no file has yet is null.

        So are the hidden ones, by their names without `_key`, in the rows where a condition holds.
        """
        parts = ['(b.number << 44) + l."offset" AS delivery']
        for column in schema(kind):
            name, stem = column.name, column.name.removesuffix("_hi")
            if name.endswith("_lo"):
                continue
            is_key = stem != name
            made = uuid_of(f"l.{stem}_hi", f"l.{stem}_lo") if is_key else f'l."{name}"'
            if name not in self._there:
                made = f"NULL::{'UUID' if is_key else SQL_TYPES[column.type]}"
            elif stem in hidden:
                made = f"CASE WHEN NOT ({where}) THEN {made} END"
            parts.append(f'{made} AS "{stem}{"_key" if is_key else ""}"')
        join, test = _JOINS[side]
        return (
            f"SELECT {', '.join(parts)} FROM {self._relation} AS l"
            f" {join} staging.bounds AS b"
            f' ON l.site = b.site AND l.topic_uuid = b.topic_uuid AND l."partition" = b."partition" WHERE {test}'
        )


def _columns_of(connection: duckdb.DuckDBPyConnection, kind: str, relation: str) -> set[str]:
    try:
        return {row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()}
    except duckdb.Error as error:
        raise EnvironmentProblem(
            f"the lake's files of the kind {kind} cannot be read ({type(error).__name__}): one is gone or damaged;"
            " restore the lake from a backup, Kafka brings the rest"
        ) from None


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
