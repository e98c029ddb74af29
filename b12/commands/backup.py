"""`b12 backup` and `b12 restore`: all that Kafka cannot give back, in one directory."""

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(backup)
    app.command()(restore)


def backup(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="A new directory, best on another disk.")],
) -> None:
    """Copy lake, secrets, sites, releases and Dagster's store to DIR, while everything runs. It holds secrets."""
    from rich.console import Console

    from b12.backup import make
    from lake.home import Home

    with Console(stderr=True, highlight=False).status("looking") as line:
        made = make(Home.from_env(), directory, lambda words: line.update(words))
    lake = "no lake yet" if made.lake_version is None else f"version {made.lake_version} of the lake"
    print(f"{directory}: {lake}, {len(made.files)} files of {made.bytes / 1e6:,.1f} MB, readable by you alone")
    print("Keep it as you keep the secrets: whoever has it can turn keys back into the sites' own.")


def restore(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="What `b12 backup` has written.")],
) -> None:
    """Verify a backup and put it into a home that holds nothing yet. The first worker reads the rest from Kafka."""
    from rich.console import Console

    from b12.restore import restore
    from lake.home import Home

    home = Home.from_env()
    with Console(stderr=True, highlight=False).status("looking") as line:
        found = restore(directory, home, lambda words: line.update(words))
    print(f"{home.path}: as of {found.made_at}, {len(found.files)} files, each as it was written")
    print(
        "b12 up reads what arrived since from Kafka. Where Kafka has deleted it, b12 status says so and what to do;"
        " where Kafka itself is new, the labs push again."
    )
