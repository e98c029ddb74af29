"""The one screen of `b12 status`: what it says of a stack in trouble, and what it tells people to do."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from b12.local import screen, standing
from b12.local.backlog import Backlog, Held
from b12.local.stack import State
from contracts.errors import EnvironmentProblem
from lake.workers import FAILURES, Worker
from registry import held

NOW = 1_800_000_000.0
UP = State("worker", "worker", 12, True, True, "RUNNING", int(NOW) - 15_120)
WORKER = Worker("worker", 12, 40_000, "1.0", int(NOW) - 15_120, seen_at=NOW - 1)
QUIET = Backlog("BLR01")


def printed(renderable) -> str:
    console = Console(file=io.StringIO(), width=200, highlight=False)
    console.print(renderable)
    return " ".join(console.file.getvalue().split())


def told(home, states=(UP,), workers=(WORKER,), backlogs=(QUIET,)) -> str:
    return printed(screen.concerns(standing.concerns(home, states, workers, backlogs, NOW)))


def test_when_all_is_well_there_is_nothing_to_do(home):
    assert told(home) == "nothing to do"


def test_a_lake_that_was_long_not_maintained_is_named(home):
    (home.run / "maintained.toml").write_text(f"at = {int(NOW) - 86_400}\n")
    assert told(home) == "nothing to do"
    (home.run / "maintained.toml").write_text(f"at = {int(NOW) - 5 * 86_400}\n")
    assert "not maintained for 5 days" in told(home)
    assert "b12 lake maintain" in told(home)


@pytest.mark.parametrize(
    ("state", "word", "do"),
    [
        (replace(UP, pid=None), "stopped", "b12 up"),
        (replace(UP, pid=None, supervised="FATAL"), "given up", "mend what the end of its log names"),
        (replace(UP, kept=False), "orphaned", "b12 down, then b12 up"),
    ],
)
def test_a_process_that_is_not_up_is_named_with_what_starts_it(home, state, word, do):
    assert state.word == word
    assert do in told(home, [state])


def test_a_worker_that_does_not_read_says_why():
    state = replace(UP, answers=False, why="Kafka does not answer")
    assert "running, Kafka does not answer" in printed(screen.processes([state], [WORKER], NOW))
    assert "ended, restarting" in printed(screen.processes([replace(UP, pid=None, supervised="BACKOFF")], [], NOW))


def test_a_worker_that_ends_again_and_again_is_told_with_the_reason(home):
    failing = replace(WORKER, started_at=int(NOW) - 20, restarts=FAILURES, failures=FAILURES, why="the disk is full")
    words = told(home, workers=[failing])
    assert f"worker ended {FAILURES} times in a row, last because the disk is full" in words
    assert "it reads again" in words
    assert "growing pauses" in told(home, [replace(UP, answers=False)], [failing])
    once = replace(WORKER, restarts=1, failures=1, why="the disk is full")
    assert told(home, workers=[once]) == "nothing to do"
    shown = printed(screen.processes([UP], [once], NOW))
    assert "up 12 4 h 12 min 1" in shown
    assert "worker was started again, last because the disk is full" in shown


def test_a_worker_in_a_container_is_shown_beside_the_stack():
    other = replace(WORKER, name="worker-3f2a")
    assert "worker-3f2a elsewhere" in printed(screen.processes([UP], [WORKER, other], NOW))


def test_held_partitions_are_told_with_what_is_lost_and_what_to_do(home):
    topic = "b12.site.BLR01.events"
    gap = replace(QUIET, waiting=7, held=[Held(topic, 0, "gap", 5, 8), Held(topic, 1, "gap", 0, 2)])
    words = told(home, backlogs=[gap])
    assert "BLR01: Kafka deleted offsets 5 to 7 of partition 0, 0 to 1 of partition 1" in words
    assert "b12 site accept-gap BLR01" in words
    assert "partition 0: gap" in printed(screen.sites([gap], NOW))
    assert "topic b12.site.BLR01.events is gone" in told(
        home, backlogs=[replace(QUIET, held=[Held(topic, 0, "no_topic")])]
    )
    words = told(home, backlogs=[replace(QUIET, held=[Held(topic, 1, "log_ends_early", 9, 4)])])
    assert "partition 1 ends at offset 4, and the lake has more, up to 9" in words


def test_what_waits_is_shown_by_site_with_its_age(home):
    late = Backlog("OSL01", 12_345, NOW - 15_120)
    assert "OSL01 12,345 4 h 12 min" in printed(screen.sites([QUIET, late], NOW))
    assert "OSL01 have waited for over 5 minutes" in told(home, backlogs=[QUIET, late])
    fresh = Backlog("OSL01", 3, NOW - 2)
    assert told(home, backlogs=[QUIET, fresh]) == "nothing to do"
    many = [*(Backlog(f"LAB{number:03}") for number in range(30)), late]
    shown = printed(screen.sites(many, NOW))
    assert "OSL01" in shown
    assert "LAB001" not in shown
    assert "30 sites of which nothing waits" in shown


def test_a_stack_that_is_down_is_not_also_told_that_deliveries_wait(home):
    late = Backlog("OSL01", 12_345, NOW - 15_120)
    words = told(home, [replace(UP, pid=None)], [replace(WORKER, seen_at=NOW - 9000)], [late])
    assert "not running: worker" in words
    assert "have waited" not in words
    assert "sign of life" not in words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 s"), (59, "59 s"), (60, "1 min"), (3599, "59 min"), (3600, "1 h"), (90_000, "1 d 1 h"), (-5, "0 s")],
)
def test_lengths_of_time_have_two_units_at_most(seconds, words):
    assert screen.duration(seconds) == words


def test_a_site_that_fails_its_checks_is_told_with_what_waits_until_a_build_reads_it_on(home):
    home.make()
    held.write(home, {"BLR01": 40}, {"BLR01": "left out: staging.current_lab_result: median_b12_infant"})
    words = told(home)
    assert "BLR01 fails its checks in the last build, 40 waiting: left out: staging.current_lab_result" in words
    assert "median_b12_infant" in words
    held.write(home, {}, {})
    assert told(home) == "nothing to do"


def test_what_the_last_build_said_is_never_guessed(home):
    home.make()
    (home.run / "held.json").write_text("{")
    with pytest.raises(EnvironmentProblem, match="`b12 build` writes it again"):
        held.read(home)
