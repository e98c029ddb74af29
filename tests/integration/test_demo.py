"""The demonstration on real parts: one run from an empty home, and a second one beside it that sends nothing."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest

from b12.demo import cohort
from b12.demo.truth import release as truth
from b12.local.ports import free_ports
from contracts.errors import EnvironmentProblem
from lake.home import Home
from registry import release
from tests.truth_comparison import differences

pytestmark = pytest.mark.timeout(600)

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return Home(tmp_path_factory.mktemp("demo") / "home")


@pytest.fixture(scope="module")
def run(home: Home) -> Iterator[Run]:
    """Runs `b12` on ports of its own; the stack is stopped at the end, whatever happened."""
    settings = ("B12_SITE_PORT", "B12_INTERNAL_PORT", "B12_CONTROLLER_PORT", "B12_DAGSTER_PORT")
    environment = os.environ | dict(zip(settings, map(str, free_ports(4)), strict=True))

    def b12(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "b12.cli", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=400,
        )

    try:
        yield b12
    finally:
        b12("--home", str(home.path), "down")


@pytest.fixture(scope="module")
def first(run: Run, home: Home, kafka_home: Home) -> str:
    """What the first run printed. Where no broker can run, `kafka_home` says so."""
    done = run("demo", "--home", str(home.path))
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_release_is_as_the_truth_says_row_for_row(first: str, home: Home) -> None:
    current = release.current(home)
    expected = truth.tables(cohort.make().deliveries, current.cut_off)
    with duckdb.connect(str(release.release_file(home, current.id)), read_only=True) as connection:
        assert differences(connection, expected, home.secret()) == {}


def test_it_is_as_of_a_fixed_day_so_that_every_run_gives_the_same(first: str, home: Home) -> None:
    assert release.current(home).cut_off == cohort.CUT_OFF


def test_it_shows_each_step_with_its_seconds_and_what_to_look_at(first: str) -> None:
    assert len(re.findall(r"^  done +\d+\.\d s  ", first, re.MULTILINE)) == 8
    assert "kept at SYN02: registry.xlsx row" in first
    assert re.search(r"^SYN03 +802 +.*held 19, .*refused 5", first, re.MULTILINE)
    assert re.search(r"^received +3,158 ", first, re.MULTILINE)
    assert "one case explained: infant BLR-001 of SYN01" in first
    assert re.search(r"http://127\.0\.0\.1:\d+", first)


def test_the_query_that_it_proposes_answers(first: str, run: Run) -> None:
    [(home_option, query)] = re.findall(r'b12 (--home \S+) sql "(.+)"', first)
    answer = run(*home_option.split(), "sql", query)
    assert answer.returncode == 0, answer.stderr
    assert re.search(r"^definite +34 *$", answer.stdout, re.MULTILINE)


def test_a_second_run_sends_nothing_and_changes_nothing(first: str, run: Run, home: Home) -> None:
    before = release.current(home).id
    again = run("demo", "--home", str(home.path), "--once")
    assert again.returncode == 0, again.stderr
    assert len(re.findall(r" 0 sent$", again.stdout, re.MULTILINE)) == 3
    assert release.current(home).id == before


def test_once_leaves_no_process_behind(run: Run, home: Home) -> None:
    assert run("--home", str(home.path), "status").returncode == EnvironmentProblem.exit_code
    assert not list(Path(home.run).glob("*.pid"))
