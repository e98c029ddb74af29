"""`b12 explain` and `b12 compare`: why a subject is of its class, or why nearly not, and who is of another elsewhere.

What is told is computed with the release; see registry/explaining.py and registry/comparison.py.
"""

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from registry.comparison import Comparison


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(explain)
    app.command()(compare)


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


def compare(
    before: Annotated[str, typer.Argument(metavar="A", help="A release, or the name of one by other definitions.")],
    after: Annotated[str, typer.Argument(metavar="B", help="Another.")],
    subjects: Annotated[
        bool, typer.Option("--subjects", help="Each subject that is of another class, with the reasons, as CSV.")
    ] = False,
) -> None:
    """Who is of another class in B than in A, and why: which definitions differ, counts, and each subject's reasons."""
    import csv
    import sys

    from lake.home import Home
    from registry.comparison import compare as compared

    found = compared(Home.from_env(), before, after)
    if subjects:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(("subject_key", "site", "before", "after", "reasons"))
        writer.writerows((*change[:-1], "; ".join(change.reasons)) for change in found.changes)
    else:
        _tell(found)


def _tell(found: "Comparison") -> None:
    from rich.console import Console
    from rich.table import Table

    typer.echo(f"{found.before.id} beside {found.after.id}")
    for each in found.definitions:
        typer.echo(f"  {each.table}: {_row(each.before)} became {_row(each.after)}")
    if not found.definitions:
        typer.echo("  by the same definitions")
    typer.echo(f"  {len(found.moved)} tables differ: {', '.join(found.moved) or 'none'}")
    table = Table(box=None, pad_edge=False)
    for column in ("A", "B", "subjects"):
        table.add_column(column, justify="right" if column == "subjects" else "left")
    for step in found.steps:
        mark = "" if step.before == step.after else " *"
        table.add_row(step.before or "(not there)", step.after or "(not there)", f"{step.subjects:,}{mark}")
    Console(highlight=False).print(table)
    reasons = Counter(reason for change in found.changes for reason in change.reasons)
    for reason, count in reasons.most_common():
        typer.echo(f"  {count:,} x {reason}")
    if found.changes:
        typer.echo(f"Of each subject: b12 compare {found.before.id} {found.after.id} --subjects")


def _row(row: Mapping[str, object]) -> str:
    told = {name: f"{value.normalize():f}" if isinstance(value, Decimal) else value for name, value in row.items()}
    return ", ".join(f"{name} {value}" for name, value in told.items()) or "nothing"
