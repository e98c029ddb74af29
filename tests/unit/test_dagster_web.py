"""What Dagster's page is asked, by answers such as it gives."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from b12.local import dagster_web
from b12.local.dagster_web import BrokenProgram
from lake.home import Home

Answers = dict[str, object]


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Answers]:
    """What the page answers, by a word of the query."""
    found: Answers = {}

    class Page(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["query"]
            data = next((answer for word, answer in found.items() if word in query), None)
            self.send_response(200 if data else 500)
            self.end_headers()
            self.wfile.write(json.dumps({"data": data}).encode())

        def log_message(self, *_: object) -> None:
            """A test's output is no log."""

    with HTTPServer(("127.0.0.1", 0), Page) as server:
        monkeypatch.setenv("B12_DAGSTER_URL", f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield found
        server.shutdown()
        thread.join()


def loaded(**location: str) -> Answers:
    return {"workspaceOrError": {"locationEntries": [{"locationOrLoadError": location or None}]}}


def test_a_page_whose_code_server_is_still_starting_has_not_loaded(home: Home, answers: Answers) -> None:
    assert not dagster_web.has_loaded(home), "no page yet"
    answers["workspaceOrError"] = loaded()
    assert not dagster_web.has_loaded(home)
    answers["workspaceOrError"] = loaded(__typename="PythonError", className="DagsterUserCodeUnreachableError")
    assert not dagster_web.has_loaded(home)
    answers["workspaceOrError"] = loaded(__typename="RepositoryLocation")
    assert dagster_web.has_loaded(home)


def test_definitions_that_cannot_load_are_said_at_once_with_the_log(home: Home, answers: Answers) -> None:
    answers["workspaceOrError"] = loaded(__typename="PythonError", className="ImportError")
    with pytest.raises(BrokenProgram, match=r"cannot load its definitions.*dagster-code\.log"):
        dagster_web.has_loaded(home)


def test_the_sites_are_read_again_only_where_dagster_can(home: Home, answers: Answers) -> None:
    assert dagster_web.reload(home) is False, "it runs, but does not answer"
    answers["reloadRepositoryLocation"] = {"reloadRepositoryLocation": {"__typename": "ReloadNotSupported"}}
    assert dagster_web.reload(home) is False
    answers["reloadRepositoryLocation"] = {"reloadRepositoryLocation": {"__typename": "WorkspaceLocationEntry"}}
    assert dagster_web.reload(home) is True
