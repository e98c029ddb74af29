"""The supervisor (supervisord) that keeps the stack's programs running, and how it is told what to do.

Which programs there are, and when they answer, is `b12.local.programs`' business.
"""

import os
import sys
import time
import xmlrpc.client
from pathlib import Path
from typing import Any, NamedTuple

from supervisor.xmlrpc import SupervisorTransport

from b12.local import processes, sockets
from b12.local.programs import SUPERVISOR, Program
from contracts.errors import EnvironmentProblem
from lake.home import Home

START_SECONDS = 30


def configuration(home: Home, programs: list[Program]) -> str:
    """supervisord's settings: every program restarts when it ends, stops in good order, logs to a file of its own.

    They run in a directory without packages: Python and Dagster would import from the one that `b12 up` was typed in.
    """
    sections = [
        f"""\
[supervisord]
nodaemon=true
silent=true
umask=077
logfile={_escaped(home.logs / "supervisor.log")}
logfile_maxbytes=1MB
logfile_backups=1
pidfile={_escaped(home.run / "supervisord")}

[unix_http_server]
file={_escaped(sockets.path(home, SUPERVISOR))}
chmod=0600

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
"""
    ]
    for rank, program in enumerate(programs):
        name = "%(program_name)s" if program.count == 1 else "%(program_name)s-%(process_num)d"
        sections.append(
            f"""\
[program:{program.name}]
command="{_escaped(sys.executable)}" -m b12.local.launch {name}
directory={_escaped(home.run)}
process_name={name}
numprocs={program.count}
priority={rank}
autostart=false
autorestart=true
startsecs={program.well_after}
startretries={program.tries}
stopwaitsecs={processes.TERM_SECONDS}
stopasgroup=true
killasgroup=true
redirect_stderr=true
stdout_logfile={_escaped(home.logs)}/{name}.log
stdout_logfile_maxbytes=10MB
stdout_logfile_backups=3
"""
        )
    return "\n".join(sections)


def command(home: Home) -> list[str]:
    """supervisord's command line."""
    return [sys.executable, "-m", "supervisor.supervisord", "--configuration", str(_configuration_file(home))]


def is_running(home: Home) -> bool:
    """Is this home's supervisor there?"""
    return processes.alive(home, SUPERVISOR) is not None


def is_current(home: Home, programs: list[Program]) -> bool:
    """Was the supervisor started for exactly these programs?"""
    path = _configuration_file(home)
    return path.exists() and path.read_text() == configuration(home, programs)


def start(home: Home, programs: list[Program]) -> None:
    """Start the supervisor, with no program running yet; returns when it takes commands."""
    _configuration_file(home).write_text(configuration(home, programs))
    sockets.path(home, SUPERVISOR).unlink(missing_ok=True)
    # In a session of its own, so that it outlives this command and its terminal; nothing here waits for it.
    os.posix_spawn(
        sys.executable,
        [sys.executable, "-m", "b12.local.launch", SUPERVISOR],
        {**os.environ, "B12_HOME": str(home.path)},
        file_actions=[(os.POSIX_SPAWN_OPEN, stream, os.devnull, os.O_RDWR, 0) for stream in (0, 1, 2)],
        setsid=True,
    )
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if is_running(home) and sockets.path(home, SUPERVISOR).exists():
            try:
                states(home)
            except EnvironmentProblem:
                pass
            else:
                return
        time.sleep(0.1)
    raise EnvironmentProblem(f"the supervisor did not start; its log: {home.logs / 'supervisor.log'}")


def start_process(home: Home, process: str) -> None:
    """Start a process that does not run; one that does is left alone."""
    known = states(home).get(process)
    if known is None:
        raise EnvironmentProblem(f"the running stack has no {process}: `b12 down`, then `b12 up`")
    if known.state not in ("STARTING", "RUNNING"):
        _call(home, "startProcess", known.name, False)


class Supervised(NamedTuple):
    """What supervisord says of a process."""

    name: str
    """It is commanded by."""
    state: str
    """In supervisord's words: RUNNING, BACKOFF, FATAL, ..."""
    since: int
    """When it was last started: seconds since 1970, 0 for never."""


def states(home: Home) -> dict[str, Supervised]:
    """Every process that supervisord knows."""
    answer = _call(home, "getAllProcessInfo")
    return {i["name"]: Supervised(f"{i['group']}:{i['name']}", i["statename"], i["start"]) for i in answer}


def _configuration_file(home: Home) -> Path:
    return home.run / "supervisord.conf"


def _escaped(path: str | Path) -> str:
    return str(path).replace("%", "%%")


def _call(home: Home, method: str, *arguments: object) -> Any:
    transport = SupervisorTransport(None, None, f"unix://{sockets.path(home, SUPERVISOR)}")
    try:
        proxy = xmlrpc.client.ServerProxy("http://127.0.0.1", transport)
        return getattr(proxy.supervisor, method)(*arguments)
    except (OSError, xmlrpc.client.Error, EOFError) as error:
        raise EnvironmentProblem(
            f"the stack's supervisor does not take commands ({type(error).__name__}): `b12 down`, then `b12 up`"
        ) from error
    finally:
        transport.close()
