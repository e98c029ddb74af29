"""What the documentation shows is what happens: its fences are run, in order, against the demonstration's stack."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from contracts.judge import is_refusal, judge
from contracts.site import Site
from tests.docs import fences

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(page for page in (ROOT / "docs").rglob("*.md") if "reference" not in page.parts)])
RUN_ELSEWHERE = {"send-from-your-own-software.md": "tests/integration/test_stock_clients.py"}
LANGUAGES = {"", "sh", "console", "csv", "json", "python", "sql", "toml"}
"""Of fences: without one it is a picture, `sh` names commands that need no run, the others are used as they are."""


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


def with_fences(*languages: str) -> list[Path]:
    found = [page for page in PAGES if any(fence.language in languages for fence in fences.of(page))]
    assert found
    return found


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_a_page_has_only_fences_that_are_tested_here(page):
    if page.name not in RUN_ELSEWHERE:
        assert {fence.language for fence in fences.of(page)} <= LANGUAGES


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_within_the_documentation_lead_somewhere(page):
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), f"{named(page)} links to {target}"


@pytest.mark.parametrize("page", with_fences("json", "toml"), ids=named)
def test_json_and_toml_can_be_read_and_events_are_accepted(page):
    for fence in fences.of(page):
        if fence.language == "toml":
            tomllib.loads(fence.text)
        elif fence.language == "json":
            event = json.loads(fence.text)
            if "specversion" in event:
                site = Site(
                    id=event["source"].removeprefix("/sites/"), name="-", country="IN", time_zone="Asia/Kolkata"
                )
                assert not is_refusal(judge(fence.text.encode(), site))


@pytest.mark.parametrize("page", with_fences("sh"), ids=named)
def test_shell_fences_name_targets_and_commands_that_exist(page):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    commands = (ROOT / "docs" / "reference" / "commands.md").read_text(encoding="utf-8")
    for fence in fences.of(page):
        if fence.language == "sh":
            for target in re.findall(r"^make (\S+)", fence.text, re.MULTILINE):
                assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"make {target}"
            for command in re.findall(r"\bb12 (?:--home \S+ )?([a-z]+)", fence.text):
                assert f"b12 {command}" in commands, f"b12 {command}"


@pytest.fixture(scope="module")
def lab(kafka_home, tmp_path_factory):
    """A home with a worker and the site BLR01, for pages of labs."""
    from b12 import registration
    from tests.worker_processes import new_home, started

    home = new_home(kafka_home, tmp_path_factory.mktemp("docs"))
    registration.register(
        home, Site(id="BLR01", name="A laboratory", country="IN", time_zone="Asia/Kolkata", synthetic=True)
    )
    for start in started(home, []):
        start().wait_for("started")
        yield home


@pytest.mark.timeout(600)
@pytest.mark.parametrize("page", with_fences("console", "sql", "python"), ids=named)
def test_a_page_does_what_it_shows(page, request, tmp_path):
    if page.name in RUN_ELSEWHERE:
        assert page.name in (ROOT / RUN_ELSEWHERE[page.name]).read_text(encoding="utf-8")
        return
    environment = dict(os.environ)
    if page.name == "lab.md":
        home = request.getfixturevalue("lab")
        (tmp_path / "BLR01.b12.toml").write_bytes(home.lab_config("BLR01").read_bytes())
    else:
        demo = request.getfixturevalue("demo")
        home, environment = demo.home, dict(demo.environment)
    binaries = Path(sys.executable).parent
    environment |= {"PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}", "B12_HOME": str(home.path)}
    for fence in fences.of(page):
        if fence.title:
            (tmp_path / fence.title).write_text(fence.text, encoding="utf-8")
        elif fence.language == "console":
            fences.run_console(fence, tmp_path, environment)
        elif fence.language in ("sql", "python"):
            words = ["b12", "sql", fence.text] if fence.language == "sql" else ["python", "-c", fence.text]
            done = subprocess.run(
                [str(binaries / words[0]), *words[1:]], cwd=tmp_path, env=environment, capture_output=True, text=True
            )
            assert done.returncode == 0, f"line {fence.line}: {done.stderr}"
            assert len(done.stdout.splitlines()) > 1, f"line {fence.line}: no answer"
