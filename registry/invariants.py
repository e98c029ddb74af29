"""What must hold of every build: keys, accounting, types, consent. Where one fails, nothing is published.

How plausible the data is belongs to the suites of expectations/.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import duckdb

from registry.build import opened
from registry.models import Model, load_models


class Outcome(NamedTuple):
    """What one invariant says of a build."""

    name: str
    asks: str
    failing: int
    """How many rows, keys or deliveries it fails; 0 when it holds."""
    sites: tuple[str, ...] = ()
    """Where it fails, when that can be told."""

    @property
    def holds(self) -> bool:
        return self.failing == 0

    def __str__(self) -> str:
        where = f" ({', '.join(self.sites)})" if self.sites else ""
        return f"{self.name} fails {self.failing:,} times{where}: {self.asks}"


def check(candidate: Path, operators: Path, models: Sequence[Model] | None = None) -> list[Outcome]:
    """Every invariant over the two files of a build, which must hold all of `models` (default: every model)."""
    models = load_models() if models is None else models
    with opened(candidate, operators, read_only=True) as connection:
        return list(_outcomes(connection, models))


def _outcomes(connection: duckdb.DuckDBPyConnection, models: Sequence[Model]) -> Iterator[Outcome]:
    yield _conservation(connection)
    yield _one_verdict_each(connection)
    yield _consent(connection)
    yield _types(connection, models)
    yield _subjects(connection, models)
    for model in models:
        key = ", ".join(f'"{column}"' for column in model.key)
        twice = f"SELECT count(*) FROM (SELECT 1 FROM {model.name} GROUP BY {key} HAVING count(*) > 1)"
        yield Outcome(f"key:{model.name}", f"{', '.join(model.key)} names one row.", _number(connection, twice))


def _conservation(connection: duckdb.DuckDBPyConnection) -> Outcome:
    rows = connection.execute("""
        WITH received AS (SELECT site, sum(received) AS deliveries FROM staging.bounds GROUP BY site),
        judged AS (SELECT site, count(*) AS deliveries FROM staging.verdicts GROUP BY site)
        SELECT coalesce(r.site, j.site), abs(coalesce(r.deliveries, 0) - coalesce(j.deliveries, 0))::BIGINT AS gap
        FROM received AS r FULL JOIN judged AS j ON r.site = j.site
        WHERE coalesce(r.deliveries, 0) <> coalesce(j.deliveries, 0)
        ORDER BY ALL
    """).fetchall()
    asks = "What was received, counted at the transport, is the sum of the verdicts."
    return Outcome("conservation", asks, sum(gap for _, gap in rows), tuple(site for site, _ in rows))


def _one_verdict_each(connection: duckdb.DuckDBPyConnection) -> Outcome:
    failing = _number(
        connection,
        """
        SELECT count(*)
        FROM staging.deliveries AS d
        FULL JOIN staging.verdicts AS v ON d.delivery = v.delivery
        WHERE d.delivery IS NULL OR v.verdict IS NULL
        """,
    )
    return Outcome("one_verdict_each", "Every delivery has a verdict.", failing)


def _consent(connection: duckdb.DuckDBPyConnection) -> Outcome:
    failing = _number(
        connection,
        """
        SELECT count(*)
        FROM staging.deliveries AS d
        SEMI JOIN (SELECT delivery FROM staging.verdicts WHERE verdict = 'included') AS v ON d.delivery = v.delivery
        INNER JOIN definitions.consent_scope AS s ON d.kind = s.kind
        INNER JOIN staging.barred AS b
            ON d.site = b.site
            AND d.subject_key = b.subject_key
            AND b.scope = CASE WHEN d.person = 'mother' THEN 'mother' ELSE s.scope END
        """,
    )
    return Outcome("consent", "Nothing is included without the consent that it needs.", failing)


def _types(connection: duckdb.DuckDBPyConnection, models: Sequence[Model]) -> Outcome:
    dated = sum(
        "DATE" in kind or "TIME" in kind
        for model in models
        if model.in_release
        for _, kind, *_ in connection.execute(f"DESCRIBE {model.name}").fetchall()
    )
    return Outcome("types", "A release holds ages and no calendar dates.", dated)


def _subjects(connection: duckdb.DuckDBPyConnection, models: Sequence[Model]) -> Outcome:
    tables = [
        model.name
        for model in models
        if model.in_release and any(column.name == "subject_key" for column in model.columns)
    ]
    unknown = sum(
        _number(
            connection, f"SELECT count(*) FROM {table} WHERE subject_key NOT IN (SELECT subject_key FROM core.subjects)"
        )
        for table in tables
    )
    return Outcome("subjects", "Every subject of the release is in core.subjects.", unknown)


def _number(connection: duckdb.DuckDBPyConnection, sql: str) -> int:
    [(number,)] = connection.execute(sql).fetchall()
    return int(number)
