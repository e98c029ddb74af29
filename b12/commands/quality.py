"""`b12 quality`: the quality of the current release as one page, without any value.

What stands on it belongs to the registry.
"""

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(quality)


def quality(
    out: Annotated[Path | None, typer.Option(help="The page. Default: quality.html in the installation.")] = None,
) -> None:
    """Conformance, completeness and plausibility per site and kind, and what sites are asked, as one HTML page."""
    from lake import settings_file
    from lake.home import Home
    from registry.quality import read

    home = Home.from_env()
    found = read(home)
    page = out or home.path / "quality.html"
    settings_file.write_bytes(page, found.html().encode())
    open_ = sum(each.open for each in found.found if each.severity == "critical" and each.effect != "quarantine")
    typer.echo(
        f"{found.release}: {len(found.matrix)} sites, {len(found.failing)} checks fail, {open_:,} questions are open."
    )
    typer.echo(f"{page}")
