"""Why a subject of a release is of its class: the sentences of research.explanation_lines, for one key.

What the sentences say is computed by the model.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import duckdb

from contracts.errors import UsageError
from lake.home import Home
from registry import release
from registry.errors import NoRelease, NoSubject
from registry.queries import connected

_PREFIX = re.compile(r"[0-9a-f]{8}(-?[0-9a-f-]*)", re.IGNORECASE)
_SUBJECTS = """
SELECT DISTINCT subject_key::VARCHAR AS key, site FROM core.subjects WHERE starts_with(subject_key::VARCHAR, $1) LIMIT 2
"""
_LINES = """
SELECT definition, topic, sentence, record_key::VARCHAR
FROM research.explanation_lines WHERE subject_key = $1::UUID ORDER BY definition, line
"""


class Line(NamedTuple):
    """One sentence."""

    definition: str
    topic: str
    """class, when, criterion, evidence, treatment, near_miss or missing."""
    sentence: str
    record_key: str | None
    """The record that it rests on."""


_INDENT = {"criterion": "  ", "evidence": "    ", "missing": "  "}


class Explanation(NamedTuple):
    """All that a release tells of one subject's class."""

    release: str
    subject_key: str
    site: str
    lines: Sequence[Line]

    def text(self) -> Iterator[str]:
        """The sentences as they are printed, what is evidence below what it is evidence of."""
        for line in self.lines:
            record = f" [record {line.record_key}]" if line.record_key else ""
            yield f"{_INDENT.get(line.topic, '')}{line.sentence}{record}"


def explain(home: Home, key: str, release_id: str | None = None) -> Explanation:
    """Of the subject with this key, or whose key alone begins so, in one release (default: the current one).

    UsageError for what is no key, or begins several; NoSubject for one that the release does not have; NoRelease.
    """
    if not _PREFIX.fullmatch(key):
        raise UsageError("KEY: a subject_key of the release, or at least its first eight characters")
    known = release.current(home) if release_id is None else release.one(home, release_id)
    with connected(release.release_file(home, known.id)) as connection:
        found = connection.execute(_SUBJECTS, [key.lower()]).fetchall()
        if not found:
            raise NoSubject(
                f"no subject of {known.id} has this key: it may be of another release, nothing of it may have been"
                " accepted by then, or the family may have withdrawn; a release does not tell which. Its subjects:"
                ' `b12 sql "SELECT subject_key, site, class FROM research.cases"`'
            )
        if len(found) > 1:
            raise UsageError("KEY: several subjects' keys begin so; give more of it")
        ((subject_key, site),) = found
        try:
            lines = connection.execute(_LINES, [subject_key]).fetchall()
        except duckdb.CatalogException:
            raise NoRelease(f"{known.id} was made before releases told why; `b12 build` makes one that does") from None
    return Explanation(known.id, subject_key, site, [Line(*line) for line in lines])
