"""How the verdicts of a build differ from those of the build before: what the sites have to be told.

Sending it to a site belongs to pipelines/.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import duckdb

from lake import settings_file
from lake.home import Home

_CHANGES = """
CREATE TABLE now.verdict_changes AS
WITH told_now AS (
    SELECT
        d.delivery, d.site, d.topic_uuid, d.partition, d."offset", d.kind, d.id_key, d.subject_key, v.verdict, v.reason
    FROM now.verdicts AS v
    INNER JOIN now.deliveries AS d ON v.delivery = d.delivery
    WHERE v.verdict NOT IN ('included', 'refused')
),
told_before AS ({before}),
-- What was not included and is now: only deliveries that the build still reads.
mended AS (
    SELECT d.site, d.topic_uuid, d.partition, d."offset", d.kind, d.id_key, d.subject_key, b.verdict AS verdict_before
    FROM told_before AS b
    INNER JOIN now.deliveries AS d
        ON b.topic_uuid = d.topic_uuid AND b.partition = d.partition AND b."offset" = d."offset"
    INNER JOIN now.verdicts AS v ON d.delivery = v.delivery
    WHERE v.verdict = 'included'
)
SELECT
    n.site, n.topic_uuid, n.partition, n."offset", n.kind, n.id_key, n.subject_key,
    b.verdict AS verdict_before, n.verdict, n.reason
FROM told_now AS n
LEFT JOIN told_before AS b
    ON n.topic_uuid = b.topic_uuid AND n.partition = b.partition AND n."offset" = b."offset"
WHERE b.verdict IS NULL OR n.verdict <> b.verdict OR n.reason IS DISTINCT FROM b.reason
UNION ALL
SELECT site, topic_uuid, partition, "offset", kind, id_key, subject_key, verdict_before, 'included', NULL
FROM mended
"""
_CARRIED_ON = """
INSERT INTO now.verdict_changes
SELECT e.*
FROM earlier.verdict_changes AS e
WHERE NOT EXISTS (
    SELECT 1
    FROM now.verdict_changes AS n
    WHERE n.topic_uuid = e.topic_uuid AND n.partition = e.partition AND n."offset" = e."offset"
)
"""
_BEFORE = """
    SELECT d.topic_uuid, d.partition, d."offset", v.verdict, v.reason
    FROM earlier.verdicts AS v
    INNER JOIN earlier.deliveries AS d ON v.delivery = d.delivery
    WHERE v.verdict NOT IN ('included', 'refused')
"""
_NOTHING_BEFORE = """
    SELECT topic_uuid, partition, "offset", NULL::VARCHAR AS verdict, NULL::VARCHAR AS reason
    FROM now.deliveries
    LIMIT 0
"""


class Change(NamedTuple):
    """One delivery whose verdict a site has not been told yet."""

    site: str
    topic_uuid: str
    partition: int
    offset: int
    kind: str
    id_key: UUID
    subject_key: UUID
    verdict_before: str | None
    """None: it was included before, or the build before did not know it."""
    verdict: str
    reason: str | None


def record_changes(home: Home, operators: Path, publication: str) -> int:
    """Write the table `verdict_changes` into an operators' database that is not yet in use; how many there are.

    Against no earlier one, every delivery that is neither included nor refused is a change; the door tells of
    refusals. Changes that the sites have not been told of (see `mark_told`) are carried on.
    """
    earlier = home.operators if home.operators.exists() else None
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"ATTACH {_quoted(operators)} AS now")
        connection.execute("CREATE OR REPLACE TABLE now.publication AS SELECT ? AS id", [publication])
        if earlier is not None:
            connection.execute(f"ATTACH {_quoted(earlier)} AS earlier (READ_ONLY)")
        connection.execute("DROP TABLE IF EXISTS now.verdict_changes")
        before = _NOTHING_BEFORE if earlier is None else _BEFORE
        [(rows,)] = connection.execute(_CHANGES.format(before=before)).fetchall()
        if earlier is not None and _told(home) != _publication(connection, "earlier"):
            rows += connection.execute(_CARRIED_ON).fetchall()[0][0]
    return int(rows)


def changes(operators: Path) -> Iterator[Change]:
    """What the sites have to be told, by site, partition and offset."""
    with duckdb.connect(str(operators), read_only=True) as connection:
        rows = connection.execute('SELECT * FROM verdict_changes ORDER BY site, topic_uuid, "partition", "offset"')
        while batch := rows.fetchmany(10_000):
            yield from map(Change._make, batch)


def mark_told(home: Home) -> None:
    """Note that every change in the operators' database has been sent; until then the next build carries them on."""
    with duckdb.connect(str(home.operators), read_only=True) as connection:
        settings_file.write_bytes(_mark(home), _publication(connection, "operators").encode())


def _told(home: Home) -> str | None:
    return _mark(home).read_text() if _mark(home).exists() else None


def _mark(home: Home) -> Path:
    return home.run / "verdicts.told"


def _publication(connection: duckdb.DuckDBPyConnection, catalog: str) -> str:
    [(publication,)] = connection.execute(f"SELECT id FROM {catalog}.publication").fetchall()
    return str(publication)


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
