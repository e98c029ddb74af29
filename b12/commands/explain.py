"""`b12 explain`: why a subject of a release is of its class, or why nearly not.

What is told is computed with the release; see registry/explaining.py.
"""

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(explain)


def explain(
    key: Annotated[str, typer.Argument(help="The subject's key in the release, or its first characters.")],
    release: Annotated[str | None, typer.Option(help="Default: the current one.")] = None,
) -> None:
    """Why a subject is of its class, or why nearly not: in sentences, with the records and rules behind them."""
    from lake.home import Home
    from registry.explaining import explain as explained

    found = explained(Home.from_env(), key, release)
    typer.echo(f"{found.subject_key} of {found.site}, in {found.release}")
    for line in found.text():
        typer.echo(f"  {line}")
