"""`b12 up`, `down`, `status` and `doctor`: the local stack, as people meet it."""

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(up)
    app.command()(down)
    app.command()(status)
    app.command()(doctor)


def up(
    only: Annotated[
        str | None, typer.Option(metavar="PART", help="Start one part alone: broker, worker or dagster.")
    ] = None,
) -> None:
    """Start broker, workers and Dagster, wait until each answers, and say where to look. Safe to repeat."""
    from rich.console import Console

    from b12.local import stack
    from b12.local.ports import Ports
    from lake.home import Home

    home, console = Home.from_env(), Console(highlight=False, soft_wrap=True)
    with console.status("starting") as line:
        stack.up(home, lambda words: line.update(words), only)
    console.print(f"[green]up[/]  {home.path}")
    if only != "dagster":
        console.print(f"  labs connect to   {', '.join(home.site_listener().bootstrap)}")
    if only in (None, "dagster"):
        console.print(f"  Dagster           http://127.0.0.1:{Ports.from_env().dagster}")
    console.print(f"  logs              {home.logs}")
    if not home.sites():
        console.print("  next              b12 site add BLR01 --name ... --country IN --time-zone Asia/Kolkata")
    console.print("  stop it with      b12 down")


def down() -> None:
    """Stop every process of the stack; data stays."""
    from rich.console import Console

    from b12.local import stack
    from lake.home import Home

    home, console = Home.from_env(), Console(highlight=False, soft_wrap=True)
    with console.status("stopping") as line:
        ran = stack.down(home, lambda words: line.update(words))
    console.print(f"down  {home.path} (stopped: {', '.join(ran)})" if ran else f"down  {home.path} (nothing ran)")


def status() -> None:
    """Processes, what waits of each site, and what somebody has to do. Exits with 3 unless all is well."""
    import sys
    import time

    from rich.console import Console

    from b12.local import backlog, screen, stack, standing
    from contracts.errors import EnvironmentProblem
    from lake import workers
    from lake.home import Home

    # Into a pipe nothing is folded: the next program counts lines.
    home, console = Home.from_env(), Console(highlight=False, width=None if sys.stdout.isatty() else 10_000)
    states, found, now = stack.status(home), list(workers.workers(home)), time.time()
    console.print(screen.processes(states, found, now))
    console.print(f" logs: {home.logs}\n")
    try:
        waiting = backlog.backlogs(home)
        console.print(screen.sites(waiting, now))
    except EnvironmentProblem as problem:
        waiting = None
        console.print(f" what waits is not known: {problem}")
    concerns = standing.concerns(home, states, found, waiting, now)
    console.print(screen.concerns(concerns))
    if concerns or waiting is None or any(state.word != "up" for state in states):
        raise typer.Exit(3)


def doctor() -> None:
    """What this machine lacks to run the stack, and how to get it. Exits with 3 when something is missing."""
    from rich.console import Console

    from b12.local.doctor import examine
    from lake.home import Home

    console = Console(highlight=False, soft_wrap=True)
    findings = examine(Home.from_env())
    marks = {"good": "[green]ok[/]     ", "worth knowing": "[yellow]note[/]   ", "missing": "[red]missing[/]"}
    for finding in findings:
        console.print(f"{marks[finding.verdict]}  {finding.subject}: {finding.words}")
    if any(finding.verdict == "missing" for finding in findings):
        raise typer.Exit(3)
