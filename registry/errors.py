"""What can go wrong between the lake and a release, in sentences for the one who can mend it.

A fault in a model's words is a bug of ours and is raised as it is.
"""

import duckdb

from contracts.errors import B12Error, EnvironmentProblem, UsageError


class ReleaseHeld(B12Error):
    """An audit failed: nothing was published and the last good release stays."""


class BuildFailed(B12Error):
    """A model stopped at a row. The message names the model, never the row."""


class BuildRunning(EnvironmentProblem):
    """Another build of this home has not ended."""


class NoSubject(B12Error):
    """A release has no subject of this key; never says whether one was taken out."""


class NoRelease(EnvironmentProblem):
    """No release has been published in this home, or the one asked for is not there."""


class DefinitionsWrong(UsageError):
    """A table of definitions cannot be read as it was written."""


class QueryFailed(UsageError):
    """The release cannot answer a query as it was asked."""


ABOUT_WORDS: tuple[type[duckdb.Error], ...] = (
    duckdb.ParserException,
    duckdb.CatalogException,
    duckdb.BinderException,
)
"""What DuckDB says in these is about a query's words. In any other error it may quote a value that it met."""
ABOUT_MACHINE: tuple[type[duckdb.Error], ...] = (duckdb.IOException, duckdb.OutOfMemoryException)
"""And in these about files and memory."""
