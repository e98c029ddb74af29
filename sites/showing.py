"""A check's report as its reader sees it: grouped in a terminal, one line for each problem in a file or a pipe.

Rows, columns and rules are shown, never what stands in a cell.
"""

import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from sites.checking import Report
from sites.problems import Problem, Severity

_ORDER: tuple[Severity, ...] = ("critical", "question", "warning", "info")
_WORDS = {
    "critical": ("error", "errors"),
    "question": ("question", "questions"),
    "warning": ("warning", "warnings"),
    "info": ("note", "notes"),
}
_STYLES = {"critical": "red", "question": "magenta", "warning": "yellow", "info": "dim"}
_ANSWER = "A question keeps nothing back: if the value is right, push and then b12 confirm the row; if not, mend it."
_ROWS_SHOWN = 12


def show(report: Report, *, everything: bool = False, out: TextIO | None = None) -> None:
    """Print what a check found; notes are only counted unless `everything`."""
    out = out or sys.stdout
    shown = [problem for problem in report.problems if everything or problem.severity != "info"]
    if out.isatty():
        if shown:
            Console(file=out).print(_table(shown, everything=everything))
    else:
        for problem in shown:
            print(_line(report, problem), file=out)
    for note in report.notes:
        print(f"note: {note}", file=out)
    print(summary(report), file=out)
    if any(problem.severity == "question" for problem in report.problems):
        print(_ANSWER, file=out)
    if len(shown) < len(report.problems):
        print("Notes change nothing; --all lists them.", file=out)


def summary(report: Report) -> str:
    """One line: rows, good events by kind, and how many problems in how many rows."""
    kinds = ", ".join(f"{kind} {count:,}" for kind, count in sorted(report.events.items()))
    good = f"{amount(sum(report.events.values()), 'good event', 'good events')}{f' ({kinds})' if kinds else ''}"
    by_severity = defaultdict(list)
    for problem in report.problems:
        by_severity[problem.severity].append(problem.row)
    found = [
        f"{amount(len(rows), *_WORDS[severity])} in {amount(len(set(rows)), 'row', 'rows')}"
        for severity in _ORDER
        if (rows := by_severity[severity])
    ]
    return f"{report.path.name}: {amount(report.rows, 'row', 'rows')}, {good}; {', '.join(found) or 'nothing to mend'}"


def row_ranges(rows: Iterable[int], most: int | None = _ROWS_SHOWN) -> str:
    """Row numbers in words: `3, 7-9 and 12 more`."""
    ranges: list[list[int]] = []
    for row in sorted(set(rows)):
        if ranges and row == ranges[-1][-1] + 1:
            ranges[-1][1:] = [row]
        else:
            ranges.append([row])
    texts = ["-".join(map(str, each)) for each in ranges[:most]]
    more = sum(each[-1] - each[0] + 1 for each in ranges[most:]) if most is not None else 0
    return ", ".join(texts) + (f" and {more:,} more" if more else "")


def amount(number: int, one: str, many: str) -> str:
    """A number with its word: `1 row`, `2 rows`."""
    return f"{number:,} {one if number == 1 else many}"


def place(problem: Problem) -> str:
    """The mapping's event, or the kind, and the column or the field."""
    return " ".join(part for part in (problem.output, problem.column) if part)


@contextmanager
def progress(what: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """A progress bar on a terminal's standard error, moved by what is yielded; nothing is shown elsewhere."""
    counted = TextColumn("{task.completed:,} events")
    columns = (counted,) if total is None else (BarColumn(), counted, TimeRemainingColumn())
    console = Console(stderr=True)
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        *columns,
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with bar:
        task = bar.add_task(what, total=total)
        # Where nothing is shown, nothing is counted: a call per event would cost more than the check of it.
        yield (lambda count: bar.update(task, advance=count)) if console.is_terminal else _silently


def _silently(count: int) -> None:
    """Nobody watches."""


def _table(problems: list[Problem], *, everything: bool) -> Table:
    groups: dict[tuple[int, str, str, str], list[int]] = defaultdict(list)
    for problem in problems:
        # A fix may end in a remark about one row, in brackets; the group's needs it not.
        fix = problem.fix.partition(" (First in ")[0]
        groups[_ORDER.index(problem.severity), problem.column or problem.output, problem.rule, fix].append(problem.row)
    table = Table(box=None, pad_edge=False, show_header=True, header_style="bold")
    for name in ("column", "rule", "rows", "what to do"):
        table.add_column(name, overflow="fold")
    for (order, column, rule, fix), rows in sorted(groups.items()):
        severity = _ORDER[order]
        where = row_ranges(rows, None if everything else _ROWS_SHOWN)
        table.add_row(column, rule, where, fix, style=_STYLES[severity])
    return table


def _line(report: Report, problem: Problem) -> str:
    where = f"{report.path.name}:{problem.row}"
    return f"{where}: {_WORDS[problem.severity][0]}: {place(problem)}: {problem.rule}: {problem.fix}"
