"""The root of the command line: one sentence and an exit code, never a traceback, for what a user can mend."""

import errno
import fcntl

import pytest
import typer

from b12 import cli
from contracts.errors import B12Error, EnvironmentProblem, UsageError
from contracts.site import Site
from lake import gaps


@pytest.fixture
def command_that_raises(monkeypatch):
    def arrange(error):
        app = typer.Typer()

        @app.callback(invoke_without_command=True)
        def command() -> None:
            raise error

        monkeypatch.setattr(cli, "build", lambda: app)

    return arrange


@pytest.mark.parametrize(("error", "code"), [(B12Error, 1), (UsageError, 2), (EnvironmentProblem, 3)])
def test_each_kind_of_error_has_its_exit_code_and_one_line(command_that_raises, capsys, error, code):
    command_that_raises(error("row 3: the unit is missing"))
    assert cli.main([]) == code
    assert capsys.readouterr().err == "b12: row 3: the unit is missing\n"


def test_a_full_disk_is_one_sentence(command_that_raises, capsys):
    command_that_raises(OSError(errno.ENOSPC, "No space left on device", "var/lake"))
    assert cli.main([]) == 3
    assert capsys.readouterr().err == "b12: var/lake: the disk is full: make room and run the command again\n"


def test_a_mistake_of_ours_keeps_its_traceback(command_that_raises):
    command_that_raises(ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        cli.main([])


def test_a_command_that_needs_an_extra_names_it(command_that_raises, capsys):
    command_that_raises(ModuleNotFoundError("No module named 'duckdb'", name="duckdb"))
    assert cli.main([]) == 3
    (line,) = capsys.readouterr().err.splitlines()
    assert "lacks duckdb" in line
    assert "b12-registry[platform,local]" in line


def test_a_module_of_ours_that_is_missing_keeps_its_traceback(command_that_raises):
    command_that_raises(ModuleNotFoundError("No module named 'registry.lost'", name="registry.lost"))
    with pytest.raises(ModuleNotFoundError):
        cli.main([])


def test_a_wrong_option_is_a_usage_error(capsys):
    assert cli.main(["--colour"]) == 2
    assert "--colour" in capsys.readouterr().err


def test_the_home_option_reaches_every_command(tmp_path, capsys):
    assert cli.main(["--home", str(tmp_path / "elsewhere"), "site", "list"]) == 0
    assert str(tmp_path / "elsewhere") in capsys.readouterr().out


def test_two_commands_do_not_change_the_stack_at_once(home, capsys):
    with (home.run / "stack.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert cli.main(["--home", str(home.path), "down"]) == 3
    assert "another `b12 up`" in capsys.readouterr().err
    assert cli.main(["--home", str(home.path), "down"]) == 0


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (["blr01"], "like BLR01"),
        (["BLR01", "--country", "India"], "two capital letters"),
        (["BLR01", "--time-zone", "IST"], "Asia/Kolkata"),
        (["BLR01", "--elevation-m", "9000"], "metres"),
    ],
)
def test_a_site_that_cannot_be_is_refused_before_kafka_is_asked(home, capsys, wrong, hint):
    right = {"--name": "A", "--country": "IN", "--time-zone": "Asia/Kolkata"}
    options = dict(zip(wrong[1::2], wrong[2::2], strict=True))
    words = [word for pair in (right | options).items() for word in pair]
    assert cli.main(["--home", str(home.path), "site", "add", wrong[0], *words]) == 2
    assert hint in capsys.readouterr().err


def test_a_registered_site_is_edited(home, capsys):
    home.put_site(Site(id="BLR01", name="A", country="IN", time_zone="Asia/Kolkata", lab_codes=("B12-SER",)))

    def edit(*words):
        code = cli.main(["--home", str(home.path), "site", "edit", "BLR01", *words])
        return code, capsys.readouterr()

    code, said = edit("--name", "Another", "--elevation-m", "920", "--consent", "per_subject", "--lab-code", "HB")
    assert code == 0
    assert said.out.splitlines() == [
        "BLR01: name: A -> Another",
        "BLR01: elevation m: 0 -> 920",
        "BLR01: consent basis: attested -> per_subject",
        "BLR01: lab codes: B12-SER -> HB",
    ]
    edited = home.site("BLR01")
    assert (edited.name, edited.country, edited.elevation_m, edited.lab_codes) == ("Another", "IN", 920, ("HB",))
    assert edit("--lab-code", "")[1].out == "BLR01: lab codes: HB -> none\n"
    assert edit("--elevation-m", "920")[1].out == "BLR01 is so already.\n"
    for words, hint in [
        ([], "say what to change"),
        (["--country", "India"], "two capital letters"),
        (["--elevation-m", "9000"], "metres"),
    ]:
        code, said = edit(*words)
        assert code == 2
        assert hint in said.err
    assert cli.main(["--home", str(home.path), "site", "edit", "NBO01", "--name", "B"]) == 2
    assert home.site("BLR01") == Site(**{n: getattr(edited, n) for n in Site.__struct_fields__} | {"lab_codes": ()})


def test_accepting_a_gap_names_what_was_lost(home, capsys):
    site = Site(id="BLR01", name="A", country="IN", time_zone="Asia/Kolkata")
    home.put_site(site)
    gaps.report(home, gaps.Gap(site.events_topic, "u-u", 1, 10, 50))
    for words in ("up to 40 deliveries, partition 1, offsets 10 to 49", "no open gap"):
        assert cli.main(["--home", str(home.path), "site", "accept-gap", "BLR01"]) == 0
        assert words in capsys.readouterr().out
