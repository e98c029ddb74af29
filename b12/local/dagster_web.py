"""What Dagster's web page is asked, over GraphQL: has it loaded, is its daemon well, would it read the sites again.

Starting it belongs to programs.py; what it shows belongs to `pipelines`.
"""

import json
import os
import urllib.request
from typing import Any

from b12.local import dagster_home, processes, settings
from b12.local.ports import Ports
from contracts.errors import EnvironmentProblem
from lake.home import Home

PROCESS = "dagster-web"
RELOAD_SECONDS = 60


class BrokenProgram(EnvironmentProblem):
    """A program that runs but will never answer: to wait longer is no use."""


def has_loaded(home: Home) -> bool:
    """The page is there, and what it is to show has loaded; BrokenProgram when it cannot load."""
    answer = _ask(home, "{workspaceOrError{...on Workspace{locationEntries{locationOrLoadError{...on PythonError{"
                        "className}__typename}}}}}")  # fmt: skip
    if answer is None:
        return False
    loaded = [entry["locationOrLoadError"] for entry in answer["workspaceOrError"]["locationEntries"]]
    for location in loaded:
        if location and location["__typename"] == "PythonError":
            # The code server starts beside the page, and is looked for again every second until it is there.
            if location["className"] == "DagsterUserCodeUnreachableError":
                return False
            raise BrokenProgram(
                f"Dagster runs but cannot load its definitions; the error stands in {home.logs / dagster_home.CODE}.log"
            )
    return bool(loaded) and all(loaded)


def daemon_is_well(home: Home) -> bool:
    """The daemon's own heartbeats, as the web page shows them."""
    answer = _ask(home, "{instance{daemonHealth{allDaemonStatuses{healthy required}}}}")
    if answer is None:
        return False
    required = [s for s in answer["instance"]["daemonHealth"]["allDaemonStatuses"] if s["required"]]
    return bool(required) and all(status["healthy"] for status in required)


def reload(home: Home) -> bool | None:
    """Let a running Dagster read the home's sites again; None when none runs here, False when it could not."""
    if not os.environ.get("B12_DAGSTER_URL") and not processes.alive(home, PROCESS):
        return None
    query = f'mutation{{reloadRepositoryLocation(repositoryLocationName:"{dagster_home.LOCATION}"){{__typename}}}}'
    answer = _ask(home, query, RELOAD_SECONDS)
    return bool(answer) and answer["reloadRepositoryLocation"]["__typename"] == "WorkspaceLocationEntry"


def _ask(home: Home, query: str, seconds: float = 5) -> Any:
    """The answer's data; None when the page does not answer."""
    body = json.dumps({"query": query}).encode()
    request = urllib.request.Request(f"{_address(home)}/graphql", body, {"Content-Type": "application/json"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=seconds) as response:  # noqa: S310 - our own address
            return json.loads(response.read())["data"]
    except (OSError, ValueError):
        return None


def _address(home: Home) -> str:
    """Where the page is, also for a command that was given none of the stack's settings."""
    kept = settings.saved(home)
    known = os.environ if kept is None else kept
    return known.get("B12_DAGSTER_URL") or f"http://127.0.0.1:{known.get('B12_DAGSTER_PORT') or Ports.dagster}"
