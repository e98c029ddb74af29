"""The pages of one worker on loopback: /healthz (is it alive), /readyz (does it read) and /metrics.

They are served by threads, so that they answer although the worker stands still. What they say is decided elsewhere.
"""

import json
import os
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client.exposition import CONTENT_TYPE_LATEST

from contracts.errors import EnvironmentProblem, UsageError
from streams.metrics import Metrics

ALIVE_SECONDS = 15.0
"""Without a look for so long, a worker is not alive."""


class Health:
    """What the pages say; the worker writes it, the pages read it."""

    def __init__(self, metrics: Metrics) -> None:
        self.metrics = metrics
        self._looked_at = time.monotonic()
        self._why = "it is starting"
        self._held: list[dict[str, object]] = []

    def looked(self, why_not_ready: str, held: list[dict[str, object]]) -> None:
        """The worker looked at itself: it is ready when there is no reason why not."""
        self._looked_at, self._why, self._held = time.monotonic(), why_not_ready, held

    def alive(self) -> tuple[bool, dict[str, object]]:
        """Is the worker's loop turning?"""
        seconds = time.monotonic() - self._looked_at
        if seconds < ALIVE_SECONDS:
            return True, {"alive": True}
        return False, {"alive": False, "why": f"it has not looked at itself for {seconds:.0f} s"}

    def ready(self) -> tuple[bool, dict[str, object]]:
        """Does the worker read, or could it if there were something to read?"""
        alive, words = self.alive()
        if not alive:
            return False, self._words(str(words["why"]))
        return not self._why, self._words(self._why)

    def _words(self, why: str) -> dict[str, object]:
        return {"ready": not why, "why": why, "pid": os.getpid(), "held": self._held}


class Pages:
    """The server of the pages."""

    def __init__(self, health: Health, port: int) -> None:
        class Handler(_Page):
            of = health

        try:
            self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        except OSError as error:
            raise EnvironmentProblem(
                f"port {port} of this worker's pages cannot be used ({error.strerror}): choose another with"
                " B12_HEALTH_PORT, or leave it unset to take any free one"
            ) from None
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(5.0,), name="pages", daemon=True).start()

    @property
    def port(self) -> int:
        """Where they are served."""
        return self._server.server_port

    def close(self) -> None:
        """Serve no more; the thread ends with the process."""
        self._server.server_close()


class _Page(BaseHTTPRequestHandler):
    of: Health
    server_version, sys_version = "b12", ""
    timeout = 5

    def do_GET(self) -> None:
        if self.path == "/metrics":
            self._send(200, CONTENT_TYPE_LATEST, self.of.metrics.page())
            return
        page = {"/healthz": self.of.alive, "/readyz": self.of.ready}.get(self.path)
        if page is None:
            self._send(404, "text/plain", b"the pages are /healthz, /readyz and /metrics\n")
            return
        good, words = page()
        self._send(200 if good else 503, "application/json", json.dumps(words).encode())

    def _send(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing: who asks is no news."""


def port(worker: str) -> int:
    """The port for the pages of a worker: `B12_HEALTH_PORT` plus its number (`worker-2`); 0 is any free port."""
    text = os.environ.get("B12_HEALTH_PORT") or "0"
    if not text.isdecimal() or int(text) > 65_000:
        raise UsageError("B12_HEALTH_PORT: a port is a whole number up to 65000")
    number = re.fullmatch(r"worker-(\d{1,2})", worker)
    return int(text) + int(number[1]) if int(text) and number else int(text)
