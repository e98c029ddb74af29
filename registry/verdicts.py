"""How the verdicts and questions of a build differ from those of the build before: what the sites have to be told.

Sending it to a site belongs to pipelines/.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import duckdb

from lake import settings_file
from lake.home import Home

_PLACED = """
    SELECT
        delivery, site, kind, id_key, subject_key,
        coalesce(origin_topic_uuid, topic_uuid) AS topic_uuid,
        coalesce(origin_partition, "partition") AS partition,
        coalesce(origin_offset, "offset") AS "offset"
    FROM (
        SELECT * FROM {catalog}.deliveries
        UNION ALL BY NAME
        -- What the database of an earlier version has not.
        SELECT NULL AS origin_topic_uuid, NULL AS origin_partition, NULL AS origin_offset WHERE FALSE
    )
"""
"""Deliveries by where their site sent them, for it knows nothing of the replay topic.

Of all that share a place, one stands for the others, which are `replayed`.
"""
_STANDING = f"""
    SELECT
        d.delivery, d.site, d.topic_uuid, d.partition, d."offset", d.kind, d.id_key, d.subject_key,
        v.verdict, v.reason, q.questions
    FROM {{catalog}}.verdicts AS v
    INNER JOIN ({_PLACED}) AS d ON v.delivery = d.delivery
    LEFT JOIN (
        SELECT delivery, list(rule ORDER BY rule) AS questions
        FROM {{questions}}
        GROUP BY delivery
    ) AS q ON v.delivery = q.delivery AND v.verdict = 'included'
    WHERE
        (v.verdict NOT IN ('included', 'refused', 'replayed') AND d.id_key IS NOT NULL)
        OR q.questions IS NOT NULL
"""
"""What stands against deliveries: a verdict, or questions about an included one (contracts.rulebook, asks_the_site).

The door's receipts tell of refusals, and of what came of a replay. An erased delivery has no id to name it by.
"""
_ASKED_BEFORE = """(
    SELECT delivery, rule FROM {catalog}.findings
    WHERE severity = 'critical' AND effect <> 'quarantine' AND NOT is_confirmed
)"""
"""The questions of a database of an earlier version, which has no table of them."""
_CHANGES = f"""
CREATE TABLE now.verdict_changes AS
WITH standing AS ({{now}}),
before AS ({{before}}),
-- What nothing stands against any more: only deliveries that the build still reads.
mended AS (
    SELECT d.site, d.topic_uuid, d.partition, d."offset", d.kind, d.id_key, d.subject_key, b.verdict AS verdict_before
    FROM before AS b
    INNER JOIN ({_PLACED.format(catalog="now")}) AS d
        ON b.topic_uuid = d.topic_uuid AND b.partition = d.partition AND b."offset" = d."offset"
    INNER JOIN now.verdicts AS v ON d.delivery = v.delivery
    WHERE v.verdict = 'included' AND d.delivery NOT IN (SELECT delivery FROM standing)
)
SELECT
    n.site, n.topic_uuid, n.partition, n."offset", n.kind, n.id_key, n.subject_key,
    b.verdict AS verdict_before, n.verdict, n.reason, n.questions
FROM standing AS n
LEFT JOIN before AS b
    ON n.topic_uuid = b.topic_uuid AND n.partition = b.partition AND n."offset" = b."offset"
WHERE
    b.verdict IS NULL
    OR n.verdict <> b.verdict
    OR n.reason IS DISTINCT FROM b.reason
    OR n.questions IS DISTINCT FROM b.questions
UNION ALL
SELECT site, topic_uuid, partition, "offset", kind, id_key, subject_key, verdict_before, 'included', NULL, NULL
FROM mended
"""
_CARRIED_ON = """
INSERT INTO now.verdict_changes BY NAME
SELECT e.*
FROM earlier.verdict_changes AS e
WHERE NOT EXISTS (
    SELECT 1
    FROM now.verdict_changes AS n
    WHERE n.topic_uuid = e.topic_uuid AND n.partition = e.partition AND n."offset" = e."offset"
)
AND NOT EXISTS (
    SELECT 1
    FROM now.deliveries AS d
    WHERE
        d.rule = 'erased'
        AND d.topic_uuid = e.topic_uuid AND d.partition = e.partition AND d."offset" = e."offset"
)
"""


class Change(NamedTuple):
    """One delivery whose verdict, or what is asked about it, a site has not been told yet."""

    site: str
    topic_uuid: str
    partition: int
    offset: int
    kind: str
    id_key: UUID
    subject_key: UUID
    verdict_before: str | None
    """None: it was included without a question, or the build before did not know it."""
    verdict: str
    reason: str | None
    questions: list[str] | None = None
    """The rules whose findings the site is asked about; only of an included delivery."""


def record_changes(home: Home, operators: Path, publication: str) -> int:
    """Write the table `verdict_changes` into an operators' database that is not yet in use; how many there are.

    Against no earlier one, every delivery that is not simply included, or refused, is a change; the door tells of
    refusals. Changes that the sites have not been told of (see `mark_told`) are carried on.
    """
    earlier = home.operators if home.operators.exists() else None
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"ATTACH {_quoted(operators)} AS now")
        connection.execute("CREATE OR REPLACE TABLE now.publication AS SELECT ? AS id", [publication])
        if earlier is not None:
            connection.execute(f"ATTACH {_quoted(earlier)} AS earlier (READ_ONLY)")
        connection.execute("DROP TABLE IF EXISTS now.verdict_changes")
        standing = _standing(connection, "now")
        before = _standing(connection, "earlier") if earlier is not None else f"FROM ({standing}) LIMIT 0"
        [(rows,)] = connection.execute(_CHANGES.format(now=standing, before=before)).fetchall()
        if earlier is not None and _told(home) != _publication(connection, "earlier"):
            rows += connection.execute(_CARRIED_ON).fetchall()[0][0]
    return int(rows)


def _standing(connection: duckdb.DuckDBPyConnection, catalog: str) -> str:
    known = connection.execute("SELECT table_name FROM duckdb_tables() WHERE database_name = ?", [catalog]).fetchall()
    questions = f"{catalog}.questions" if ("questions",) in known else _ASKED_BEFORE.format(catalog=catalog)
    return _STANDING.format(catalog=catalog, questions=questions)


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
