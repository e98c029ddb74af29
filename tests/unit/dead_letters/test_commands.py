"""`b12 dead-letters list`, `show`, `replay` and `accept-gap`, as an operator sees them."""

from contextlib import contextmanager

import pytest

from b12 import cli
from lake import dead_letters
from lake.dead_letters import Place
from lake.home import REPLAY_TOPIC
from lake.snapshot import snapshot
from streams import replays
from streams.replays import Replays
from tests.dead_letters_fixture import SECRET_VALUE, UNIT, UUID, Records, kept
from tests.lake_fixture import REPLAY_UUID, record_replays
from tests.registry_fixture import BLR01


@pytest.fixture
def run(home, open_, producer, monkeypatch, capsys):
    monkeypatch.setattr(replays, "opened", open_)

    def run(*arguments):
        code = cli.main(["--home", str(home.path), "dead-letters", *arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def test_the_list_shows_counts_and_no_data(run):
    code, out, _ = run("list")
    assert code == 0
    assert [line.split()[:4] for line in out.splitlines()[1:5]] == [
        ["BLR01", "no_value", "1", "1"],
        ["BLR01", "not_json", "1", "1"],
        ["BLR01", "unit_not_for_code", "1", "1"],
        ["OSL01", "not_json", "1", "1"],
    ]
    assert "b12 dead-letters replay" in out
    assert "CANARY" not in out


def test_each_is_shown_without_its_data(run):
    code, out, _ = run("show", "BLR01", "--rule", "unit_not_for_code")
    assert code == 0
    line = out.splitlines()[1].split()
    assert line[:6] == ["0", "2", "unit_not_for_code", "$.data.unit", "lab_result", f"{len(UNIT)}"]
    assert "furlong" not in out
    assert run("show", "BLR01", "--rule", "wrong_site")[1].startswith("BLR01 has no dead letters of the rule")
    assert run("show", "NOT01")[0] == 2


def test_what_was_sent_is_shown_on_a_terminal_alone(run, records, monkeypatch):
    code, out, err = run("show", "BLR01", "--raw")
    assert (code, out) == (2, "")
    assert "terminal" in err
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    records.found[Place(UUID, 0, 2)] = kept(b"\x1b[2J\xff ja")
    del records.found[Place(UUID, 0, 4)]
    code, out, _ = run("show", "BLR01", "--raw")
    assert code == 0
    assert SECRET_VALUE.decode() in out
    assert "\\x1b[2J\\xff ja" in out, "a terminal obeys nothing of it"
    assert "Kafka has deleted" in out


def test_a_replay_asks_once_and_says_what_it_did(run, producer):
    assert run("replay", "BLR01")[0] == 2
    assert run("replay", "BLR01", "--all", "--rule", "no_value")[0] == 2
    code, out, _ = run("replay", "BLR01", "--all", "--dry-run")
    assert (code, out) == (0, "3 deliveries of BLR01 would be judged again.\n")
    code, _, err = run("replay", "BLR01", "--all")
    assert code == 2
    assert "--yes" in err
    assert producer.sent == []
    code, out, _ = run("replay", "BLR01", "--rule", "not_json", "--yes")
    assert code == 0
    assert out.startswith("1 written to be judged again.")
    assert len(producer.sent) == 1


def test_a_replay_says_why_it_passes_letters_over(home, run, open_, producer, monkeypatch):
    record_replays(home, [(BLR01, 2, b"{}")])

    @contextmanager
    def opened(home):
        with dead_letters.opened(snapshot(home), {(REPLAY_UUID, 0): 0}, [Place(UUID, 0, 1)]) as found:
            yield Replays(home, found, Records(), {})

    monkeypatch.setattr(replays, "opened", opened)
    code, out, _ = run("replay", "BLR01", "--all", "--yes")
    assert code == 0
    assert out.splitlines() == [
        "field_missing: 1 refused again by the contract of today: --again replays them all the same.",
        "no_value: 1 expired: Kafka has deleted what was sent, so the site has to send it again.",
        "not_json: 1 on their way: a worker has not read the replay yet (`b12 status`).",
        "Nothing to replay for BLR01.",
    ]
    assert "Of expired ones" in run("list")[1]
    code, out, _ = run("replay", "BLR01", "--rule", "field_missing", "--again", "--yes")
    assert "1 expired meanwhile" in out, "its record is in no stand-in"


def test_a_home_without_dead_letters_says_so(home, run, monkeypatch):
    @contextmanager
    def opened(home):
        with dead_letters.opened(snapshot(home)._replace(files={}), {}) as found:
            yield Replays(home, found, Records(), {})

    monkeypatch.setattr(replays, "opened", opened)
    assert run("list")[1].startswith("No dead letters")


def test_a_lost_range_of_replays_is_accepted_by_a_command_of_its_own(home, run):
    from lake import gaps

    assert "no open gap" in run("accept-gap")[1]
    gaps.report(home, gaps.Gap(REPLAY_TOPIC, REPLAY_UUID, 0, 4, 9))
    assert "up to 5 replays" in run("accept-gap")[1]
    assert [bool(gap.accepted_at) for gap in gaps.gaps(home)] == [True]
