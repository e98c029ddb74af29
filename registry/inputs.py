"""What a build is a function of, as tables of the catalog `staging` that models read beside each other.

The tables made from the contract's definitions are in definitions.py, the views over the lake in lake_views.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import duckdb
import msgspec

import contracts
from contracts.errors import EnvironmentProblem
from contracts.site import Site
from lake import tombstones
from lake.home import Home
from lake.origins import NO_SITE
from lake.snapshot import Snapshot
from lake.tombstones import Subject
from registry import definitions, lake_views

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
TOMBSTONES = {
    "site": ("VARCHAR", "Whose families they were."),
    "families": ("BIGINT", "Families that withdrew and were erased."),
}
_FIXED = {"build": BUILD, "sites": SITES, "bounds": BOUNDS, "tombstones": TOMBSTONES}


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
    erased: Mapping[str, int] = field(default_factory=dict)
    """Families per site that were erased."""
    sent_again: frozenset[Subject] = frozenset()
    """Erased ones of whom the files hold something all the same."""


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
    erased = tombstones.read(home)
    counts = {site: families for site, families in erased.counts().items() if any(b.site == site for b in bounds)}
    again = erased.in_files(snapshot.files)
    return Inputs(snapshot.files, sorted(bounds), sites, cut_off, snapshot.version, waiting, counts, again)


def attach(connection: duckdb.DuckDBPyConnection, given: Inputs) -> None:
    """Make the input tables in the catalog `staging`, and one view per kind over the lake's files."""
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
    _table(connection, "tombstones", sorted(given.erased.items()))
    lake_views.make(connection, given.files, given.sent_again)
    connection.execute("COMMIT")


def detach(connection: duckdb.DuckDBPyConnection) -> None:
    """Drop the views over the lake's files: a database that is kept must not point at them."""
    lake_views.drop(connection)


def columns() -> dict[str, list[str]]:
    """Names of the columns of every table that models read and that no model makes."""
    fixed = {f"staging.{name}": list(columns) for name, columns in _FIXED.items()}
    return lake_views.columns() | fixed | {f"definitions.{t.name}": list(t.columns) for t in definitions.tables()}


def _table(connection: duckdb.DuckDBPyConnection, name: str, rows: Sequence[tuple[Any, ...]]) -> None:
    listed = ", ".join(f'"{column}" {kind}' for column, (kind, _) in _FIXED[name].items())
    connection.execute(f"CREATE TABLE staging.{name} ({listed})")
    for column, (_, doc) in _FIXED[name].items():
        connection.execute(f'COMMENT ON COLUMN staging.{name}."{column}" IS {_quoted(doc)}')
    if rows:
        connection.executemany(f"INSERT INTO staging.{name} VALUES ({', '.join('?' * len(rows[0]))})", rows)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
