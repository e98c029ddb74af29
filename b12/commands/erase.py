"""`b12 erase`: families who withdrew, out of everything that this home keeps.

The order of the work stands in b12/erasing.py.
"""

from collections import Counter
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(erase)


def erase(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count by the last build, and change nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Erase the families who have withdrawn: from the lake, from what is built of it, and from older releases.

    It is for good: what is sent of them again is erased too. Safe beside workers, and to repeat after a crash.
    """
    from rich.console import Console

    from b12 import erasing
    from lake.home import Home
    from registry import revocation

    home = Home.from_env()
    console = Console(stderr=True, highlight=False)
    if not dry_run and not erasing.is_built(home):
        with console.status("building first, so that nothing is erased that a site has corrected since"):
            erasing.build(home)
    found, held = erasing.due(home), revocation.holding(home)
    for site, families in sorted(Counter(subject.site for subject in found).items()):
        typer.echo(f"{site}: {families:,} to erase")
    for each in held:
        typer.echo(f"{each.release}: holds {each.families:,} who have withdrawn")
    if not found and not held:
        typer.echo("Nobody is to be erased.")
    if dry_run or not (found or held):
        return
    if not yes:
        typer.confirm("Erase them, and remove these releases, for good?", abort=True)
    with console.status("erasing") as line:
        done, revoked = erasing.erase(home, found, lambda words: line.update(words))
    for site, deliveries in sorted(done.deliveries.items()):
        typer.echo(f"{site}: {deliveries:,} deliveries erased")
    typer.echo(f"{len(revoked)} older releases revoked.")
    typer.echo("What holds them still, and until when:")
    for what, until in erasing.remainders():
        typer.echo(f"  {what}: {until}")
