"""A frozen release has a name that every command knows, and keeps it."""

from pathlib import Path

import pytest
import typer.testing

from b12.cli import build
from contracts.errors import UsageError
from lake.home import Home
from registry import freezing, release
from tests.sample_events import event, one_of_each
from tests.unit.test_revocation import made


@pytest.fixture
def first(home: Home, tmp_path: Path) -> release.Release:
    return made(home, tmp_path, one_of_each())


def test_a_frozen_release_is_found_by_its_name(
    home: Home, first: release.Release, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("B12_HOME", str(home.path))
    runner, app = typer.testing.CliRunner(), build()
    said = runner.invoke(app, ["release", "freeze", "trial-2027"]).output
    assert said == f"{first.manifest.id} is kept as trial-2027.\n"
    second = made(home, tmp_path, [*one_of_each(), event("enrolment", id="e2", record="e2", subject="OTHER")])
    assert release.current(home) == second.manifest
    assert release.one(home, "trial-2027").id == first.manifest.id
    assert "frozen as trial-2027" in runner.invoke(app, ["release", "list"]).output
    assert "trial-2027" in runner.invoke(app, ["release", "show", "trial-2027"]).output
    counted = runner.invoke(app, ["sql", "--release", "trial-2027", "--format", "csv", "FROM core.subjects"]).output
    assert len(counted.splitlines()) == 2
    assert freezing.freeze(home, "trial-2027", first.manifest.id).frozen == "trial-2027"


@pytest.mark.parametrize("name", ["r0001", "r2-paper", "2027", "Trial", "a b", "no", "../x", "x" * 65])
def test_a_name_that_could_be_taken_for_another_is_refused(home: Home, first: release.Release, name: str) -> None:
    with pytest.raises(UsageError, match="such as trial-2027"):
        freezing.freeze(home, name)


def test_a_name_is_given_once_and_a_release_has_one(home: Home, first: release.Release, tmp_path: Path) -> None:
    freezing.freeze(home, "trial-2027")
    with pytest.raises(UsageError, match="its name stays"):
        freezing.freeze(home, "another")
    made(home, tmp_path, [*one_of_each(), event("enrolment", id="e2", record="e2", subject="OTHER")])
    with pytest.raises(UsageError, match="is kept under this name"):
        freezing.freeze(home, "trial-2027")
