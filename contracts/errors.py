"""The one exception tree: what a user can mend, and how a command exits for it.

A message says what is wrong, where, and what to do. It never holds a reported value, a subject or a date.
"""


class B12Error(Exception):
    """Something the user can mend. Shown as one sentence, without a traceback; the command exits with 1."""

    exit_code = 1


class UsageError(B12Error):
    """The command, a mapping or a setting is wrong, not the data."""

    exit_code = 2


class EnvironmentProblem(B12Error):
    """The machine, the broker or a file of the platform is not as the command needs it."""

    exit_code = 3
