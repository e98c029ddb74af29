"""What the documentation says in fences and links can be read and used: all of it, without running a page."""

import json
import re
import tomllib

import pytest

from contracts.judge import is_refusal, judge
from contracts.site import Site
from tests.docs import fences
from tests.docs.pages import PAGES, ROOT, RUN, RUN_ELSEWHERE, named, with_fences

LANGUAGES = {"", "sh", "console", "csv", "json", "python", "sql", "toml"}
"""Of fences: without one it is a picture, `sh` names commands that need no run, the others are used as they are."""


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


@pytest.mark.parametrize("page", [page for page in RUN if page.name in RUN_ELSEWHERE], ids=named)
def test_a_page_that_is_run_elsewhere_is_named_there(page):
    assert page.name in (ROOT / RUN_ELSEWHERE[page.name]).read_text(encoding="utf-8")
