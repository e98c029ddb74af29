"""Models over a few events, without Kafka and without Delta: the judge's and the lake's own rows, as Parquet files.

    tables = built(tmp_path, {BLR01: [event(...), ...]}, ["staging.verdicts"])
    tables.sql("SELECT * FROM staging.verdicts").fetchall()

What a test asserts belongs to the test.
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from contracts.judge import judge
from contracts.pseudonyms import Role, as_uuid, pseudonym, site_key
from contracts.site import Site
from lake.rows import Batch, tables
from registry import build, models
from registry.inputs import Bound, Inputs
from registry.models import Model
from tests.lake_fixture import REPLAY_UUID, Replay, replayed, topic_uuid_of

SECRET = b"s" * 32
RECEIVED = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
CUT_OFF = date(2026, 11, 22)

BLR01 = Site(id="BLR01", name="A laboratory", country="IN", time_zone="Asia/Kolkata", synthetic=True)
OSL01 = Site(id="OSL01", name="Another", country="NO", time_zone="Europe/Oslo", synthetic=True)
ASK01 = Site(
    id="ASK01",
    name="One that asks",
    country="GB",
    time_zone="Europe/London",
    consent_basis="per_subject",
    synthetic=True,
)

_FINDING = ("rule", "field", "category", "severity", "effect", "reason")
_runs = itertools.count()


def key(site: Site, role: Role, value: str) -> str:
    """The key under which a build shows a site's code."""
    return str(as_uuid(pseudonym(site_key(SECRET, site.id), role, value)))


def given(
    directory: Path,
    deliveries: Mapping[Site, Sequence[bytes | None]],
    *,
    cut_off: date = CUT_OFF,
    received: datetime = RECEIVED,
    held_at: Mapping[str, int] | None = None,
    replays: Sequence[Replay] = (),
    replays_held_at: Mapping[str, int] | None = None,
) -> Inputs:
    """Inputs whose lake holds these deliveries in this order; a site in `held_at` is read up to that offset.

    The replays stand in one partition of the replay topic; a site in `replays_held_at` is read up to that offset there.
    """
    parts: dict[str, list[pa.Table]] = {}
    bounds = []
    waiting = {}
    for site, values in deliveries.items():
        batch = Batch(site, site_key(SECRET, site.id), topic_uuid_of(site), 0)
        for offset, value in enumerate(values):
            batch.offsets.append(offset)
            batch.received_ms.append(int(received.timestamp() * 1000))
            batch.sizes.append(None if value is None else len(value))
            batch.judged.append(judge(value, site, received))
        _add(parts, batch)
        end = (held_at or {}).get(site.id, len(values))
        bounds.append(Bound(site.id, topic_uuid_of(site), 0, end, end))
        if end < len(values):
            waiting[site.id] = len(values) - end
    for name, batch in replayed(SECRET, replays).items():
        _add(parts, batch)
        end = (replays_held_at or {}).get(name, len(replays))
        received_by_then = sum(offset < end for offset in batch.offsets)
        if received_by_then:
            bounds.append(Bound(name, REPLAY_UUID, 0, end, received_by_then))
        if received_by_then < len(batch):
            waiting[name] = waiting.get(name, 0) + len(batch) - received_by_then
    files = {}
    run = next(_runs)
    for kind, found in parts.items():
        path = directory / f"{run}-{kind}.parquet"
        pq.write_table(pa.concat_tables(found), path)
        files[kind] = [str(path)]
    return Inputs(files, bounds, {site.id: site for site in deliveries}, cut_off, waiting=waiting)


def _add(parts: dict[str, list[pa.Table]], batch: Batch) -> None:
    for kind, table in tables(batch).items():
        parts.setdefault(kind, []).append(table)


def built(
    directory: Path,
    deliveries: Mapping[Site, Sequence[bytes | None]] | Inputs,
    names: Iterable[str],
    *,
    ruled: bool = True,
    **settings: object,
) -> duckdb.DuckDBPyConnection:
    """A connection to the named models and all that they read, built over the deliveries; without row rules if not."""
    inputs = deliveries if isinstance(deliveries, Inputs) else given(directory, deliveries, **settings)
    run = next(_runs)
    candidate, operators = directory / f"{run}-release.duckdb", directory / f"{run}-operators.duckdb"
    chosen = models.needed_for(names)
    chosen = chosen if ruled else without_rules(chosen)
    for _ in build.run(inputs, candidate, operators, models=chosen, threads=1, commented=False):
        pass
    return opened(candidate, operators)


def without_rules(models_: Iterable[Model]) -> tuple[Model, ...]:
    """The models, where no row rule finds anything: asking them is half of the work of so small a build."""
    none = ", ".join(["NULL::BIGINT AS delivery", *(f"NULL::VARCHAR AS {name}" for name in _FINDING)])
    empty = f"SELECT {none} WHERE false"
    return tuple(replace(model, sql=empty) if model.name == "staging.rule_hits" else model for model in models_)


def opened(candidate: Path, operators: Path) -> duckdb.DuckDBPyConnection:
    """Both files of a build under the names that models use."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(f"ATTACH '{candidate}' AS release (READ_ONLY)")
    connection.execute(f"ATTACH '{operators}' AS staging (READ_ONLY)")
    connection.execute("USE release")
    return connection
