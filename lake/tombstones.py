"""Which families were erased: kept as hashes under a key of their own, from which no pseudonym can be made.

So what is sent of one again can be told and left out, and nobody can list who they were. Erasing belongs to
lake/erasure.py, leaving out to registry/lake_views.py.
"""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

import duckdb

from contracts.errors import EnvironmentProblem
from contracts.pseudonyms import joined, tombstone
from lake import settings_file
from lake.home import Home
from lake.schema import ERASED
from lake.storage import let_read

_FAMILIES = "families"


class Subject(NamedTuple):
    """One subject of a site, by pseudonym."""

    site: str
    key: bytes


class Tombstones:
    """The erased families of one home, by what can be told of a pseudonym."""

    def __init__(self, key: bytes, by_site: Mapping[str, frozenset[str]]) -> None:
        self._key = key
        self._by_site = by_site

    def counts(self) -> dict[str, int]:
        """How many families of each site were erased."""
        return {site: len(found) for site, found in sorted(self._by_site.items()) if found}

    def among(self, subjects: Iterable[Subject]) -> frozenset[Subject]:
        """Those of the subjects that were erased."""
        return frozenset(s for s in subjects if _of(self._key, s) in self._by_site.get(s.site, ()))

    def in_files(self, files: Mapping[str, Sequence[str]]) -> frozenset[Subject]:
        """Those of whom files of the lake, given by kind, hold something: it was sent again, or not erased yet."""
        paths = list(chain.from_iterable(found for kind, found in files.items() if kind != ERASED))
        sites = list(self.counts())
        if not sites or not paths:
            return frozenset()
        with duckdb.connect() as connection:
            let_read(connection, paths)
            rows = connection.execute(
                "SELECT DISTINCT site, subject_hi, subject_lo"
                " FROM read_parquet($paths, union_by_name = true, hive_partitioning = false)"
                " WHERE list_contains($sites, site) AND subject_hi IS NOT NULL",
                {"paths": paths, "sites": sites},
            )
            found: frozenset[Subject] = frozenset()
            while batch := rows.fetchmany(100_000):
                found |= self.among(Subject(site, joined(high, low)) for site, high, low in batch)
        return found


def read(home: Home) -> Tombstones:
    """Those of a home. EnvironmentProblem when their key is gone: nobody could tell who must not come back."""
    try:
        tables = settings_file.read(home.erased_file)
    except FileNotFoundError:
        return Tombstones(b"", {})
    try:
        key = home.erasure_key.read_bytes()
    except OSError:
        raise EnvironmentProblem(
            f"{home.erasure_key} is gone, so nobody can tell who was erased, and what is sent of them again would come"
            " back: restore it from a backup; nothing was changed"
        ) from None
    return Tombstones(key, {site: frozenset(table[_FAMILIES]) for site, table in tables.items()})


def put(home: Home, subjects: Iterable[Subject]) -> None:
    """Have these count as erased from now on, for good. Safe to repeat."""
    read(home)  # a key that is gone is not made anew
    if not home.erasure_key.exists():
        settings_file.write_bytes(home.erasure_key, secrets.token_bytes(32), settings_file.SECRET)
    key = home.erasure_key.read_bytes()
    tables = settings_file.read(home.erased_file) if home.erased_file.exists() else {}
    found = {site: set(table[_FAMILIES]) for site, table in tables.items()}
    for subject in subjects:
        found.setdefault(subject.site, set()).add(_of(key, subject))
    written = {site: {_FAMILIES: sorted(marks)} for site, marks in sorted(found.items())}
    settings_file.write(home.erased_file, written, settings_file.SECRET)


def _of(key: bytes, subject: Subject) -> str:
    return tombstone(key, subject.key).hex()
