"""The demonstration on real parts: one run from an empty home, and a second one beside it that sends nothing."""

import re
from pathlib import Path

import duckdb
import pytest

from b12.demo import cohort
from b12.demo.truth import release as truth
from contracts.errors import EnvironmentProblem
from registry import release
from tests.demonstration import Demonstration
from tests.growth_figures import figure
from tests.truth_comparison import differences

pytestmark = pytest.mark.timeout(600)


def test_the_release_is_as_the_truth_says_row_for_row(demo: Demonstration) -> None:
    current = release.current(demo.home)
    expected = truth.tables(cohort.make().deliveries, current.cut_off, figure)
    with duckdb.connect(str(release.release_file(demo.home, current.id)), read_only=True) as connection:
        assert differences(connection, expected, demo.home.secret()) == {}


def test_it_is_as_of_a_fixed_day_so_that_every_run_gives_the_same(demo: Demonstration) -> None:
    assert release.current(demo.home).cut_off == cohort.CUT_OFF


def test_it_shows_each_step_with_its_seconds_and_what_to_look_at(demo: Demonstration) -> None:
    assert len(re.findall(r"^  done +\d+\.\d s  ", demo.printed, re.MULTILINE)) == 8
    assert "asked at SYN02: registry.xlsx row" in demo.printed
    assert re.search(r"^SYN03 +802 +.*held 19, .*refused 5", demo.printed, re.MULTILINE)
    assert re.search(r"^received +3,159 ", demo.printed, re.MULTILINE)
    assert "one case explained: infant BLR-001 of SYN01" in demo.printed
    assert re.search(r"http://127\.0\.0\.1:\d+", demo.printed)


def test_the_query_that_it_proposes_answers(demo: Demonstration) -> None:
    [(home_option, query)] = re.findall(r'b12 (--home \S+) sql "(.+)"', demo.printed)
    answer = demo.b12(*home_option.split(), "sql", query)
    assert answer.returncode == 0, answer.stderr
    assert re.search(r"^definite +34 *$", answer.stdout, re.MULTILINE)


def test_a_second_run_sends_nothing_and_changes_nothing(demo: Demonstration) -> None:
    before = release.current(demo.home).id
    again = demo.b12("demo", "--home", str(demo.home.path), "--once")
    assert again.returncode == 0, again.stderr
    assert len(re.findall(r" 0 sent$", again.stdout, re.MULTILINE)) == 3
    assert release.current(demo.home).id == before


def test_once_leaves_no_process_behind(demo: Demonstration) -> None:
    assert demo.b12("--home", str(demo.home.path), "status").returncode == EnvironmentProblem.exit_code
    assert not list(Path(demo.home.run).glob("*.pid"))
