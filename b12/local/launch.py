"""Becomes one process of the stack: `python -m b12.local.launch NAME`, as the supervisor runs it.

It takes the pid file's lock, then replaces itself; so whatever happens to the supervisor, `b12 down` finds it.
"""

import os
import signal
import sys

from b12.local import dagster_home, processes, programs, settings, supervisor
from contracts.errors import B12Error
from lake.home import Home


def main(process: str) -> None:
    """Turn into the process of that name; return only when it cannot be."""
    home = Home.from_env()
    settings.apply(home)
    # A shell that runs `b12 up` in the background has its programs ignore this one, and Dagster's then ignore SIGTERM.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.umask(0o077)  # logs, Dagster's history and tables are the owner's, unless a program says otherwise
    if process == dagster_home.CODE:
        processes.forget_ended(home, process)  # a run outlives a code server that was killed, and nothing can stop it
    if not processes.hold(home, process):
        sys.exit(f"b12: {process} runs already")
    if process == dagster_home.CODE:
        dagster_home.fail_unfinished(home)
    try:
        if process == programs.SUPERVISOR:
            command = supervisor.command(home)
        else:
            command = programs.of_process(process).command(home)
    except B12Error as error:
        sys.exit(f"b12: {error}")
    os.execv(command[0], command)  # noqa: S606 - a fixed argument list


if __name__ == "__main__":
    main(sys.argv[1])
