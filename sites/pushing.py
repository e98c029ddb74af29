"""A push: a checked file compared with the ledger, and what is new or changed sent.

How a file is checked belongs to `sites.checking` and `sites.event_files`, how statements travel to `sites.sending`.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import datetime
from itertools import chain, islice
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import Any, NamedTuple

import msgspec

from contracts.errors import B12Error
from contracts.site import Site
from sites.checking import AT_ONCE, Report, check_table
from sites.event_files import check_events
from sites.ledger import Acknowledged, Ledger, Vanished
from sites.mapping import Mapping
from sites.sending import Sender
from sites.statement import Statement, stated

_TELL_SECONDS = 1.0
"""Acknowledgements of so long are written to the ledger together: it is all that the next push repeats after a kill."""
_IN_MEMORY = 32 * 1024 * 1024


class Plan:
    """What a push would send. Close it: it may keep the statements in an unnamed temporary file."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.new = 0
        self.changed = 0
        self.unchanged = 0
        self.vanished: list[Vanished] = []
        self._spool: Any = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115  # closed by close()

    def keep(self, statement: Statement) -> None:
        """Add a statement that is to be sent."""
        self._spool.write(msgspec.json.encode(statement[:-1]) + b"\n" + statement.raw + b"\n")

    @property
    def known(self) -> int:
        """How many records of the mapping's events the platform has, from whatever file."""
        return self.changed + self.unchanged + len(self.vanished)

    @property
    def total(self) -> int:
        """How many statements are to be sent, retractions apart."""
        return sum(1 for _ in self.statements()) if self.report.repeated else self.new + self.changed

    def statements(self) -> Iterator[Statement]:
        """What is to be sent, in the file's order, without records that several rows claim."""
        self._spool.seek(0)
        for about, raw in zip(self._spool, self._spool, strict=True):
            statement = Statement._make([*msgspec.json.decode(about), raw[:-1]])
            if not (statement.output and statement.record in self.report.repeated):
                yield statement

    def close(self) -> None:
        self._spool.close()


class Stopped(B12Error):
    """Somebody stopped a push by Ctrl-C."""

    exit_code = 130


class Pushed(NamedTuple):
    """What a push sent."""

    sent: int
    retracted: int


def _silently(count: int) -> None:
    """Nobody watches."""


def plan(
    path: Path,
    mapping: Mapping | None,
    site: Site,
    ledger: Ledger | None,
    now: datetime,
    progress: Callable[[int], None] = _silently,
) -> Plan:
    """Check a file and compare it with the ledger; None stands for an empty one.

    `now` is when the statements are made; `progress` is told of each good event.
    """
    made = Plan(Report(path))
    confirmed = ledger.confirmed() if ledger is not None else frozenset()
    if mapping is None:
        with ledger.unchanging() if ledger is not None else nullcontext():
            good = check_events(path, site, made.report, confirmed)
            while statements := list(islice(good, AT_ONCE)):
                progress(len(statements))
                known = [ledger is not None and ledger.is_acknowledged(each.id, each.time) for each in statements]
                new = [statement for statement, is_known in zip(statements, known, strict=True) if not is_known]
                made.new += len(new)
                made.unchanged += len(known) - len(new)
                for statement in new:
                    made.keep(statement)
        return made
    before = ledger.current_ids() if ledger is not None else {}
    there = set()
    for statement in check_table(path, mapping, site, now, made.report, confirmed):
        progress(1)
        key = statement.kind, statement.record
        there.add(key)
        if before.get(key) == statement.id:
            made.unchanged += 1
        else:
            made.changed += key in before
            made.new += key not in before
            made.keep(statement)
    if ledger is not None:
        made.vanished = ledger.vanished((output.name for output in mapping.event), there)
    return made


def send(
    made: Plan,
    site: Site,
    ledger: Ledger,
    sender: Sender,
    now: datetime,
    *,
    retract: bool = False,
    progress: Callable[[int], None] = _silently,
) -> Pushed:
    """Send a plan, and with `retract` take back what vanished.

    Whatever happens on the way, the ledger holds what was acknowledged until then; Stopped for a Ctrl-C. `now` is the
    moment that the plan was made with; `progress` is told of each acknowledgement.
    """
    retractions = {}
    if retract:
        retractions = {
            statement.id: (statement, gone) for gone in made.vanished if (statement := _retraction(gone, site, now))
        }
    counts = {"sent": 0, "retracted": 0}
    waiting: list[Acknowledged] = []
    told = time.monotonic()

    def acknowledged(statement: Statement, position: str) -> None:
        nonlocal told
        gone = retractions[statement.id][1] if statement.id in retractions else None
        counts["retracted" if gone else "sent"] += 1
        waiting.append(
            Acknowledged(
                statement.kind,
                statement.record,
                statement.output,
                statement.subject,
                statement.id,
                statement.time,
                position,
                (gone.kind, gone.record) if gone else None,
            )
        )
        if time.monotonic() - told >= _TELL_SECONDS:
            ledger.acknowledge(waiting)
            waiting.clear()
            told = time.monotonic()
        progress(1)

    try:
        sender.send(chain(made.statements(), (statement for statement, _ in retractions.values())), acknowledged)
    except KeyboardInterrupt:
        raise Stopped(f"stopped; {sum(counts.values()):,} acknowledged; push again to go on") from None
    finally:
        ledger.acknowledge(waiting)
    return Pushed(**counts)


def _retraction(gone: Vanished, site: Site, now: datetime) -> Statement:
    data = {"target_kind": gone.kind, "target_record": gone.record, "reason": "source_deleted"}
    return stated("retraction", gone.subject, data, site, now)
