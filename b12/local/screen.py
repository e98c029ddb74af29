"""The tables of `b12 status`.

What they show comes from stack.py, backlog.py and standing.py.
"""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from b12.local.backlog import Backlog
from b12.local.stack import State
from b12.local.standing import LATE_SECONDS, Concern
from lake.workers import Worker, trouble

MOST_SITES = 20
"""With more of them, those of which nothing waits are only counted."""


def processes(states: Sequence[State], found: Sequence[Worker], now: float) -> RenderableType:
    """What each process does, and how often a worker had to be started again."""
    by_name = {worker.name: worker for worker in found}
    table = Table("process", "state", "pid", "for", "restarts", box=None, header_style="bold")
    for state in states:
        worker = by_name.get(state.process)
        table.add_row(
            state.process,
            Text(state.word, "green" if state.word == "up" else "red"),
            str(state.pid or ""),
            duration(now - state.since) if state.since else "",
            str(worker.restarts) if worker else "",
        )
    table.columns[3].justify = table.columns[4].justify = "right"
    known = {state.process for state in states}
    for worker in found:
        if worker.name not in known:  # in a container, or started by hand
            table.add_row(worker.name, "elsewhere", "", duration(now - worker.started_at), str(worker.restarts))
    again = [
        Text(f" {worker.name} was started again, last because {worker.why}", "dim")
        for worker in found
        if worker.restarts and not trouble(worker, now)
    ]
    return Group(table, *again)


def sites(backlogs: Sequence[Backlog], now: float) -> RenderableType:
    """What of each site is in Kafka and not yet in the lake."""
    if not backlogs:
        return Text(" no site yet: b12 site add")
    shown = [b for b in backlogs if len(backlogs) <= MOST_SITES or b.waiting or b.held]
    table = Table("site", "waiting", "oldest", "held", box=None, header_style="bold")
    table.columns[1].justify = "right"
    for backlog in shown:
        age = None if backlog.oldest_at is None else now - backlog.oldest_at
        held = ", ".join(f"partition {held.partition}: {held.reason}" for held in backlog.held)
        table.add_row(
            backlog.site,
            f"{backlog.waiting:,}",
            Text("" if age is None else duration(age), "red" if age is not None and age > LATE_SECONDS else ""),
            Text(held, "red"),
        )
    rest = len(backlogs) - len(shown)
    return Group(*([table] if shown else []), *([Text(f" and {rest} sites of which nothing waits")] if rest else []))


def concerns(found: Sequence[Concern]) -> RenderableType:
    """What somebody has to do."""
    if not found:
        return Text("\n nothing to do", "green")
    table = Table.grid(padding=(0, 1))
    for number, concern in enumerate(found, 1):
        table.add_row(f" {number}.", Group(Text(concern.what, "red"), Text(concern.do)))
    return Group(Text("\n to do", "bold"), table)


def duration(seconds: float) -> str:
    """A length of time in at most two units: `4 h 12 min`."""
    whole = max(0, round(seconds))
    for unit, length, smaller, part in (("d", 86_400, "h", 3600), ("h", 3600, "min", 60), ("min", 60, "", 0)):
        if whole >= length:
            rest = whole % length // part if part else 0
            return f"{whole // length} {unit}" + (f" {rest} {smaller}" if rest else "")
    return f"{whole} s"
