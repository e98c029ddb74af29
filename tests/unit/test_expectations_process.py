"""The checks' own process: the same results, and an answer when it fails."""

import subprocess
import sys
from pathlib import Path

import pytest

from contracts.errors import EnvironmentProblem
from expectations.process import Auditor
from expectations.release import release_checks
from expectations.runner import Runner
from tests.small_build import TABLES, SmallBuild


def test_the_results_are_those_of_the_runner(tmp_path: Path) -> None:
    build = SmallBuild(tmp_path)
    build.subject()
    build.deliver("BLR01", 3)
    checks = release_checks(TABLES)
    with Auditor() as auditor:
        apart = [auditor.run(build.databases, checks) for _ in range(2)]
    assert apart == [Runner().run(build.databases, checks)] * 2


def test_a_process_that_dies_is_reported(tmp_path: Path) -> None:
    with (
        Auditor((sys.executable, "-c", "raise SystemExit(9)")) as auditor,
        pytest.raises(EnvironmentProblem, match="9"),
    ):
        auditor.run(SmallBuild(tmp_path).databases, [])


def test_what_the_process_could_not_do_is_named_without_its_text(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EnvironmentProblem, match=r"FileExistsError|NotADirectoryError") as caught, Auditor() as auditor:
        auditor.write_docs(tmp_path / "file" / "docs", [])
    assert "Errno" not in str(caught.value)


def test_the_checks_are_made_without_great_expectations() -> None:
    code = (
        "import sys; from expectations import process, release, suites; suites.site_checks();"
        " assert not {'great_expectations', 'duckdb'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
