"""`b12 quality`: Kahn's matrix of a release, what is new and what is mended since the one before, and no value."""

import re
from typing import Any

import msgspec
import pytest

from b12.cli import main
from lake.home import Home
from registry import manifest, quality, release
from registry.errors import NoRelease
from registry.models import needed_for
from tests.registry_fixture import BLR01, given
from tests.sample_events import event, one_of_each

MODELS = needed_for(["staging.findings", "core.subjects"])
VALUE = 77.125


def check(
    name: str, category: str, outcome: str, *, table: str = "staging.current_dose", of: int = 20
) -> dict[str, Any]:
    failing = 7 if outcome == "fail" else 0
    told = {"check": f"{table}: {name}", "asks": f"{name} is asked.", "site": "BLR01", "category": category}
    return told | {"severity": "warning", "outcome": outcome, "failing": failing, "of": 20}


BEFORE = [check("a", "conformance", "fail"), check("b", "completeness", "fail"), check("c", "plausibility", "pass")]
NOW = [
    check("a", "conformance", "pass"),
    check("b", "completeness", "fail"),
    check("c", "plausibility", "error"),
    check("d", "plausibility", "pass"),
    check("share_refused", "plausibility", "fail", table="staging.verdicts"),
]


def released(home: Home, directory: Any, values: list[bytes], suites: list[dict[str, Any]]) -> str:
    made = release.make(home, given(directory, {BLR01: values}), models=MODELS, threads=1)
    told = msgspec.structs.replace(made.manifest, suites=tuple(suites))
    made.file.with_suffix(".json").write_bytes(manifest.encoded(told))
    return made.manifest.id


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    directory = tmp_path_factory.mktemp("quality")
    home = Home(directory / "home")
    released(home, directory, one_of_each(), BEFORE)
    bare = dict.fromkeys(("reference_low", "reference_high", "limit_low", "limit_high"))
    odd = event(id="odd", record="odd", data={"loinc": "13964-2", "value": VALUE, "unit": "umol/L", **bare})
    other = event("enrolment", id="other", record="other", subject="OTHER")
    released(home, directory, [*one_of_each(), other, odd], NOW)
    return home


def test_a_cell_is_as_bad_as_its_worst_check(home: Home) -> None:
    matrix = quality.read(home).matrix["BLR01"]
    assert {kind: [cells[category].outcome for category in quality.CATEGORIES] for kind, cells in matrix.items()} == {
        "dose": ["pass", "fail", "error"],
        "all kinds": ["not_applicable", "not_applicable", "fail"],
    }
    assert matrix["dose"]["plausibility"].outcomes == {"error": 1, "pass": 1}


def test_what_fails_is_new_or_as_before_and_what_passes_again_is_mended(home: Home) -> None:
    found = quality.read(home)
    assert {(each.kind, each.asks): each.is_new for each in found.failing} == {
        ("dose", "b is asked."): False,
        ("dose", "c is asked."): True,
        ("all kinds", "share_refused is asked."): True,
    }
    assert [each.asks for each in found.mended] == ["a is asked."]


def test_what_the_row_rules_find_is_counted_by_rule(home: Home) -> None:
    [found] = [each for each in quality.read(home).found if each.rule == "mma_nmol_as_umol"]
    assert (found.site, found.kind, found.open, found.confirmed) == ("BLR01", "lab_result", 1, 0)


def test_the_page_stands_by_itself_and_holds_no_value(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--home", str(home.path), "quality"]) == 0
    assert "1 sites, 3 checks fail, 1 questions are open" in capsys.readouterr().out
    text = (home.path / "quality.html").read_text(encoding="utf-8")
    assert not re.search(r"\b(src|href)=|<script", text)
    words = " ".join(re.sub(r"<[^>]*>", "|", text).split())
    for told in ("error 1 of 2", "share_refused is asked.", "not asked", "as before", "|new|"):
        assert told in words
    assert not [secret for secret in (str(VALUE), "118.5", "BLR-0042", "2026-03-14") if secret in text]


def test_a_release_of_before_says_so(home: Home) -> None:
    with pytest.raises(NoRelease, match="nothing has been released"):
        quality.read(Home(home.path / "none"))
    file = release.release_file(home, release.current(home).id).with_suffix(".json")
    kept = file.read_bytes()
    old = [{name: value for name, value in each.items() if name != "category"} for each in NOW]
    file.write_bytes(manifest.encoded(msgspec.structs.replace(manifest.decoded(kept), suites=tuple(old))))
    with pytest.raises(NoRelease, match="b12 build"):
        quality.read(home)
    file.write_bytes(kept)
