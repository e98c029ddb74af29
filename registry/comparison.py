"""Two releases side by side: who is of another class, and why.

Whether one of them is current, or an alternative by other definitions, makes no difference here.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import duckdb

from contracts.errors import UsageError
from lake.home import Home
from registry import release
from registry.alternatives import moved
from registry.errors import NoRelease
from registry.manifest import Manifest

_CLASSES = """
SELECT
    coalesce(a.subject_key, b.subject_key)::VARCHAR AS subject_key,
    coalesce(a.site, b.site) AS site,
    coalesce(a.class, '') AS before,
    coalesce(b.class, '') AS after,
    a.alternative IS DISTINCT FROM b.alternative AS is_other_rule,
    coalesce(a.criteria, []) AS criteria_before,
    coalesce(b.criteria, []) AS criteria_after
FROM (FROM a.research.cases WHERE definition = $1) AS a
FULL JOIN (FROM b.research.cases WHERE definition = $2) AS b ON a.subject_key = b.subject_key
"""
_TESTS = """
SELECT DISTINCT
    coalesce(a.subject_key, b.subject_key)::VARCHAR AS subject_key,
    coalesce(a.criterion, b.criterion) AS criterion,
    coalesce(a.state, 'untested') AS before,
    coalesce(b.state, 'untested') AS after,
    coalesce(a.limits, '') AS limits_before,
    coalesce(b.limits, '') AS limits_after
FROM a.research.criterion_tests AS a
FULL JOIN b.research.criterion_tests AS b ON a.record_key = b.record_key AND a.criterion = b.criterion
WHERE a.state IS DISTINCT FROM b.state
ORDER BY ALL
"""


class Definition(NamedTuple):
    """A row of the definitions that differs; of one that only one of the two has, the other side is empty."""

    table: str
    before: dict[str, object]
    """The columns that differ, and those that name the row."""
    after: dict[str, object]


class Step(NamedTuple):
    """How many subjects went from one class to another; an empty class means that the release does not have them."""

    before: str
    after: str
    subjects: int


class Change(NamedTuple):
    """A subject that is of another class."""

    subject_key: str
    site: str
    before: str
    after: str
    reasons: tuple[str, ...]


class Comparison(NamedTuple):
    """What differs between two releases."""

    before: Manifest
    after: Manifest
    definitions: Sequence[Definition]
    moved: tuple[str, ...]
    """Tables that hold something else."""
    steps: Sequence[Step]
    """Who stayed, too; the classes in their order by name."""
    changes: Sequence[Change]
    """By site and key."""


def compare(home: Home, before: str, after: str) -> Comparison:
    """Compare two releases by id, number, or an alternative's name. NoRelease for one that is not there.

    UsageError where it is not clear which of several case definitions to compare.
    """
    one, two = named(home, before), named(home, after)
    with _both(home, one, two) as connection:
        ids = [_definition(connection, catalog) for catalog in ("a", "b")]
        common = sorted(set(ids[0]) & set(ids[1]))
        if len(common) != 1 and (len(ids[0]), len(ids[1])) != (1, 1):
            raise UsageError(
                f"{one.id} has the case definitions {', '.join(ids[0])} and {two.id} {', '.join(ids[1])}: releases are"
                " compared by the one that both have, or by the only one of each"
            )
        chosen = common * 2 if len(common) == 1 else [ids[0][0], ids[1][0]]
        classes = connection.execute(_CLASSES, chosen).fetchall()
        tests: dict[str, list[str]] = {}
        for key, criterion, was, now, limits, limits_now in connection.execute(_TESTS).fetchall():
            tests.setdefault(key, []).append(_test(criterion, (was, limits), (now, limits_now)))
        tables = moved(one.tables, two.tables)
        in_both = [name for name in tables if name in one.tables and name in two.tables]
        definitions = list(_definitions(connection, [name for name in in_both if name.startswith("definitions.")]))
    counts: dict[tuple[str, str], int] = {}
    changes = []
    for key, site, was, now, is_other_rule, criteria, criteria_now in classes:
        counts[was, now] = counts.get((was, now), 0) + 1
        if was != now:
            reasons = _reasons(was, now, tests.get(key, []), is_other_rule, (criteria, criteria_now))
            changes.append(Change(key, site, was, now, tuple(reasons)))
    steps = [Step(*pair, subjects) for pair, subjects in sorted(counts.items())]
    return Comparison(one, two, definitions, tables, steps, sorted(changes, key=lambda each: each[1::-1]))


def named(home: Home, name: str) -> Manifest:
    """A release by its id or number, or the newest alternative of this name. NoRelease when there is none."""
    by_name = [each for each in release.history(home) if each.beside and each.id[len(each.beside) + 1 : -9] == name]
    return by_name[-1] if by_name else release.one(home, name)


@contextmanager
def _both(home: Home, one: Manifest, two: Manifest) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for catalog, each in (("a", one), ("b", two)):
            file = release.release_file(home, each.id)
            if not file.exists():
                raise NoRelease(f"{file}: the release's file is gone; it was revoked, or belongs to another home")
            path = str(file).replace("'", "''")
            connection.execute(f"ATTACH '{path}' AS {catalog} (READ_ONLY)")
            if "research.criterion_tests" not in each.tables:
                raise NoRelease(f"{each.id} was made before releases told why; `b12 build` makes one that does")
        yield connection


def _definition(connection: duckdb.DuckDBPyConnection, catalog: str) -> list[str]:
    query = f"SELECT id FROM {catalog}.definitions.case_definition ORDER BY id"  # a name of ours
    return [row[0] for row in connection.execute(query).fetchall()]


def _definitions(connection: duckdb.DuckDBPyConnection, tables: Sequence[str]) -> Iterator[Definition]:
    for table in tables:
        before, after = (_rows(connection, catalog, table) for catalog in ("a", "b"))
        gone, come = [row for row in before if row not in after], [row for row in after if row not in before]
        for row in gone:
            same = [other for other in come if "id" in row and other.get("id") == row["id"]]
            if len(same) != 1:
                yield Definition(table, row, {})
                continue
            come.remove(same[0])
            names = [name for name in row if name == "id" or row[name] != same[0].get(name)]
            yield Definition(table, *({name: each.get(name) for name in names} for each in (row, same[0])))
        yield from (Definition(table, {}, row) for row in come)


def _rows(connection: duckdb.DuckDBPyConnection, catalog: str, table: str) -> list[dict[str, object]]:
    schema, _, name = table.partition(".")
    cursor = connection.execute(f'FROM {catalog}.{schema}."{name}" ORDER BY ALL')
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _test(criterion: str, before: tuple[str, str], after: tuple[str, str]) -> str:
    was, now = (f"{state} ({limits})" if limits else state for state, limits in (before, after))
    return f"{criterion}: {was} became {now}"


def _reasons(
    before: str, after: str, tests: list[str], is_other_rule: bool, criteria: tuple[list[str], list[str]]
) -> Iterator[str]:
    if not before:
        yield "is not in the first release"
    elif not after:
        yield "is not in the second release"
    else:
        yield from tests
        was, now = (", ".join(each) or "nothing" for each in criteria)
        if not tests or was == now:
            yield f"another rule of the class decides: {was} became {now}" if is_other_rule else f"by {was}"
