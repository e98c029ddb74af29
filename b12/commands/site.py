"""`b12 site ...`: the partner sites of this installation."""

import sys
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from contracts.errors import UsageError

if TYPE_CHECKING:
    from contracts.site import Site
    from lake.home import Home

SiteName = Annotated[str, typer.Argument(metavar="SITE", help="The site's name, like BLR01.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    site = typer.Typer(help="The partner sites: add, edit, list, rotate, disable, accept-gap.", no_args_is_help=True)
    site.command("add")(add)
    site.command("edit")(edit)
    site.command("list")(list_)
    site.command("rotate")(rotate)
    site.command("disable")(disable)
    site.command("accept-gap")(accept_gap)
    app.add_typer(site, name="site")


def add(
    site: SiteName,
    name: Annotated[str, typer.Option(help="What people call it.")],
    country: Annotated[str, typer.Option(help="Two letters, ISO 3166-1, like IN.")],
    time_zone: Annotated[str, typer.Option(help="IANA name, like Asia/Kolkata: where its dates are local.")],
    elevation_m: Annotated[int, typer.Option(help="Metres above sea level; it shifts haemoglobin's limits.")] = 0,
    consent: Annotated[
        Literal["attested", "per_subject"],
        typer.Option(help="attested: in unless withdrawn. per_subject: held until given."),
    ] = "attested",
    synthetic: Annotated[
        bool, typer.Option("--synthetic", help="Made-up data; the first site decides for the whole home.")
    ] = False,
    lab_code: Annotated[
        list[str] | None, typer.Option(help="A test code or name of the lab's own to keep; may be repeated.")
    ] = None,
) -> None:
    """Make a site's topics, user and rights, and the file that its lab needs. Safe to repeat."""
    from b12 import registration
    from contracts.site import Site
    from lake.home import Home

    home = Home.from_env()
    before = home.sites()
    made = Site(
        id=site,
        name=name,
        country=country,
        time_zone=time_zone,
        elevation_m=elevation_m,
        consent_basis=consent,
        synthetic=synthetic,
        lab_codes=tuple(lab_code or ()),
    )
    config = registration.register(home, made)
    print(f"{site} exists already; it has its topics, rights and file." if site in before else f"{site} is ready.")
    print(f"  for the lab, by a safe way (it holds a password):  {config}")
    _tell_dagster(home, before)


def edit(
    site: SiteName,
    name: Annotated[str | None, typer.Option(help="What people call it.")] = None,
    country: Annotated[str | None, typer.Option(help="Two letters, ISO 3166-1, like IN.")] = None,
    time_zone: Annotated[str | None, typer.Option(help="IANA name; only before the site has sent anything.")] = None,
    elevation_m: Annotated[int | None, typer.Option(help="Metres above sea level.")] = None,
    consent: Annotated[Literal["attested", "per_subject"] | None, typer.Option(help="As for `b12 site add`.")] = None,
    lab_code: Annotated[
        list[str] | None, typer.Option(help="All its codes to keep, anew; may be repeated; an empty text for none.")
    ] = None,
) -> None:
    """Change what is registered of a site. Its name in topics never changes, its time zone not once it has sent data.

    A new elevation or consent basis counts for everything it ever sent, from the next build on; new lab codes are kept
    from now on.
    """
    from b12 import registration
    from lake.home import Home

    wanted: dict[str, object] = {
        "name": name,
        "country": country,
        "time_zone": time_zone,
        "elevation_m": elevation_m,
        "consent_basis": consent,
        "lab_codes": None if lab_code is None else tuple(code for code in lab_code if code),
    }
    wanted = {field: value for field, value in wanted.items() if value is not None}
    if not wanted:
        raise UsageError("say what to change, like: b12 site edit BLR01 --elevation-m 920")
    home = Home.from_env()
    sites = home.sites()
    changed = registration.edit(home, site, wanted)
    if not changed:
        print(f"{site} is so already.")
    for field, (before, after) in changed.items():
        print(f"{site}: {field.replace('_', ' ')}: {_shown(before)} -> {_shown(after)}")
    if "time_zone" in changed:
        print(f"  for the lab, by a safe way, its new file:  {home.lab_config(site)}")
    _tell_dagster(home, sites)


def list_() -> None:
    """The sites and what is known of each."""
    from rich.console import Console
    from rich.table import Table

    from lake.home import Home

    home = Home.from_env()
    sites = home.sites()
    if not sites:
        print(
            f"No site yet in {home.path}. Add one: b12 site add BLR01 --name ... --country IN --time-zone Asia/Kolkata"
        )
        return
    table = Table(
        "site", "name", "country", "time zone", "elevation", "consent", "state", box=None, header_style="bold"
    )
    for site in sites.values():
        state = "disabled" if site.disabled else "synthetic" if site.synthetic else "active"
        table.add_row(
            *(site.id, site.name, site.country, site.time_zone, f"{site.elevation_m} m", site.consent_basis, state)
        )
    # Into a pipe nothing is folded: the next program counts lines.
    Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else 10_000).print(table)


def rotate(site: SiteName) -> None:
    """Give a site another password and write its file anew. Its key never changes; a disabled site is let in again."""
    from b12 import registration
    from lake.home import Home

    home = Home.from_env()
    before = home.sites()
    config = registration.rotate(home, site)
    print(f"{site} has another password; the old one is void for new connections.")
    print(f"  for the lab, by a safe way:  {config}")
    _tell_dagster(home, before)


def disable(site: SiteName) -> None:
    """Revoke a site's rights and password. What it sent stays; `rotate` lets it in again."""
    from b12 import registration
    from lake.home import Home

    home = Home.from_env()
    before = home.sites()
    registration.disable(home, site)
    print(f"{site} is shut out; its data stays. `b12 site rotate {site}` lets it in again.")
    _tell_dagster(home, before)


def _tell_dagster(home: "Home", before: "dict[str, Site]") -> None:
    """Dagster has an asset for each site, so it reads them again when one has changed."""
    from b12.local import dagster_web

    if home.sites() != before and dagster_web.reload(home) is False:
        print("  Dagster could not read the sites again and shows them as before: `b12 status` says how it is.")


def _shown(value: object) -> str:
    return (", ".join(value) or "none") if isinstance(value, tuple) else str(value)


def accept_gap(site: SiteName) -> None:
    """Let the workers go on past deliveries that Kafka deleted before they were read. The lost range is recorded."""
    from lake import gaps
    from lake.home import Home

    home = Home.from_env()
    accepted = gaps.accept(home, home.site(site).events_topic)
    if not accepted:
        print(f"{site} has no open gap.")
    for gap in accepted:
        lost = gap.to_offset - gap.from_offset
        print(
            f"{site}: accepted the loss of up to {lost} deliveries, partition {gap.partition},"
            f" offsets {gap.from_offset} to {gap.to_offset - 1}; the workers go on within a minute."
            " Ask the lab to send what it sent then once more."
        )
