"""`b12 demo`: the whole journey on synthetic data, on real parts."""

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(demo)


def demo(
    home: Annotated[Path, typer.Option(help="Where the demonstration's installation lies.")] = Path("var/demo"),
    once: Annotated[bool, typer.Option("--once", help="Stop the stack at the end; else it stays up.")] = False,
) -> None:
    """Show the whole journey on a synthetic cohort: from an empty directory to a validated release. Safe to repeat."""
    import os

    from rich.console import Console

    from b12.demo.journey import Journey
    from b12.local import stack
    from lake.home import Home

    os.environ["B12_HOME"] = str(home)
    console, here = Console(highlight=False, soft_wrap=True), Home(home)
    try:
        Journey(here, console).run()
    finally:
        if once:
            stack.down(here, lambda words: None)  # noqa: ARG005
