"""What can go wrong between the lake and a release, in sentences for the one who can mend it.

A fault in a model's SQL is a bug of ours and is raised as it is.
"""

from contracts.errors import B12Error, EnvironmentProblem, UsageError


class ReleaseHeld(B12Error):
    """An audit failed: nothing was published and the last good release stays."""


class BuildRunning(EnvironmentProblem):
    """Another build of this home has not ended."""


class NoRelease(EnvironmentProblem):
    """No release has been published in this home, or the one asked for is not there."""


class DefinitionsWrong(UsageError):
    """A table of definitions cannot be read as it was written."""


class QueryFailed(UsageError):
    """The release cannot answer a query as it was asked."""
