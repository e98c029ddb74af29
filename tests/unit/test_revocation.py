"""Older releases that hold a family who has withdrawn: counted, removed once, and told of."""

from pathlib import Path

import pytest
import typer.testing

from b12.cli import build
from contracts.errors import EnvironmentProblem
from lake.home import Home
from registry import release, revocation
from registry.models import needed_for
from tests.registry_fixture import BLR01, given, without_rules
from tests.sample_events import event, one_of_each

MODELS = without_rules(needed_for(["core.lab_results", "core.subjects"]))
WITHDRAWN = event(
    "consent",
    id="withdrawn",
    record="withdrawn",
    time="2026-03-21T08:00:00Z",
    data={"status": "withdrawn", "scopes": ["sharing"], "effective": "2026-03-21"},
)
OTHER = event("enrolment", id="other", record="other", subject="OTHER")


def made(home: Home, directory: Path, values: list[bytes]) -> release.Release:
    return release.make(home, given(directory, {BLR01: values}), models=MODELS, threads=1)


@pytest.fixture
def sent() -> list[bytes]:
    return [*one_of_each(), OTHER]


def test_the_file_of_an_older_release_goes_and_its_manifest_says_so(
    home: Home, tmp_path: Path, sent: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("B12_HOME", str(home.path))
    first = made(home, tmp_path, sent)
    assert revocation.holding(home) == []
    second = made(home, tmp_path, [*sent, WITHDRAWN])
    runner, app = typer.testing.CliRunner(), build()

    counted = runner.invoke(app, ["release", "revoke", "--dry-run"])
    refused = runner.invoke(app, ["release", "revoke"], input="n\n")

    assert f"{first.manifest.id}: 1 who" in counted.output
    assert refused.exit_code != 0
    assert first.file.exists()
    assert runner.invoke(app, ["release", "revoke"], input="y\n").output.endswith("1 releases revoked.\n")
    assert not first.file.exists()
    assert release.one(home, first.manifest.id).revoked is not None
    assert release.current(home) == second.manifest
    assert second.file.exists()
    assert "(revoked)" in runner.invoke(app, ["release", "list"]).output
    assert revocation.revoke(home) == []


def test_the_current_release_is_built_anew_first(home: Home, tmp_path: Path, sent: list[bytes]) -> None:
    first = made(home, tmp_path, sent)
    second = made(home, tmp_path, [*sent, WITHDRAWN])
    (home.releases / "current.json").write_bytes(b'{"release": "%s"}' % first.manifest.id.encode())

    with pytest.raises(EnvironmentProblem, match="b12 build"):
        revocation.revoke(home)

    assert first.file.exists()
    assert second.file.exists()
