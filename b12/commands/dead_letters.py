"""`b12 dead-letters ...`: what the door refused, and having it judged again once a rule or the platform was mended.

What a dead letter is stands in lake/dead_letters.py, how one is replayed in streams/replays.py.
"""

import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer

from b12.commands.site import SiteName
from contracts.errors import UsageError

if TYPE_CHECKING:
    from lake.dead_letters import Group, Letter
    from streams.replays import Replayed

RuleOption = Annotated[str | None, typer.Option("--rule", help="Only what this rule of the door refused.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    letters = typer.Typer(help="What the door refused: list, show, replay, accept-gap.", no_args_is_help=True)
    letters.command("list")(list_)
    letters.command("show")(show)
    letters.command("replay")(replay)
    letters.command("accept-gap")(accept_gap)
    app.add_typer(letters, name="dead-letters")


def list_() -> None:
    """How many deliveries are refused still, by site and rule, and what can be done about them."""
    from rich.console import Console
    from rich.table import Table

    from lake.dead_letters import STATES
    from lake.home import Home
    from streams import replays

    with replays.opened(Home.from_env()) as opened:
        groups = opened.letters.groups()
    if not groups:
        print("No dead letters: nothing is refused that no replay has brought in since.")
        return
    table = Table(box=None, header_style="bold")
    for name in ("site", "rule", "letters", *(state.replace("_", " ") for state in STATES), "oldest", "newest"):
        table.add_column(name, justify="left" if name in ("site", "rule") else "right")
    for group in groups:
        counts = (f"{group.states[state]:,}" for state in STATES)
        ages = (_age(moment) for moment in (group.first_ms, group.last_ms))
        table.add_row(group.site, group.rule, f"{group.letters:,}", *counts, *ages)
    Console(highlight=False, markup=False, width=_width()).print(table)
    _hint(groups)


def show(
    site: SiteName,
    rule: RuleOption = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
    raw: Annotated[
        bool, typer.Option("--raw", help="What was sent too, which holds data of infants: on a terminal alone.")
    ] = False,
) -> None:
    """The dead letters of a site one by one: where each stands, what refused it, and whether it can be replayed."""
    from rich.console import Console
    from rich.table import Table

    from lake.home import Home
    from streams import replays

    if raw and not sys.stdout.isatty():
        raise UsageError("--raw shows data of infants, so it writes to a terminal alone, to no file and no pipe")
    home = Home.from_env()
    replays.require_site(home, site)
    with replays.opened(home) as opened:
        letters = list(opened.letters.letters(site, rule, limit=limit))
        if not letters:
            print(_nothing(site, rule))
            return
        if raw:
            for letter, record in opened.records(letters):
                print(f"--- {' '.join(_row(letter))}")
                print("Kafka has deleted what was sent." if record is None else _printable(record.value))
            return
    table = Table("partition", "offset", "rule", "path", "kind", "bytes", "contract", "age", "state", box=None)
    for letter in letters:
        table.add_row(*_row(letter))
    Console(highlight=False, markup=False, width=_width()).print(table)


def replay(
    site: SiteName,
    rule: RuleOption = None,
    every: Annotated[bool, typer.Option("--all", help="Whatever rule refused them.")] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Also those that a replay brought back under the contract of today.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Have dead letters of a site judged again, after the rule or the platform was mended. Safe to repeat."""
    from lake.home import Home
    from sites import showing
    from streams import replays

    if (rule is None) is not every:
        raise UsageError("say --rule RULE, or --all for every rule; `b12 dead-letters list` names them")
    home = Home.from_env()
    replays.require_site(home, site)
    with replays.opened(home) as opened:
        for group in opened.letters.groups():
            if group.site == site and rule in (None, group.rule):
                _say_what_stays(group, again=again)
        letters = opened.ready(site, rule, again=again)
        if not letters:
            print(f"Nothing to replay for {site}{f' and {rule}' if rule else ''}.")
            return
        what = showing.amount(len(letters), "delivery", "deliveries")
        if dry_run:
            print(f"{what} of {site} would be judged again.")
            return
        if not yes:
            _confirm(f"{what} of {site}")
        with showing.progress(f"replaying {site}", len(letters)) as advance:
            done = opened.replay(letters, advance)
    _say_what_came(done)


def accept_gap() -> None:
    """Let the workers go on past replays that Kafka deleted before they were read. The lost range is recorded."""
    from lake import gaps
    from lake.home import REPLAY_TOPIC, Home

    accepted = gaps.accept(Home.from_env(), REPLAY_TOPIC)
    if not accepted:
        print("The replays have no open gap.")
    for gap in accepted:
        print(
            f"Accepted the loss of up to {gap.to_offset - gap.from_offset} replays, partition {gap.partition}, offsets"
            f" {gap.from_offset} to {gap.to_offset - 1}; the workers go on within a minute. What they were to bring in"
            " is still among the dead letters."
        )


def _hint(groups: "list[Group]") -> None:
    if any(group.states["open"] for group in groups):
        print("Once what refused the open ones is mended: b12 dead-letters replay SITE --rule RULE")
    if any(group.states["expired"] for group in groups):
        print("Of expired ones Kafka has deleted what was sent: only their site can send them again.")


def _say_what_stays(group: "Group", *, again: bool) -> None:
    reasons = {
        "on_its_way": "on their way: a worker has not read the replay yet (`b12 status`)",
        "expired": "expired: Kafka has deleted what was sent, so the site has to send it again",
        "unreadable": "cannot be replayed: they name no delivery that they repeat",
    }
    if not again:
        reasons["judged_again"] = "refused again by the contract of today: --again replays them all the same"
    for state, words in reasons.items():
        if count := group.states[state]:
            print(f"{group.rule}: {count:,} {words}.")


def _say_what_came(done: "Replayed") -> None:
    print(f"{done.written:,} written to be judged again. `b12 dead-letters list` shows what is refused still.")
    if done.expired:
        print(f"{done.expired:,} expired meanwhile: Kafka has deleted what was sent, so the site has to send it again.")
    if done.too_large:
        print(f"{done.too_large:,} are larger than the broker takes: the site has to send them in a smaller form.")


def _confirm(what: str) -> None:
    if not sys.stdin.isatty():
        raise UsageError(f"{what} are to be judged again: say --yes to do it without being asked")
    typer.confirm(f"Have {what} judged again?", abort=True)


def _nothing(site: str, rule: str | None) -> str:
    return f"{site} has no dead letters{f' of the rule {rule}' if rule else ''}."


def _row(letter: "Letter") -> tuple[str, ...]:
    size = "" if letter.size_bytes is None else f"{letter.size_bytes:,}"
    place = (str(letter.origin.partition), str(letter.origin.offset))
    state = letter.state.replace("_", " ")
    return (*place, letter.rule, letter.path, letter.kind, size, letter.contract, _age(letter.received_ms), state)


def _age(received_ms: int) -> str:
    """How long ago it was received, in the largest unit of which there is one."""
    seconds = max(0.0, time.time() - received_ms / 1000)
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def _printable(value: bytes | None) -> str:
    """A record's value without what a terminal would obey: it was written by somebody else."""
    if value is None:
        return "(no value)"
    text = value.decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text)


def _width() -> int | None:
    """Into a pipe nothing is folded: the next program counts lines."""
    return None if sys.stdout.isatty() else 10_000
