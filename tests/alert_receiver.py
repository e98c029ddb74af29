"""A receiver of the alert webhook on loopback, which verifies signatures by itself.

What is asserted of what it heard belongs to the tests.
"""

import base64
import hmac
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, HTTPServer

from lake.home import Home


class Receiver:
    """A web address that answers with `answers`, one after the other, then with 204."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.heard: list[tuple[str, bytes, bool]] = []
        """Id, body, and whether the signature is right."""
        self.refuses_first = False
        """Each alert is refused when it comes for the first time."""
        self.key = b""
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                id_ = self.headers["webhook-id"]
                is_refused = receiver.refuses_first and id_ not in {heard for heard, _, _ in receiver.heard}
                receiver.heard.append((id_, body, self._is_signed(body)))
                self.send_response(503 if is_refused else receiver.answers.pop(0) if receiver.answers else 204)
                self.send_header("Location", "/elsewhere")
                self.end_headers()

            def _is_signed(self, body: bytes) -> bool:
                parts = (self.headers["webhook-id"], self.headers["webhook-timestamp"], body.decode())
                wanted = hmac.digest(receiver.key, ".".join(parts).encode(), sha256)
                return self.headers["webhook-signature"] == f"v1,{base64.b64encode(wanted).decode()}"

            def do_GET(self) -> None:
                raise AssertionError("a redirect was followed")

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/secret-path"

    def trust(self, home: Home) -> None:
        """Verify with the secret of this home."""
        secret = (home.secrets / "alert-webhook.key").read_text()
        self.key = base64.b64decode(secret.removeprefix("whsec_"))


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver that answers until the end of the block."""
    receiver = Receiver()
    threading.Thread(target=receiver.server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield receiver
    finally:
        receiver.server.shutdown()
        receiver.server.server_close()
