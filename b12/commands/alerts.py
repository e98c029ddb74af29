"""What a partner lab is alerted to, and how it says that it has seen it: `b12 alerts` and `acknowledge`.

Everything here works with the base install alone, on Windows too; the work is done in `sites`.
"""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from b12.commands.lab import Config, SiteName
from contracts.errors import UsageError

if TYPE_CHECKING:
    from contracts.alerts import AlertDigestEvent
    from sites.alerts import Notice

_NO_SUBSTITUTE = "An alert does not replace the laboratory's own call of a critical value."

_NONE_LISTED = """\
  None of these is listed, so there is none to acknowledge. Look at what you pushed then: rows that you mend, and that
  still call for it, alert by themselves; if the rows are right, see to these infants from your own file."""


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("alerts")(alerts)
    app.command("acknowledge")(acknowledge)


def alerts(
    site: SiteName,
    config: Config = None,
    follow: Annotated[bool, typer.Option("--follow", help="Go on showing what comes, until interrupted.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Acknowledged ones too.")] = False,
) -> None:
    """Infants of yours who need a look soon, and why; no substitute for the laboratory's own critical-value call."""
    from sites import alerts as told
    from sites import config as configs
    from sites import ledger as ledgers
    from sites import listening, showing

    path = configs.find(site, config)
    settings = configs.load(path, site)
    with ledgers.opened(ledgers.path_of(configs.state_directory(path), site), settings.key) as ledger:
        heard = told.Alerts(ledger)
        for message in listening.read(settings, settings.alerts_topic, follow=follow):
            if message is None:
                count = showing.amount(sum(map(heard.is_open, heard.notices)), "alert", "alerts")
                print(f"{count} to acknowledge. {_NO_SUBSTITUTE}", flush=True)
                continue
            for new in heard.add(message):
                if not isinstance(new, told.Notice):
                    _show_digest(new)
                elif everything or heard.is_open(new) or not new.alert.subject_key:
                    _show(new, site, is_open=heard.is_open(new))


def _show(notice: "Notice", site: str, *, is_open: bool) -> None:
    alert = notice.alert
    what = " ".join(part for part in (alert.kind, notice.record) if part)
    infant = notice.subject or alert.subject_key
    whom = ("mother of infant" if alert.person == "mother" else "infant") + f" {infant}" if infant else f"site {site}"
    # No event has this id where the alert is about one that did not come.
    what = what if alert.id_key else f"no {alert.kind}" if infant else "nothing came"
    print(f"{alert.severity}: {whom}: {what}: {alert.rule}: {alert.advice}")
    when = f"received {alert.raised_at:%Y-%m-%d %H:%M} UTC" if alert.id_key else f"as of {alert.raised_at:%Y-%m-%d}"
    again = "; told before and not acknowledged" if alert.is_escalated else ""
    print(f"  {when}{again}{'; acknowledged' if infant and not is_open else ''}", flush=True)
    if is_open:
        print(f"  b12 acknowledge {notice.id} --as {site} --reason ...", flush=True)


def _show_digest(digest: "AlertDigestEvent") -> None:
    data = digest.data
    print(f"too many to list, received from {data.from_time:%Y-%m-%d %H:%M} to {data.to_time:%Y-%m-%d %H:%M} UTC:")
    for count in data.counts:
        print(f"  {count.severity}: {count.alerts:,} of {count.rule}: {count.advice}")
    print(_NONE_LISTED, flush=True)


def acknowledge(
    alert: Annotated[str, typer.Argument(metavar="ALERT", help="The alert's id, or its beginning.")],
    site: SiteName,
    reason: Annotated[
        Literal["treated", "retested", "referred", "known", "false_alarm"], typer.Option(help="What was done.")
    ],
    subject: Annotated[
        str | None, typer.Option(help="Your code of the infant, where this machine does not know it.")
    ] = None,
    config: Config = None,
) -> None:
    """Say that an alert was seen and is being dealt with."""
    from sites import alerts as told
    from sites import config as configs
    from sites import ledger as ledgers
    from sites import listening
    from sites.sending import KafkaSender

    path = configs.find(site, config)
    settings = configs.load(path, site)
    ledger_path = ledgers.path_of(configs.state_directory(path), site)
    with ledgers.opened(ledger_path, settings.key) as ledger, ledgers.one_push_at_a_time(ledger_path):
        heard = told.Alerts(ledger)
        for message in listening.read(settings, settings.alerts_topic, follow=False):
            list(heard.add(message or b""))
        notice = heard.named(alert)
        if not heard.is_open(notice):
            print("Acknowledged before; nothing to send.")
            return
        now = ledger.next_time(datetime.now(UTC))
        statement = told.acknowledgement(notice, subject, reason, settings.as_site, now)
        sender = KafkaSender(settings)
        if ledger.begin(now, sender.topic_id):
            raise UsageError("the platform's topic was made anew since the last push: push your files again first")
        told.send(statement, ledger, sender)
    print(f"Acknowledged: {notice.alert.rule} of infant {statement.subject}: {reason}.")
