"""What a worker of this machine says of itself on its page /readyz, found by the file that it left under run/workers.

What the page holds is decided in streams/.
"""

import json
import urllib.error
import urllib.request

from lake import workers
from lake.home import Home

_SECONDS = 3
SILENT = "does not answer"


def why_not_ready(home: Home, name: str) -> str:
    """Why the worker does not read, in a few words; empty when it does."""
    worker = next((worker for worker in workers.workers(home) if worker.name == name), None)
    if worker is None:
        return SILENT
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{worker.port}/readyz", timeout=_SECONDS) as answer:
            said = json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            said = _json(error.read())
    except (OSError, ValueError):
        return SILENT
    # Another program may have the port of a worker that ended.
    return str(said["why"]) if said.get("pid") == worker.pid else SILENT


def _json(body: bytes) -> dict[str, object]:
    try:
        said = json.loads(body)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
