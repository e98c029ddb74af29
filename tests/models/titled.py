"""Many stories at once, by title: told to a cohort, and read back from what was built; the words are in `stories`."""

from collections.abc import Mapping
from typing import Any

import duckdb

from tests.models.built import rows
from tests.models.cohort import Cohort, Infant

Stories = Mapping[str, tuple[str, Any]]
"""By title: the story, and what must come of it."""

Found = dict[str, dict[str, Any]]
"""By title: one row, by column."""


def told(cohort: Cohort, stories: Stories) -> dict[str, Infant]:
    return {title: cohort.infant().tell(story) for title, (story, _) in stories.items()}


def expected(stories: Stories) -> dict[str, Any]:
    return {title: answer for title, (_, answer) in stories.items()}


def answers(found: Found, titles: Mapping[str, Any]) -> dict[str, str]:
    """Of each title the reason, or the state where there is none: what `expected` is compared with."""
    return {title: found[title]["reason"] or found[title]["state"] for title in titles}


def by_title(
    connection: duckdb.DuckDBPyConnection, infants: Mapping[str, Infant], query: str, *parameters: object
) -> dict[str, list[dict[str, Any]]]:
    """The rows of a query by the title of their subject."""
    titles = {infant.key: title for title, infant in infants.items()}
    found: dict[str, list[dict[str, Any]]] = {title: [] for title in infants}
    for row in rows(connection, query, *parameters):
        found[titles[row["subject_key"]]].append(row)
    return found


def recoveries(
    cohort: Cohort, infants: Mapping[str, Infant], dimension: str, visit: str, parts: str, defined: str = ""
) -> Found:
    """Of each infant the row of research.recovery, with the rows of the table of its `parts`."""
    with cohort.build("research.recovery", parts, defined=defined) as connection:
        query = "FROM research.recovery WHERE dimension = $1 AND visit = $2"
        found = {title: row for title, (row,) in by_title(connection, infants, query, dimension, visit).items()}
        of_parts = by_title(connection, infants, f"FROM {parts} WHERE visit = $1 OR visit IS NULL", visit)
    return {title: row | {"parts": of_parts[title]} for title, row in found.items()}
