"""The checks of a release candidate: the invariants that hold a release, over what was built and what it was built of.

An invariant fails only through a fault of ours, never through what a site sent; checks of sites stand in suites.py.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Any, NamedTuple

from expectations.checks import NO_ROWS, Check, literal


class Table(NamedTuple):
    """What is known of a table beforehand."""

    name: str
    """`core.subjects`; those of `staging` are in the operators' database, all others in the release."""
    key: tuple[str, ...]
    columns: tuple[str, ...]

    @property
    def place(self) -> str:
        """How SQL names it: with the catalog."""
        return self.name if self.name.startswith("staging.") else f"release.{self.name}"


RELEASE = "release"
"""The table that checks of the whole release are listed under."""

STATEMENTS = {
    "enrolment": "core.subjects",
    "lab_result": "core.lab_results",
    "milestone": "core.milestones",
    "assessment": "core.assessments",
    "dose": "core.doses",
    "feeding": "core.feeding",
    "symptom": "core.symptoms",
    "condition": "core.conditions",
    "growth": "core.growth",
    "imaging": "core.imaging",
    "status": "core.statuses",
}
"""Where a release keeps what a kind of event says."""


def release_checks(tables: Sequence[Table]) -> list[Check]:
    """Every check of level `release`, over the catalogs `release` and `staging` of one build."""
    there = {table.name: table for table in tables}
    found = [_keys(tables), _conservation(), _quarantine(), _calendar(), _types()]
    if released := [table for table in tables if not table.name.startswith("staging.")]:
        found.append(_described(released))
    if "core.subjects" in there:
        found += [_subjects_known(there), _consent(there), _one_kind_of_data()]
    return found


def _check(table: str, name: str, asks: str, rows: str, failing: str, **fields: Any) -> Check:
    given = {"category": "conformance", "severity": "critical", **fields}
    return Check(
        name=name,
        table=table,
        asks=asks,
        rows=rows,
        failing=failing,
        level="release",
        expectation=NO_ROWS,
        arguments={"unexpected_rows_query": f"SELECT 1 FROM {{batch}} WHERE {failing}"},
        **given,
    )


def _keys(tables: Sequence[Table]) -> Check:
    return _check(
        RELEASE,
        "keys",
        "In every table no two rows have the same key, and every row says whose it is.",
        " UNION ALL ".join(_key_groups(table) for table in tables),
        "copies > 1 OR is_nobodys",
    )


def _key_groups(table: Table) -> str:
    columns = ", ".join(f'"{column}"' for column in table.key)
    # Another part of a key can be unknown (no index date yet), and then that is one of its values.
    whose = [column for column in table.key if column.endswith("_key") or column in ("delivery", "site")]
    nobodys = " OR ".join(f'"{column}" IS NULL' for column in whose) or "false"
    return f"SELECT count(*) AS copies, bool_or({nobodys}) AS is_nobodys FROM {table.place} GROUP BY {columns}"


def _conservation() -> Check:
    return _check(
        "staging.verdicts",
        "conservation",
        "What was received, counted at the transport, is the sum of the verdicts, site by site.",
        "SELECT coalesce(b.site, v.site) AS site, b.received, v.judged"
        " FROM (SELECT site, sum(received) AS received FROM staging.bounds GROUP BY site) AS b"
        " FULL JOIN (SELECT site, count(verdict) AS judged FROM staging.verdicts GROUP BY site) AS v"
        " ON b.site = v.site WHERE b.received IS NULL OR b.received > 0",
        "received IS DISTINCT FROM judged",
    )


def _quarantine() -> Check:
    return _check(
        "staging.verdicts",
        "quarantine",
        "No row is included that breaks a hard row rule, unless its site confirmed it.",
        "SELECT v.verdict FROM staging.findings AS f JOIN staging.verdicts AS v ON f.delivery = v.delivery"
        " WHERE f.effect = 'quarantine' AND NOT f.is_confirmed",
        "verdict = 'included'",
    )


_COLUMNS = (
    "SELECT schema_name, table_name, column_name, data_type FROM duckdb_columns() WHERE database_name = 'release'"
)


def _calendar() -> Check:
    return _check(
        RELEASE,
        "no_calendar",
        "No column of the release holds a calendar date or a time of day in the world: only ages and study days.",
        # The definitions' own dates (when a source was read) are no data.
        f"{_COLUMNS} AND schema_name <> 'definitions'",
        "regexp_matches(data_type, 'DATE|TIME')",
    )


TYPES = {
    "(_|^)key$": "UUID",
    "^(is|has)_": "BOOLEAN",
    "_(days|months)$|^minute_of_day$": "INTEGER",
    "^(site|person|status|loinc|analyte|unit)$": "VARCHAR",
}
"""What the name of a column promises of its type."""


def _types() -> Check:
    broken = " OR ".join(
        f"(regexp_matches(column_name, {literal(name)}) AND data_type <> {literal(kind)})"
        for name, kind in TYPES.items()
    )
    return _check(
        RELEASE,
        "types",
        "Keys are UUID, is_ and has_ BOOLEAN, ages and study days INTEGER, codes VARCHAR, in every table.",
        f"{_COLUMNS} AND schema_name IN ('core', 'research')",
        broken,
    )


def _described(tables: Sequence[Table]) -> Check:
    schemas = ", ".join(literal(name) for name in sorted({table.name.partition(".")[0] for table in tables}))
    told = ", ".join(f"({literal(table.name)}, {literal(column)})" for table in tables for column in table.columns)
    return _check(
        RELEASE,
        "described",
        "The release has exactly the tables and columns that its dictionary describes.",
        "SELECT found.name IS NOT NULL AND told.name IS NOT NULL AS is_both"
        f" FROM (SELECT schema_name || '.' || table_name AS name, column_name FROM ({_COLUMNS})"
        f" WHERE schema_name IN ({schemas})) AS found"
        f" FULL JOIN (VALUES {told}) AS told (name, column_name)"
        " ON found.name = told.name AND found.column_name = told.column_name",
        "NOT is_both",
    )


def _subjects_known(there: Mapping[str, Table]) -> Check:
    others = [
        t for t in there.values() if "subject_key" in t.columns and t.name.partition(".")[0] in ("core", "research")
    ]
    rows = " UNION ALL ".join(f"SELECT subject_key FROM {table.place}" for table in others)
    return _check(
        "core.subjects",
        "subjects_known",
        "Every row of the release is about a subject that the release has.",
        rows,
        "subject_key NOT IN (SELECT subject_key FROM release.core.subjects)",
    )


def _consent(there: Mapping[str, Table]) -> Check:
    return _check(
        "core.subjects",
        "consent",
        "Nothing is in the release that the family withdrew, or, at a site that asks each family, has not agreed to.",
        " UNION ".join(_scoped(there)),
        "is_withdrawn OR is_not_given",
    )


def _scoped(there: Mapping[str, Table]) -> Iterator[str]:
    scopes = _scopes()
    for kind, name in STATEMENTS.items():
        if name not in there:
            continue
        own = f"CASE person WHEN 'mother' THEN 'mother' ELSE {literal(scopes[kind])} END"
        if "person" not in there[name].columns:
            own = literal(scopes[kind])
        needed = f"(SELECT DISTINCT site, subject_key, {own} AS scope FROM {there[name].place})"
        for scope in ("stated.scope", "'sharing'", literal(scopes["enrolment"])):
            yield (
                "SELECT stated.site, stated.subject_key, stated.scope,"
                " coalesce(said.status = 'withdrawn', false) AS is_withdrawn,"
                " site.consent_basis = 'per_subject' AND said.status IS NULL AS is_not_given"
                f" FROM {needed} AS stated JOIN staging.sites AS site ON site.site = stated.site"
                " LEFT JOIN staging.consents AS said ON said.site = stated.site"
                f" AND said.subject_key = stated.subject_key AND said.scope = {scope}"
            )


def _scopes() -> dict[str, str]:
    text = files("contracts").joinpath("definitions", "consent.toml").read_text(encoding="utf-8")
    return {entry["kind"]: entry["scope"] for entry in tomllib.loads(text)["consent_scope"]}


def _one_kind_of_data() -> Check:
    return _check(
        RELEASE,
        "synthetic_or_real",
        "A release holds made-up infants or real ones, never both.",
        "SELECT count(DISTINCT is_synthetic) AS kinds FROM release.core.subjects",
        "kinds > 1",
    )
