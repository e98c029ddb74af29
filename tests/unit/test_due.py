"""`b12 due`: the list of what sites are asked for, as of the build's cut-off and of a later day."""

from datetime import timedelta
from pathlib import Path

import pytest

from b12.cli import main
from lake.home import Home
from registry import due
from tests.models.cohort import CUT_OFF, Cohort
from tests.registry_fixture import BLR01, OSL01


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Two sites: at one, treated 100 and 121 days before the cut-off; at the other one who left, and one to screen."""
    home = Home(tmp_path_factory.mktemp("due") / "home")
    for site in (BLR01, OSL01):
        home.put_site(site)
    cohort = Cohort()
    cohort.infant(cut_off_age_days=300).tell("200 dose")
    cohort.infant(cut_off_age_days=321).tell("200 dose")
    cohort.infant(cut_off_age_days=340, site="OSL01").tell("200 dose; 321 status moved")
    cohort.infant(cut_off_age_days=330, site="OSL01", birth_precision="month").tell("0- fed exclusive vegan")
    with cohort.build("staging.follow_up_due", "staging.screening_list") as connection:
        connection.execute(f"ATTACH '{home.operators}' AS kept")
        for table in ("build", "follow_up_due", "screening_list"):
            connection.execute(f"CREATE TABLE kept.{table} AS FROM staging.{table}")
    return home


def test_the_list_is_as_of_the_cut_off(home: Home) -> None:
    found = due.read(home)
    assert [(v.site, v.visit, v.state, v.closes) for v in found.visits] == [
        ("BLR01", "months_3", "due", CUT_OFF + timedelta(20)),
        ("BLR01", "months_3", "missed", CUT_OFF - timedelta(1)),
    ]
    assert [(each.site, each.is_approximate) for each in found.to_screen] == [("OSL01", True)]
    assert ("OSL01", "months_3", "missed", 1) in [tuple(count) for count in found.counts]


@pytest.mark.parametrize(
    ("days", "states"),
    [
        (20, ["due", "missed"]),
        (21, ["missed", "missed"]),
        (28, ["missed", "missed"]),
        (29, ["due", "missed", "missed"]),
        (90, ["due", "missed", "missed", "missed"]),
    ],
)
def test_on_a_later_day_more_is_due_and_missed(home: Home, days: int, states: list[str]) -> None:
    assert [v.state for v in due.read(home, "BLR01", CUT_OFF + timedelta(days)).visits] == states


def test_whoever_left_is_never_due_and_whoever_is_too_old_is_not_screened(home: Home) -> None:
    assert due.read(home, "OSL01", CUT_OFF + timedelta(200)).visits == []
    assert due.read(home, "OSL01", CUT_OFF + timedelta(34)).to_screen
    assert due.read(home, "OSL01", CUT_OFF + timedelta(35)).to_screen == []


def test_the_command_shows_it(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--home", str(home.path), "due", "--site", "BLR01"]) == 0
    shown = capsys.readouterr().out
    assert f"As of {CUT_OFF}" in shown
    assert "months_3" in shown
    assert "To screen: none" in shown
    assert main(["--home", str(home.path), "due", "--site", "OSL01"]) == 0
    assert f"about {CUT_OFF + timedelta(35)}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [(["--as-of", "2026-03-30"], 2, "cannot be told from it"), (["--site", "XXX01"], 2, "is not registered here")],
)
def test_what_cannot_be_told_is_said(
    home: Home, capsys: pytest.CaptureFixture[str], words: list[str], code: int, says: str
) -> None:
    assert main(["--home", str(home.path), "due", *words]) == code
    assert says in capsys.readouterr().err


def test_before_the_first_build_nothing_is_known(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--home", str(tmp_path), "due"]) == 3
    assert "b12 build" in capsys.readouterr().err
