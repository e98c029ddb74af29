"""`b12 push --complete`: what it refuses to take back; and a push that is stopped."""

import sys

import pytest

from b12 import cli
from sites import config, sending
from tests.lab_tables import RESULT, SITE

ROWS = ["A,S1,150,2026-03-14", "A,S2,90,2026-03-14", "A,S3,210,2026-03-14", "A,S4,300,2026-03-14"]


class Platform:
    """A sender that acknowledges, until somebody presses Ctrl-C."""

    topic_id = "topic"
    stops_after = 10**6

    def __init__(self, _settings):
        pass

    def send(self, statements, acknowledged):
        for number, statement in enumerate(statements):
            if number >= self.stops_after:
                raise KeyboardInterrupt
            acknowledged(statement, f"topic/0/{number}")


class Settings:
    key = b"k" * 64
    as_site = SITE


@pytest.fixture
def push(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sending, "KafkaSender", Platform)
    monkeypatch.setattr(config, "find", lambda *_: tmp_path / "site.toml")
    monkeypatch.setattr(config, "load", lambda *_: Settings)
    monkeypatch.setattr(config, "state_directory", lambda _: tmp_path)
    (tmp_path / "lab.toml").write_text(RESULT)

    def run(rows, *options):
        table = tmp_path / "results.csv"
        table.write_text("\n".join(["code,sample,b12,taken", *rows]) + "\n")
        code = cli.main(["push", str(table), "--map", str(tmp_path / "lab.toml"), "--as", SITE.id, *options])
        return code, capsys.readouterr()

    assert run(ROWS)[0] == 0
    return run


def test_a_file_without_rows_takes_nothing_back(push):
    for options in (["--yes"], ["--take-back", "4"], []):
        code, said = push([], "--complete", *options)
        assert code == 1
        assert "results.csv has no rows" in said.err
    assert "4 as they were" in push(ROWS)[1].out


def test_more_than_half_goes_only_by_its_exact_number(push):
    code, said = push(ROWS[:1], "--complete", "--yes")
    assert code == 1
    assert "3 of the 4 records sent as b12 (lab_result), from this or any file, are not in results.csv" in said.err
    assert "--take-back 3" in said.err
    code, said = push(ROWS[:1], "--complete", "--take-back", "2")
    assert code == 1
    assert "3 records" in said.err
    assert "4 as they were" in push(ROWS)[1].out
    code, said = push(ROWS[:1], "--complete", "--take-back", "3")
    assert code == 0
    assert "3 taken back" in said.out
    assert push(ROWS[:1], "--take-back", "3")[0] == 2


def test_half_of_the_records_goes_without_being_asked(push):
    assert "2 taken back" in push(ROWS[:2], "--complete", "--yes")[1].out


def test_somebody_who_is_there_is_asked_with_the_number_and_the_scope(push, monkeypatch):
    assert push(ROWS[:3], "--complete")[0] == 2  # nobody there
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    questions = []
    monkeypatch.setattr("typer.confirm", lambda question, **_: questions.append(question))
    assert "3 taken back" in push(ROWS[:1], "--complete")[1].out
    assert questions == [
        "3 of the 4 records sent as b12 (lab_result), from this or any file, are not in results.csv. Take them back?"
    ]


def test_a_push_that_is_stopped_says_how_far_it_came_and_goes_on_from_there(push, monkeypatch):
    more = [*ROWS, "B,S5,100,2026-03-14", "B,S6,110,2026-03-14", "B,S7,120,2026-03-14"]
    monkeypatch.setattr(Platform, "stops_after", 2)
    code, said = push(more)
    assert code == 130
    assert said.err.endswith("b12: stopped; 2 acknowledged; push again to go on\n")
    monkeypatch.setattr(Platform, "stops_after", 10**6)
    assert "1 new, 0 changed, 6 as they were." in push(more)[1].out
