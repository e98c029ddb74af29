"""`b12 due`: what operators ask the sites for, from the last build.

What is due belongs to the registry.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(due)


def due(
    site: Annotated[str | None, typer.Option("--site", help="One site's name. Default: all of them.")] = None,
    as_of: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="A day from the last build's cut-off on, if nothing more came."),
    ] = None,
) -> None:
    """Follow-up that is due or was missed, and infants to screen, per site. It shows dates: not for analysts."""
    import sys

    from rich.console import Console

    from lake.home import Home
    from registry import due as lists

    found = lists.read(Home.from_env(), site, as_of.date() if as_of else None)
    # Into a pipe nothing is folded: the next program counts lines.
    console = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 10_000)
    later = "" if found.as_of == found.cut_off else f", by what the build of {found.cut_off} knows"
    console.print(f"[bold]As of {found.as_of}[/]{later}")
    _show(console, "Visits", ("site", "visit", "state", "visits"), found.counts)
    _show(
        console,
        "To see to",
        ("site", "infant", "visit", "state", "from", "best on", "until"),
        ((*visit[:6], _day(visit.closes, is_approximate=visit.is_approximate)) for visit in found.visits),
    )
    _show(
        console,
        "To screen",
        ("site", "infant", "for", "before"),
        ((*each[:3], _day(each.until, is_approximate=each.is_approximate)) for each in found.to_screen),
    )


def _day(day: date, *, is_approximate: bool) -> str:
    """A birth that is known to the month makes every day of the infant's one of half a month more or less."""
    return f"about {day}" if is_approximate else str(day)


def _show(console: "Console", title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    from rich.table import Table

    table = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*map(str, row))
    console.print(f"\n{title}: {'' if table.row_count else 'none'}")
    if table.row_count:
        console.print(table)
