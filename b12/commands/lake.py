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
    """Make small files into large ones, write a checkpoint and remove what has not been needed for a week."""
    from lake.home import Home
    from lake.maintenance import maintain

    done = maintain(Home.from_env())
    print(f"version {done.version}: {done.compacted} files became {done.written}, {done.removed} were removed.")
