"""The local stack as a whole: up, down, and what each part is doing.

How it is told to people is `b12.commands.stack`'s business.
"""

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from b12 import registration
from b12.local import broker, dagster_home, ports, processes, programs, settings, sockets, supervisor, worker_pages
from b12.local.dagster_web import BrokenProgram
from b12.local.ports import Ports
from b12.local.programs import Program
from contracts.errors import B12Error, EnvironmentProblem
from lake import workers
from lake.home import Home

ANSWER_SECONDS = 120
_ENDED = ("FATAL", "EXITED", "STOPPED")

Report = Callable[[str], None]
"""Hears what is being done, a few words at a time."""


@dataclass(frozen=True)
class State:
    """What one process of the stack is doing."""

    process: str
    title: str
    pid: int | None
    answers: bool
    kept: bool
    """Does the supervisor keep it running?"""
    supervised: str = ""
    """Its state in the supervisor's words; empty where there is no supervisor."""
    since: int = 0
    """When it was last started: seconds since 1970, 0 where nobody knows."""
    why: str = ""
    """Why a worker does not read."""

    @property
    def word(self) -> str:
        """A few words for people."""
        if self.pid is None:
            return {"FATAL": "given up", "BACKOFF": "ended, restarting"}.get(self.supervised, "stopped")
        if not self.kept:
            return "orphaned"
        if self.answers:
            return "up"
        return "starting" if self.supervised == "STARTING" else f"running, {self.why or worker_pages.SILENT}"


def up(home: Home, report: Report, only: str | None = None) -> None:
    """Start what does not run, and return when everything that was asked for answers. Safe to repeat.

    EnvironmentProblem, naming the log or the setting, when a part cannot start; what did start stays up.
    """
    home.make()
    home.ensure_secret()
    with _alone(home):
        _up(home, report, only)


def _up(home: Home, report: Report, only: str | None) -> None:
    everything, wanted = programs.programs(), programs.of_part(only)
    _tidy(home, everything, report)
    idle = [p for p in wanted if not all(processes.alive(home, process) for process in p.processes)]
    if programs.BROKER in idle:
        ports.require_free(Ports.from_env().of_broker())
        broker.require_room(home)
    if programs.DAGSTER_WEB in idle:
        ports.require_free(Ports.from_env().of_dagster())
    if programs.DAGSTER_CODE in idle:
        dagster_home.write_settings(home)
    elif programs.DAGSTER_CODE in wanted:
        dagster_home.fail_unfinished(home, code_server_runs=False)  # a `b12 build` that was killed
    settings.save(home)
    if not supervisor.is_running(home):
        supervisor.start(home, everything)
    # Dagster loads while the broker is made ready: they do not need each other. The workers need the broker.
    if programs.DAGSTER_CODE in wanted:
        _start(home, programs.DAGSTER_CODE)
    if programs.BROKER in idle:
        report("preparing the broker")
        broker.prepare(home, Ports.from_env(), lambda done, of: report(f"fetching Kafka, {done} of {of} files"))
        _start(home, programs.BROKER)
    if programs.DAGSTER_CODE in wanted:
        _wait_for_dagsters_tables(home)
    for program in (p for p in wanted if p.part == "dagster"):
        _start(home, program)
    for program in wanted:
        if program.part == "worker":
            report("making the sites' topics")
            registration.restore(home)
            _start(home, program)
        report(f"waiting for the {program.title}")
        _wait(home, program)
        if program is programs.BROKER and only:
            registration.restore(home)


def down(home: Home, report: Report) -> list[str]:
    """Stop every process of the stack, whoever still looks after it; the names of those that ran."""
    if not home.run.is_dir():
        return []
    with _alone(home):
        return _down(home, report)


def _down(home: Home, report: Report) -> list[str]:
    ran = processes.running(home)
    if programs.SUPERVISOR in ran:
        report("stopping the stack")
        processes.stop(home, programs.SUPERVISOR, seconds=2 * processes.TERM_SECONDS)
    order = [process for program in programs.programs() for process in program.processes]
    # A supervisor that was killed leaves its programs running: the last started goes first.
    left = processes.running(home)
    for process in sorted(left, key=lambda name: order.index(name) if name in order else len(order), reverse=True):
        report(f"stopping {process}, which nothing looked after any more")
        processes.stop(home, process)
    processes.forget_ended(home)
    for process in (programs.SUPERVISOR, dagster_home.CODE):
        sockets.path(home, process).unlink(missing_ok=True)
    return sorted(ran)


def status(home: Home) -> list[State]:
    """What each process is doing, in the order of the stack. Asks each whether it answers."""
    settings.apply(home)
    kept = supervisor.is_running(home)
    try:
        known = supervisor.states(home) if kept else {}
    except EnvironmentProblem:
        known = {}
    states = []
    for program in programs.programs():
        for process in program.processes:
            pid = processes.alive(home, process)
            why = worker_pages.why_not_ready(home, process) if pid and program.part == "worker" else ""
            answers = bool(pid) and (not why if program.part == "worker" else _answers(home, program))
            _, state, since = known.get(process, ("", "", 0))
            states.append(State(process, program.title, pid, answers, kept, state, since if pid else 0, why))
    return states


def _tidy(home: Home, everything: list[Program], report: Report) -> None:
    """Leave either nothing running or a stack with today's settings and a supervisor."""
    kept = supervisor.is_running(home)
    if kept and supervisor.is_current(home, everything) and settings.saved(home) == settings.current():
        return
    if processes.running(home):
        report("settings changed: starting anew" if kept else "clearing away what an earlier stack left")
        _down(home, report)
    processes.forget_ended(home)


@contextmanager
def _alone(home: Home) -> Iterator[None]:
    """Two commands that change the stack at the same time would undo each other's work."""
    with (home.run / "stack.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise EnvironmentProblem(
                f"{home.path}: another `b12 up` or `b12 down` is at work; wait for it, `b12 status` shows how it goes"
            ) from None
        yield


def _start(home: Home, program: Program) -> None:
    for process in program.processes:
        supervisor.start_process(home, process)


def _wait(home: Home, program: Program) -> None:
    end = time.monotonic() + ANSWER_SECONDS
    while not _answers(home, program, patient=False):
        states = supervisor.states(home)
        for process in program.processes:
            if states[process].state in _ENDED:
                raise EnvironmentProblem(
                    f"the {program.title} ended while it started; why stands at the end of {home.logs / process}.log"
                )
            if states[process].state == "BACKOFF" and (told := _failing(home, process)):
                raise EnvironmentProblem(f"the {program.title} {told}; its log: {home.logs / process}.log")
        if time.monotonic() > end:
            raise EnvironmentProblem(
                f"the {program.title} runs but did not answer within {ANSWER_SECONDS} s;"
                f" its log: {home.logs / program.processes[0]}.log"
            )
        time.sleep(0.2)


def _wait_for_dagsters_tables(home: Home) -> None:
    """Let the first of its processes make them alone; whether it answers is asked later."""
    end = time.monotonic() + ANSWER_SECONDS
    while not dagster_home.has_tables(home) and time.monotonic() < end:
        if supervisor.states(home)[programs.DAGSTER_CODE.processes[0]].state in _ENDED:
            return
        time.sleep(0.1)


def _failing(home: Home, process: str) -> str | None:
    """What is wrong with a worker that ends again and again."""
    of = (worker for worker in workers.workers(home) if worker.name == process)
    return next((told for worker in of if (told := workers.trouble(worker, time.time()))), None)


def _answers(home: Home, program: Program, *, patient: bool = True) -> bool:
    try:
        return program.answers(home)
    except B12Error as error:
        if isinstance(error, BrokenProgram) and not patient:
            raise
        return False
