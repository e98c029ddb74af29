"""What a partner lab runs to send: `b12 map init`, `check`, `push` and `ping`.

What it is told and asked is in `b12.commands.answers`. Everything here works with the base install alone, on Windows
too; the work is done in `sites`.
"""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from contracts.errors import B12Error, UsageError

if TYPE_CHECKING:
    from contracts.site import Site
    from sites.config import LabConfig
    from sites.mapping import Mapping
    from sites.pushing import Plan
    from sites.statement import Confirmed

File = Annotated[Path, typer.Argument(metavar="FILE", help="CSV, .xlsx, or .ndjson with one CloudEvent in a line.")]
Map = Annotated[Path | None, typer.Option("--map", help="The mapping (TOML) that says which column is what.")]
SiteName = Annotated[str, typer.Option("--as", metavar="SITE", help="Your site's name, like BLR01.")]
Config = Annotated[
    Path | None, typer.Option("--config", help="Your site's settings file, where it is not found by itself.")
]
All = Annotated[bool, typer.Option("--all", help="Every row, and notes too.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    mapping = typer.Typer(help="Mappings from a table's columns to events.", no_args_is_help=True)
    mapping.command("init")(map_init)
    app.add_typer(mapping, name="map")
    app.command("check")(check)
    app.command("push")(push)
    app.command("ping")(ping)


def map_init(
    file: File,
    out: Annotated[Path | None, typer.Option(help="Write the draft there, not to the terminal.")] = None,
    sheet: Annotated[str | None, typer.Option(help="The sheet of a workbook that has several.")] = None,
) -> None:
    """Draft a mapping from a table's header; a ? stands where only you can know."""
    from sites.drafting import draft

    text = draft(file, sheet)
    if out is None:
        print(text, end="")
    elif out.exists():
        raise UsageError(f"{out} is there already; name another file")
    else:
        out.write_text(text, encoding="utf-8", newline="\n")
        print(f"{out}: decide every ? in it, then: b12 check {file.name} --map {out}")


def check(
    file: File,
    map_: Map = None,
    site: Annotated[str | None, typer.Option("--as", metavar="SITE", help="Check as this site.")] = None,
    config: Config = None,
    everything: All = False,
) -> int:
    """Check a file against the contract and the row rules, offline; sends nothing."""
    from sites import checking, event_files, showing

    mapping = mapping_of(file, map_)
    known, confirmed = _known_here(site, config) if site else (None, frozenset())
    report = checking.Report(file)
    if mapping is None:
        statements = event_files.check_events(file, known, report, confirmed)
    else:
        zone = mapping.file.time_zone
        known = known or checking.unregistered_site("LAB", zone or "UTC")
        statements = checking.check_table(file, mapping, known, datetime.now(UTC), report, confirmed)
    with showing.progress(f"checking {file.name}") as advance:
        for _ in statements:
            advance(1)
    showing.show(report, everything=everything)
    return report.exit_code


def push(
    file: File,
    site: SiteName,
    map_: Map = None,
    config: Config = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be sent, and send nothing.")] = False,
    only_good: Annotated[bool, typer.Option("--only-good", help="Send the good events of a file with errors.")] = False,
    complete: Annotated[
        bool, typer.Option("--complete", help="The file is everything: take back the records that are gone from it.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="Take back without asking, for scripts; not most of them.")
    ] = False,
    take_back: Annotated[
        int | None, typer.Option(help="Take back exactly so many without asking; else nothing.", min=1)
    ] = None,
    everything: All = False,
) -> int:
    """Check a file and send what is new or changed in it since the last push."""
    from sites import config as configs
    from sites import ledger as ledgers
    from sites import pushing, showing
    from sites.sending import KafkaSender

    mapping = mapping_of(file, map_)
    if complete and only_good:
        raise UsageError("--complete and --only-good: a row left out for an error would be taken back; mend it first")
    if take_back is not None and not complete:
        raise UsageError("--take-back says how many records a --complete file takes back; say both")
    if complete and mapping is None:
        raise UsageError("--complete is for tables; a file of events says by retractions what is taken back")
    path = configs.find(site, config)
    settings = configs.load(path, site)
    ledger_path = ledgers.path_of(configs.state_directory(path), site)
    if complete and not ledger_path.exists():
        raise UsageError(
            f"--complete: no push of {site} is remembered here ({ledger_path}), so nothing can have vanished"
        )
    with ledgers.opened(ledger_path, settings.key) as ledger, ledgers.one_push_at_a_time(ledger_path):
        now = ledger.next_time(datetime.now(UTC))
        with showing.progress(f"checking {file.name}") as advance:
            plan = pushing.plan(file, mapping, settings.as_site, ledger, now, advance)
        try:
            showing.show(plan.report, everything=everything)
            if plan.report.exit_code and not only_good:
                print("Nothing was sent: mend the errors, or send the rest with --only-good.", file=sys.stderr)
                return plan.report.exit_code
            if complete and ledger.is_empty:
                raise UsageError(f"--complete: no push of {site} is remembered here, so nothing can have vanished")
            if complete and not plan.report.rows:
                raise B12Error(
                    f"{file.name} has no rows, and --complete would take back everything: look at how it was exported"
                )
            gone = len(plan.vanished) if complete else 0
            print(_intention(plan.new, plan.changed, plan.unchanged, gone))
            if dry_run:
                print("Nothing was sent (--dry-run).")
                return 0
            if complete and mapping is not None:
                _agree(plan, mapping, file, yes=yes, take_back=take_back)
            sender = KafkaSender(settings)
            if ledger.begin(now, sender.topic_id):
                plan.close()
                print("The platform's topic was made anew since the last push: everything is sent again.")
                plan = pushing.plan(file, mapping, settings.as_site, ledger, now)
            if not plan.total and not gone:
                return 0
            with showing.progress(f"sending as {site}", plan.total + gone) as advance:
                done = pushing.send(plan, settings.as_site, ledger, sender, now, retract=complete, progress=advance)
        finally:
            plan.close()
    taken_back = f", {done.retracted:,} taken back" if done.retracted else ""
    print(f"{done.sent:,} sent{taken_back}. `b12 receipts --as {site}` shows what became of them.")
    return plan.report.exit_code


def ping(site: SiteName, config: Config = None) -> None:
    """Try the way to the platform: network, certificate, login, topic."""
    from sites import connection

    settings = _config(site, config)
    reached = connection.reach(settings, lambda step: print(f"  {step}: good"))
    print(f"{site} reaches {settings.events_topic} at {reached.server}.")


def mapping_of(file: Path, map_: Path | None) -> "Mapping | None":
    """The mapping of a table; None for a file of events. UsageError for a table without one."""
    from sites import mapping_file
    from sites.reading import EVENTS

    if map_ is not None:
        return mapping_file.load(map_)
    if file.suffix.lower() not in EVENTS:
        raise UsageError(f"{file.name} is a table: name its mapping with --map (`b12 map init {file}` drafts one)")
    return None


def _known_here(site: str, config: Path | None) -> "tuple[Site, frozenset[Confirmed]]":
    """What this machine knows of a site: its zone, and what it has confirmed."""
    from sites import config as configs
    from sites import ledger as ledgers

    path = configs.find(site, config)
    settings = configs.load(path, site)
    ledger_path = ledgers.path_of(configs.state_directory(path), site)
    if not ledger_path.exists():
        return settings.as_site, frozenset()
    with ledgers.opened(ledger_path, settings.key) as ledger:
        return settings.as_site, ledger.confirmed()


def _config(site: str, config: Path | None) -> "LabConfig":
    from sites import config as configs

    return configs.load(configs.find(site, config), site)


def _intention(new: int, changed: int, unchanged: int, gone: int) -> str:
    back = f", {gone:,} to take back" if gone else ""
    return f"{new:,} new, {changed:,} changed, {unchanged:,} as they were{back}."


def _agree(plan: "Plan", mapping: "Mapping", file: Path, *, yes: bool, take_back: int | None) -> None:
    """Return when what vanished may be taken back."""
    gone = len(plan.vanished)
    if take_back is not None and take_back != gone:
        raise B12Error(f"--take-back {take_back}: {gone:,} records are no longer in {file.name}; nothing was sent")
    if not gone or take_back:
        return
    events = ", ".join(f"{output.name} ({output.kind})" for output in mapping.event)
    said = f"{gone:,} of the {plan.known:,} records sent as {events}, from this or any file, are not in {file.name}"
    if 2 * gone > plan.known and (yes or not sys.stdin.isatty()):
        raise B12Error(
            f"{said}: is it cut off? Nothing was sent; if they are gone for good, say --take-back {gone} for --yes"
        )
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(f"{said}: say --yes to take them back without being asked")
    typer.confirm(f"{said}. Take them back?", abort=True)
