"""What a build is a function of, as tables of the catalog `staging` that models read beside each other.

The tables made from the contract's definitions are in definitions.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from itertools import chain
from typing import Any

import duckdb
import msgspec
import pyarrow as pa

import contracts
from contracts.errors import EnvironmentProblem
from contracts.site import Site
from lake.home import Home
from lake.origins import NO_SITE
from lake.schema import PARTITIONS, schema
from lake.snapshot import Snapshot
from lake.storage import let_read
from registry import definitions

BUILD = {
    "cut_off": ("DATE", "The day that every answer is as of. It filters no delivery."),
    "lake_version": ("BIGINT", "Version of the lake that was read."),
    "contract": ("VARCHAR", "Version of the contract."),
}
SITES = {
    "site": ("VARCHAR", "The site's name."),
    "name": ("VARCHAR", "What people call it."),
    "country": ("VARCHAR", "ISO 3166-1 alpha-2."),
    "time_zone": ("VARCHAR", "IANA zone in which its local dates are read."),
    "elevation_m": ("INTEGER", "Metres above sea level."),
    "consent_basis": ("VARCHAR", "attested: in unless withdrawn. per_subject: held until given."),
    "is_synthetic": ("BOOLEAN", "Made-up data."),
}
BOUNDS = {
    "number": ("BIGINT", "Number of the site's part of the topic partition in this build."),
    "site": ("VARCHAR", "Whose deliveries these are; of its own topic, or of the replay topic that all share."),
    "topic_uuid": ("VARCHAR", "Kafka's UUID of the topic."),
    "partition": ("INTEGER", "Kafka partition."),
    "next_offset": ("BIGINT", "The build reads what lies below."),
    "received": ("BIGINT", "Deliveries below it, counted at the transport."),
}
_FIXED = {"build": BUILD, "sites": SITES, "bounds": BOUNDS}

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


class Bound(msgspec.Struct, frozen=True, order=True):
    """How far a build reads one site's deliveries of one topic partition; the replay topic has those of several."""

    site: str
    topic_uuid: str
    partition: int
    next_offset: int
    received: int
    """The site's deliveries below the offset, counted at the transport."""


@dataclass(frozen=True)
class Inputs:
    """Everything that a build depends on, beside the models and the contract themselves."""

    files: Mapping[str, Sequence[str]]
    """Parquet files by kind, each with the columns of lake.schema.schema(kind)."""
    bounds: Sequence[Bound]
    """What is read of each topic partition. A site without one is left out."""
    sites: Mapping[str, Site]
    cut_off: date
    lake_version: int = 0
    waiting: Mapping[str, int] = field(default_factory=dict)
    """Deliveries per site that lie beyond its bounds."""


def pinned(
    home: Home, snapshot: Snapshot, cut_off: date, held_at: Mapping[str, Sequence[Bound]] | None = None
) -> Inputs:
    """Inputs over one version of the lake.

    A site in `held_at` is read only up to those bounds (none: it is left out), every other one to its end.
    The same holds for what operators had replayed of it. EnvironmentProblem when the lake has a site that this home
    does not know.
    """
    held_at = held_at or {}
    sites = home.sites()
    newest = [
        Bound(site, topic_uuid, partition, position.next_offset, received)
        for (topic_uuid, partition), position in snapshot.positions.items()
        for site, received in position.by_site.items()
    ]
    unknown = sorted({bound.site for bound in newest} - {*sites, NO_SITE})
    if unknown:
        raise EnvironmentProblem(
            f"{home.sites_file}: the lake holds deliveries of {', '.join(unknown)}, which the file does not list;"
            " restore it from a backup or add the site again with `b12 site add`"
        )
    bounds = [bound for bound in newest if bound.site not in held_at]
    waiting = {}
    for site, held in held_at.items():
        bounds += held
        received = sum(bound.received for bound in newest if bound.site == site)
        waiting[site] = received - sum(bound.received for bound in held)
    return Inputs(snapshot.files, sorted(bounds), sites, cut_off, snapshot.version, waiting)


def attach(connection: duckdb.DuckDBPyConnection, given: Inputs) -> None:
    """Make the input tables in the catalog `staging`, and one view per kind over the lake's files."""
    let_read(connection, chain.from_iterable(given.files.values()))
    connection.execute("BEGIN")
    sites = given.sites.values()
    _table(connection, "build", [(given.cut_off, given.lake_version, contracts.VERSION)])
    _table(
        connection,
        "sites",
        [(s.id, s.name, s.country, s.time_zone, s.elevation_m, s.consent_basis, s.synthetic) for s in sites],
    )
    ordered = sorted(given.bounds, key=lambda bound: (bound.topic_uuid, bound.partition, bound.site))
    _table(connection, "bounds", [(number, *msgspec.structs.astuple(bound)) for number, bound in enumerate(ordered)])
    for kind in PARTITIONS:
        files = list(given.files.get(kind, ()))
        connection.execute(f"CREATE VIEW staging.lake_{kind} AS {_select(connection, kind, files, 'below')}")
    files = list(given.files.get("consent", ()))
    beyond = _select(connection, "consent", files, "beyond")
    connection.execute(f"CREATE VIEW staging.{BEYOND_CONSENT} AS {beyond} AND l.status = 'withdrawn'")
    connection.execute("COMMIT")


def detach(connection: duckdb.DuckDBPyConnection) -> None:
    """Drop the views over the lake's files: a database that is kept must not point at them."""
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
    """Names of the columns of every table that models read and that no model makes."""
    lake = {f"staging.lake_{kind}": list(lake_columns(kind)) for kind in PARTITIONS}
    fixed = {f"staging.{name}": list(columns) for name, columns in _FIXED.items()}
    beyond = {f"staging.{BEYOND_CONSENT}": list(lake_columns("consent"))}
    return lake | fixed | beyond | {f"definitions.{t.name}": list(t.columns) for t in definitions.tables()}


def uuid_of(high: str, low: str) -> str:
    """SQL of the UUID whose halves are these BIGINT expressions, as contracts.pseudonyms.as_uuid makes it."""
    return f"(({_unsigned(high)} << 64) | {_unsigned(low)})::UUID"


def _unsigned(half: str) -> str:
    return f"({half}::HUGEINT & 18446744073709551615::HUGEINT)::UHUGEINT"


def _select(connection: duckdb.DuckDBPyConnection, kind: str, files: list[str], where: str) -> str:
    """The kind's rows below or beyond the bounds; a column that no file has yet is null."""
    listed = ", ".join(_quoted(file) for file in files)
    relation = f"read_parquet([{listed}], union_by_name = true, hive_partitioning = false)"
    there = _columns_of(connection, kind, relation) if files else set()
    parts = ['(b.number << 44) + l."offset" AS delivery']
    for column in schema(kind):
        name = column.name
        if name.endswith("_lo"):
            continue
        if name.endswith("_hi"):
            stem = name.removesuffix("_hi")
            made = uuid_of(f"l.{stem}_hi", f"l.{stem}_lo") if name in there else "NULL::UUID"
            parts.append(f"{made} AS {stem}_key")
        elif name in there:
            parts.append(f'l."{name}"')
        else:
            parts.append(f'NULL::{SQL_TYPES[column.type]} AS "{name}"')
    if not files:
        nulls = ", ".join(
            f'NULL::{SQL_TYPES[c.type]} AS "{c.name}"'
            for c in schema(kind)
            if c.name in ("site", "topic_uuid", "partition", "offset", "status")
        )
        relation = f"(SELECT {nulls} LIMIT 0)"
    # What has no bound is of a site that is left out, or of a replay after a site was held: all of it lies beyond.
    join, test = {
        "below": ("JOIN", 'l."offset" < b.next_offset'),
        "beyond": ("LEFT JOIN", '(b.next_offset IS NULL OR l."offset" >= b.next_offset)'),
    }[where]
    return (
        f"SELECT {', '.join(parts)} FROM {relation} AS l"
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


def _table(connection: duckdb.DuckDBPyConnection, name: str, rows: Sequence[tuple[Any, ...]]) -> None:
    listed = ", ".join(f'"{column}" {kind}' for column, (kind, _) in _FIXED[name].items())
    connection.execute(f"CREATE TABLE staging.{name} ({listed})")
    for column, (_, doc) in _FIXED[name].items():
        connection.execute(f'COMMENT ON COLUMN staging.{name}."{column}" IS {_quoted(doc)}')
    if rows:
        connection.executemany(f"INSERT INTO staging.{name} VALUES ({', '.join('?' * len(rows[0]))})", rows)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
