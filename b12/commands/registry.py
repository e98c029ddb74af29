"""`b12 build`, `b12 release` and `b12 sql`: making a release, what has been released, and questions to it.

What a release is, and how a query is run, belongs to the registry.
"""

from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from contracts.errors import EnvironmentProblem, UsageError

if TYPE_CHECKING:
    from lake.home import Home
    from registry.manifest import Manifest
    from registry.queries import Answer


class Format(StrEnum):
    """How an answer is printed."""

    table = "table"
    csv = "csv"
    json = "json"


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    releases = typer.Typer(help="The releases of this home.", no_args_is_help=True)
    releases.command("list")(list_)
    releases.command()(show)
    releases.command()(freeze)
    releases.command()(revoke)
    app.add_typer(releases, name="release")
    app.command()(build)
    app.command()(sql)


def build(
    cut_off: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="The day that every answer is as of. Default: today in UTC."),
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Make it current even if its cut-off is before the current release's.")
    ] = False,
    definitions: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Files that stand in for those of contracts/definitions: builds what the current release read once"
            " more, beside it.",
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="What the release by other definitions is called. Default: the directory's name.")
    ] = None,
) -> int:
    """Build, check and publish here and now: the job that Dagster runs, kept in its history."""
    if definitions is not None:
        return _build_beside(definitions, name, is_cut_off_given=cut_off is not None)
    if name is not None:
        raise UsageError("--name: a release is numbered; only one by other definitions (--definitions DIR) has a name")
    from rich.console import Console

    from lake.home import Home
    from pipelines.build import run_in_process

    home = Home.from_env()
    if cut_off and not yes:
        _require_not_earlier(home, cut_off.date())
    with Console(stderr=True).status("building (about half a minute; the runs page of Dagster shows each table)"):
        finished = run_in_process(home, cut_off.date() if cut_off else None)
    for problem in finished.problems:
        typer.echo(f"b12: {problem}", err=True)
    if finished.release is not None:
        typer.echo(f"{finished.release} {'published' if finished.is_new else 'stays: nothing has changed'}.")
    for site, checks in finished.held.items():
        words = "is" if checks.startswith("left out: ") else "is held at its last good offsets:"
        typer.echo(f"{site} {words} {checks}")
    if finished.waiting:
        typer.echo(f"{finished.waiting:,} deliveries wait behind that.")
    return finished.exit_code


def _build_beside(directory: Path, name: str | None, *, is_cut_off_given: bool) -> int:
    from rich.console import Console

    from lake.home import Home
    from registry import alternatives

    if is_cut_off_given:
        raise UsageError("--cut-off: a release by other definitions has that of the current release")
    with Console(stderr=True).status("building by other definitions"):
        made = alternatives.make(Home.from_env(), directory, name)
    typer.echo(f"{made.manifest.id} {'made' if made.is_new else 'was there already'}, beside {made.manifest.beside}.")
    typer.echo(f"{len(made.moved)} tables differ from it: {', '.join(made.moved) or 'none'}")
    typer.echo(f"Who is of another class: b12 compare {made.manifest.beside} {made.manifest.id}")
    return 0


def list_() -> None:
    """Every release, oldest first; the current one is marked."""
    from rich.console import Console
    from rich.table import Table

    from lake.home import Home
    from registry import held, release
    from registry.errors import NoRelease

    home = Home.from_env()
    known = release.history(home)
    if not known:
        raise NoRelease(
            f"{home.path}: nothing has been released yet; `b12 build` makes a release of what the lake holds"
        )
    now = release.current(home).id
    table = Table(box=None, pad_edge=False)
    for column in ("", "release", "published", "cut-off", "lake", "subjects", "waiting"):
        is_number = column in ("lake", "subjects", "waiting")
        table.add_column(column, justify="right" if is_number else "left", no_wrap=column == "release")
    for each in known:
        table.add_row(
            "*" if each.id == now else "",
            _called(each),
            f"{each.published:%Y-%m-%d %H:%M}",
            each.cut_off.isoformat(),
            str(each.lake_version),
            f"{_rows(each, 'core.subjects'):,}",
            f"{sum(site.waiting for site in each.sites.values()):,}",
        )
    Console(highlight=False).print(table)
    for site, state in held.read(home).items():
        Console(highlight=False, soft_wrap=True).print(f"  {site}: {state}", markup=False)


def show(
    name: Annotated[str | None, typer.Argument(metavar="[RELEASE]", help="Default: the current one.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The manifest as it stands.")] = False,
) -> None:
    """What a release was made of, and what it holds."""
    from rich.console import Console

    from lake.home import Home
    from registry import held, manifest, release

    home = Home.from_env()
    found = release.current(home) if name is None else release.one(home, name)
    if as_json:
        typer.echo(manifest.encoded(found).decode(), nl=False)
        return
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"[bold]{found.id}[/]  as of {found.cut_off}, published {found.published:%Y-%m-%d %H:%M} UTC")
    if found.revoked:
        console.print(f"  file         removed {found.revoked:%Y-%m-%d %H:%M} UTC: it held families who withdrew")
    else:
        console.print(f"  file         {release.release_file(home, found.id)}")
    if found.frozen:
        console.print(f"  frozen as    {found.frozen}")
    console.print(f"  content      {found.content}")
    console.print(f"  lake         version {found.lake_version}")
    console.print(f"  contract     {found.contract}, rules {found.rules}, definitions {found.definitions}")
    console.print(f"  made with    {', '.join(f'{name} {version}' for name, version in found.packages.items())}")
    # A build that publishes nothing new leaves the manifest as it was: the last build knows more of the current one.
    if found == release.current(home):
        stopped = held.read(home)
    else:
        stopped = {
            site: held.HeldSite(state.waiting, state.held_because)
            for site, state in found.sites.items()
            if state.held_because
        }
    for site in sorted(found.sites.keys() | stopped):
        bounds = found.sites[site].bounds if site in found.sites else ()
        beyond = f", {stopped[site]}" if site in stopped else ""
        console.print(f"  {site:<12} {sum(bound.received for bound in bounds):,} deliveries{beyond}")
    for table, content in found.tables.items():
        if not table.startswith("definitions."):
            console.print(f"  {table:<32} {content.rows:>12,} rows")


def freeze(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Like trial-2027: how a paper names it.")],
    which: Annotated[
        str | None, typer.Option("--release", metavar="RELEASE", help="Which one. Default: the current one.")
    ] = None,
) -> None:
    """Keep a release for ever, under a name by which every command finds it.

    Nothing but `b12 release revoke` removes its file, when a family withdraws that it holds.
    """
    from lake.home import Home
    from registry import freezing

    frozen = freezing.freeze(Home.from_env(), name, which)
    typer.echo(f"{frozen.id} is kept as {name}.")


def revoke(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count, and change nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove the files of older releases that hold families who have withdrawn; their manifests stay.

    It is for good. The lake, Kafka's topics and backups keep what they hold.
    """
    from lake.home import Home
    from registry import revocation

    home = Home.from_env()
    found = revocation.holding(home)
    for each in found:
        typer.echo(f"{each.release}: {each.families:,} who have withdrawn")
    if not found:
        typer.echo("No older release holds a family who has withdrawn.")
    if dry_run or not found:
        return
    if not yes:
        typer.confirm(f"Remove {len(found)} files for good?", abort=True)
    typer.echo(f"{len(revocation.revoke(home))} releases revoked.")


def sql(
    query: Annotated[str, typer.Argument(metavar="QUERY", help='Like "SELECT count(*) FROM core.subjects".')],
    output: Annotated[Format, typer.Option("--format", help="How to print the answer.")] = Format.table,
    name: Annotated[str | None, typer.Option("--release", metavar="RELEASE", help="Default: the current one.")] = None,
) -> None:
    """Ask the current release a question in DuckDB's SQL. Nothing can be changed by it."""
    from lake.home import Home
    from registry import queries

    with queries.ask(Home.from_env(), query, name) as answer:
        {Format.table: _as_table, Format.csv: _as_csv, Format.json: _as_json}[output](answer)


def _require_not_earlier(home: "Home", cut_off: date) -> None:
    from registry import release

    try:
        now = release.current(home)
    except EnvironmentProblem:
        return  # there is none, or this build mends it
    if cut_off < now.cut_off:
        raise UsageError(
            f"--cut-off {cut_off} is before that of the current release ({now.id}, {now.cut_off}), and the new release"
            " would become the current one for every reader: say --yes if it is to"
        )


def _as_table(answer: "Answer") -> None:
    import sys

    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in answer.columns:
        table.add_column(column, overflow="fold")
    for row in answer:
        table.add_row(*("" if value is None else str(value) for value in row))
    # Into a pipe nothing is folded: the next program counts lines.
    Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else 10_000).print(table)


def _as_csv(answer: "Answer") -> None:
    import csv
    import sys

    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(answer.columns)
    writer.writerows(answer)


def _as_json(answer: "Answer") -> None:
    import msgspec

    encode = msgspec.json.Encoder(decimal_format="number").encode
    typer.echo("[", nl=False)
    for place, row in enumerate(answer):
        typer.echo(
            ("," if place else "") + "\n" + encode(dict(zip(answer.columns, row, strict=True))).decode(), nl=False
        )
    typer.echo("\n]")


def _called(each: "Manifest") -> str:
    marks = [*(["revoked"] if each.revoked else []), *([f"frozen as {each.frozen}"] if each.frozen else [])]
    return f"{each.id} ({', '.join(marks)})" if marks else each.id


def _rows(manifest: "Manifest", table: str) -> int:
    return manifest.tables[table].rows if table in manifest.tables else 0
