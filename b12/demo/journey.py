"""The demonstration: from an empty home to a validated release, with what a lab, an operator and an analyst see.

What the cohort holds is in `cohort`; each step does what a command does.
"""

import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from b12.demo import cohort, sending
from b12.demo.files import Files, Push, write_files
from b12.demo.partners import PARTNERS, Partner
from b12.local import dagster_home
from contracts.errors import EnvironmentProblem
from lake.home import Home

BUILD_SECONDS = 120
"""How long a release may take before the demonstration gives up."""


class Journey:
    """One run of the demonstration in one home."""

    def __init__(self, home: Home, console: Console) -> None:
        self.home = home
        self.console = console
        self.cohort = cohort.make()

    def run(self) -> None:
        """Every step, each shown with its seconds."""
        from b12.local import stack

        begun = time.monotonic()
        self.console.print(
            f"[bold]b12 demo[/]  {self.cohort.dyads} synthetic dyads at {len(PARTNERS)} sites, in {self.home.path}"
        )
        os.environ.setdefault("B12_CUT_OFF", cohort.CUT_OFF.isoformat())
        os.environ.setdefault("B12_BUILD_QUIET_SECONDS", "2")  # nobody types here: what has stopped, has stopped
        # Before the start, so that Dagster need not look again: `b12 up` makes what Kafka lacks of known sites.
        with self._step("add the sites " + ", ".join(PARTNERS)):
            for partner in PARTNERS.values():
                self._add(partner)
        with self._step("start Kafka, the worker and Dagster") as say:
            stack.up(self.home, say)
        with self._step("write what each site has: CSV, a workbook, events"):
            files = write_files(self.cohort, self.home.path / "labs")
        pushed = time.monotonic()
        self._send(files)
        with self._step("build, audit, publish") as say:
            self._wait_for_release(say)
        released = time.monotonic()
        with self._step("tell the sites"):
            self._wait_for_the_runs_end()
        self._tell(released - pushed, time.monotonic() - begun)

    def _add(self, partner: Partner) -> None:
        from b12 import registration

        registration.enter(self.home, sending.site_of(partner))

    # Sending

    def _send(self, files: Files) -> None:
        # A file as it was before its correction is never sent after it: that would take the correction back.
        marker, topics = self.home.path / "labs" / "first.sent", self._topics()
        everywhere = " ".join(topics.values())
        if marker.exists() and not sending.is_sent(marker, everywhere):
            self.console.print("       [yellow]the broker was made anew[/]: the sites send everything again")
        self._push("push the sites' files", () if sending.is_sent(marker, everywhere) else files.first)
        marker.write_text(everywhere)
        with self._step("let the laboratory system of SYN03 send by itself, faults and all") as say:
            sent = sending.feed(files.interface, self.home.lab_config("SYN03"), "SYN03", topics["SYN03"])
            say(f"{sent:,} sent")
        self._push("push the corrected files", files.corrected)

    def _topics(self) -> dict[str, str]:
        """Each site's topic as Kafka knows it: made again, it has another id."""
        from b12 import admin

        names = {site: self.home.site(site).events_topic for site in PARTNERS}
        with admin.connect(self.home.internal_kafka()) as client:
            found = admin.topic_ids(client, names.values())
        return {site: str(found[name]) for site, name in names.items()}

    def _push(self, title: str, pushes: Sequence[Push]) -> None:
        by_site: dict[str, list[Push]] = {}
        for push in pushes:
            by_site.setdefault(push.site, []).append(push)
        sent, found = 0, []
        # Sites know nothing of each other, so they push at the same time; each its files in order.
        with self._step(title) as say, ThreadPoolExecutor(len(PARTNERS)) as at_once:
            say("0 sent")
            for all_of_site in at_once.map(self._pushed, by_site.values()):
                for push, done in all_of_site:
                    sent += done.sent
                    found += [(push, problem) for problem in done.found]
                say(f"{sent:,} sent")
        for push, problem in found:
            where = f"{push.path.name} row {problem.row}, {problem.column}"
            done_with = "kept" if problem.severity == "critical" else "asked"
            self.console.print(f"       [yellow]{done_with} at {push.site}[/]: {where}: {problem.fix}")

    def _pushed(self, pushes: Sequence[Push]) -> list[tuple[Push, sending.Pushed]]:
        return [(push, sending.push(push, self.home.lab_config(push.site))) for push in pushes]

    # Waiting

    def _wait_for_release(self, say: Callable[[str], None]) -> None:
        from registry import release
        from registry.errors import NoRelease

        expected = Counter(delivery.statement.site for delivery in self.cohort.deliveries)
        topics = self._topics()
        end = time.monotonic() + BUILD_SECONDS
        while time.monotonic() < end:
            try:
                manifest = release.current(self.home)
            except NoRelease:
                say("waiting for the first build")
            else:
                read = {
                    site: sum(bound.received for bound in state.bounds if bound.topic_uuid == topics.get(site))
                    for site, state in manifest.sites.items()
                }
                if all(read.get(site, 0) >= count for site, count in expected.items()):
                    say(manifest.id)
                    return
                say(f"{manifest.id} holds {sum(read.values()):,} of {expected.total():,}")
            time.sleep(0.3)
        raise EnvironmentProblem(
            f"{self.home.path}: no release with all that was sent came within {BUILD_SECONDS} s; the runs page of"
            f" Dagster and {self.home.logs} say why, and `b12 build` builds here and now"
        )

    def _wait_for_the_runs_end(self) -> None:
        """After the release its run writes its history and sends the verdicts to the sites."""
        end = time.monotonic() + BUILD_SECONDS
        while dagster_home.count_unfinished(self.home) and time.monotonic() < end:
            time.sleep(0.3)

    # Telling

    def _tell(self, since_push: float, whole: float) -> None:
        from b12.demo import telling
        from b12.local.ports import Ports

        telling.receipts(self.home, self.console)
        telling.attrition(self.home, self.console)
        telling.one_case(self.home, self.console)
        b12 = f"{_command()} --home {_as_typed(self.home.path)}"
        self.console.print()
        self.console.print(f"[bold]from push to release[/] {since_push:.0f} s, [bold]altogether[/] {whole:.0f} s")
        self.console.print(f'[bold]ask it yourself[/]  {b12} sql "{telling.NEXT_QUERY}"')
        address = f"http://127.0.0.1:{Ports.from_env().dagster}"
        self.console.print(f"[bold]look at it[/]       {address}  (the assets, their checks, every run)")
        self.console.print(f"[bold]stop it[/]          {b12} down")

    @contextmanager
    def _step(self, title: str) -> Iterator[Callable[[str], None]]:
        """Shows a step while it runs, and its seconds when it has ended; hears what is being done."""
        begun, last = time.monotonic(), ""

        def say(words: str) -> None:
            nonlocal last
            last = words
            line.update(f"{title}: {words}")

        with self.console.status(title) as line:
            yield say
        result = f"  {last}" if last[:1].isdigit() or last.startswith("r0") else ""
        self.console.print(f"  [green]done[/] {time.monotonic() - begun:5.1f} s  {title}{result}")


def _command() -> str:
    """How this program was called, so that the next command can be copied."""
    program = Path(sys.argv[0])
    return _as_typed(program.absolute()) if program.name == "b12" else "b12"


def _as_typed(path: Path) -> str:
    """The path as one would type it from here."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
