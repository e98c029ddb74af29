"""`b12 lake ...`: the record of deliveries, as an operator keeps it quick."""

import typer


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    lake = typer.Typer(help="The lake: maintain.", no_args_is_help=True)
    lake.command("maintain")(maintain)

    @lake.callback()
    def group() -> None:
        """Without this, typer takes a group's only command for the group."""

    app.add_typer(lake, name="lake")


def maintain() -> None:
    """Make small files into large ones, write a checkpoint and remove what no version of the last days needs.

    Safe beside workers and builds, and to repeat. Dagster does it every night.
    """
    from rich.console import Console

    from lake.home import Home
    from lake.maintenance import maintain

    console = Console(stderr=True, highlight=False)
    with console.status("opening the lake") as line:
        done = maintain(Home.from_env(), lambda words: line.update(words))
    print(
        f"version {done.version}: {done.compacted.replaced} files became {done.compacted.written}, {done.removed} were"
        f" removed; the lake has {done.files_after} files of {done.bytes_after / 1e6:,.1f} MB"
    )
    if done.erased:
        print(f"{done.erased:,} deliveries had come again of families who were erased: erased too")
