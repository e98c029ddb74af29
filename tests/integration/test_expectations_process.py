"""The checks' own process: the same results, and an answer when it fails."""

import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from contracts.errors import EnvironmentProblem
from expectations.checks import CheckResult
from expectations.process import Auditor
from expectations.release import release_checks
from expectations.runner import Runner
from tests.small_build import TABLES, SmallBuild

CHECKS = release_checks(TABLES)


class Session(NamedTuple):
    """What one process, which takes seconds to start, answered to the same checks twice, and to what it cannot do."""

    build: SmallBuild
    results: list[list[CheckResult]]
    problem: str


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    directory = tmp_path_factory.mktemp("session")
    build = SmallBuild(directory)
    build.subject()
    build.deliver("BLR01", 3)
    (directory / "file").touch()
    results: list[list[CheckResult]] = []

    def ask() -> None:
        with Auditor() as auditor:
            results.extend(auditor.run(build.databases, CHECKS) for _ in range(2))
            auditor.write_docs(directory / "file" / "docs", [])

    with pytest.raises(EnvironmentProblem) as caught:
        ask()
    return Session(build, results, str(caught.value))


def test_the_results_are_those_of_the_runner(session: Session) -> None:
    assert session.results == [Runner().run(session.build.databases, CHECKS)] * 2


def test_what_the_process_could_not_do_is_named_without_its_text(session: Session) -> None:
    assert re.search(r"FileExistsError|NotADirectoryError", session.problem)
    assert "Errno" not in session.problem


def test_a_process_that_dies_is_reported(tmp_path: Path) -> None:
    with (
        Auditor((sys.executable, "-c", "raise SystemExit(9)")) as auditor,
        pytest.raises(EnvironmentProblem, match="9"),
    ):
        auditor.run(SmallBuild(tmp_path).databases, [])


def test_the_checks_are_made_without_great_expectations() -> None:
    code = (
        "import sys; from expectations import process, release, suites; suites.site_checks();"
        " assert not {'great_expectations', 'duckdb'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
