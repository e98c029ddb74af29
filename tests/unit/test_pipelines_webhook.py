"""What another system hears of a failed run, and how hard it is tried."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from contracts.errors import EnvironmentProblem, UsageError
from pipelines import webhook
from pipelines.webhook import FailedRun, post

FAILED = FailedRun(run_id="r1", job="build", step="registry", error="ReleaseHeld")


class Hook:
    """A web address that answers with `answers`, one after the other."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.bodies: list[dict[str, object]] = []
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                hook.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(hook.answers.pop(0))
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/secret-path"


@pytest.fixture
def hook() -> Iterator[Hook]:
    hook = Hook()
    thread = threading.Thread(target=hook.server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield hook
    hook.server.shutdown()
    thread.join()
    hook.server.server_close()


def test_run_job_step_and_error_are_told_and_nothing_else(hook: Hook) -> None:
    hook.answers = [204]
    post(hook.url, FAILED)
    assert hook.bodies == [{"run_id": "r1", "job": "build", "step": "registry", "error": "ReleaseHeld"}]


def test_it_is_tried_again_after_longer_and_longer_pauses(hook: Hook) -> None:
    hook.answers = [500, 503, 200]
    pauses: list[float] = []
    post(hook.url, FAILED, sleep=pauses.append)
    assert len(hook.bodies) == 3
    assert pauses == [0, 1, 3]


def test_a_hook_that_takes_nothing_is_an_error_that_keeps_its_address(hook: Hook) -> None:
    hook.answers = [500] * 4
    with pytest.raises(EnvironmentProblem, match="answered 500") as caught:
        post(hook.url, FAILED, sleep=lambda _: None)
    assert "secret-path" not in str(caught.value)


def test_nobody_there_is_an_error_too(hook: Hook) -> None:
    with pytest.raises(EnvironmentProblem, match="URLError"):
        post("http://127.0.0.1:9/", FAILED, sleep=lambda _: None)


@pytest.mark.parametrize("address", ["file:///etc/passwd", "ftp://host/x", "host:80"])
def test_only_web_addresses_are_taken(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("B12_WEBHOOK_URL", address)
    with pytest.raises(UsageError, match="B12_WEBHOOK_URL"):
        webhook.url()


def test_without_a_setting_there_is_no_hook(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("B12_WEBHOOK_URL", raising=False)
    assert webhook.url() is None
