"""One site's flood, waiting before the workers start, while another site sends a few events: is it bounded and fair?"""

import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from itertools import cycle, islice
from pathlib import Path

from bench import broker, workers
from bench.events import registry_events
from bench.trickle import Trickle
from contracts.site import Site
from lake.home import Home

WORKERS = (1, 2)
RATE = 10.0
"""Events a second of the quiet site."""
_DIFFERENT = 200_000
"""Events of the flood before they come again, all of them in gzip."""
LONGEST = 300.0
"""Seconds after which a flood that is not stored yet is left."""
_PATIENCE = 60.0
"""Seconds within which what the quiet site sent last is stored."""

_FLOOD = Site(id="FLOOD01", name="Bench", country="IN", time_zone="Asia/Kolkata")
_QUIET = Site(id="QUIET01", name="Bench", country="IN", time_zone="Asia/Kolkata")


def measure(events: int) -> list[str]:
    """The table, in Markdown."""
    lines = [
        f"{events:,} events of one site wait; another sends {RATE:.0f} a second. A run ends after {LONGEST:.0f} s.",
        "",
        "| workers | first commit s | events/s | stored | CPU us/event | most resident MB each"
        " | quiet site: median s | p99 s | most s |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    with (
        tempfile.TemporaryDirectory(prefix="b12_bench_") as directory,
        broker.running(Path(directory) / "kafka") as kafka,
    ):
        different = list(registry_events(min(_DIFFERENT, events), _FLOOD))
        broker.fill(kafka, _FLOOD, islice(cycle(different), events))
        broker.fill(kafka, _QUIET, registry_events(2, _QUIET))
        for count in WORKERS:
            home = broker.another_home(kafka, Path(directory) / f"home{count}", _FLOOD, _QUIET)
            lines.append(_run(kafka, home, count, events))
            broker.forget_workers(kafka)
    return lines


def _run(kafka: Home, home: Home, count: int, events: int) -> str:
    flood = dict.fromkeys(range(broker.PARTITIONS), events // broker.PARTITIONS)
    quiet = Trickle(kafka, _QUIET, list(registry_events(1_000, _QUIET)), RATE, LONGEST + _PATIENCE)
    topic_uuid = broker.topic_uuid(kafka, _FLOOD)
    with workers.working(home, count) as running:
        began = time.time()
        while not workers.commits(home):
            time.sleep(0.2)
        before = sum(worker.cpu_seconds for worker in running)
        quiet.start()
        with suppress(TimeoutError):
            workers.wait_for(home, topic_uuid, flood, LONGEST)
        spent = sum(worker.cpu_seconds for worker in running) - before
        of_flood = [commit for commit in workers.commits(home) if any(uuid == topic_uuid for uuid, _ in commit.reached)]
        quiet.stop()
        workers.wait_for(home, quiet.topic_uuid, quiet.ends, _PATIENCE)
        resident = max(worker.most_resident_mb for worker in running)
    log = workers.commits(home)
    stored = _reached(of_flood, topic_uuid) - _reached(log[:1], topic_uuid)
    return (
        f"| {count} | {log[0].at - began:.1f} | {stored / (of_flood[-1].at - log[0].at):,.0f} | {stored:,}"
        f" | {spent / stored * 1e6:.1f} | {resident:,.0f} | {quiet.latency(log).cells()} |"
    )


def _reached(log: Sequence[workers.Commit], topic_uuid: str) -> int:
    """Deliveries of the topic that these commits stored."""
    reached: dict[tuple[str, int], int] = {}
    for commit in log:
        reached |= commit.reached
    return sum(offset for (uuid, _), offset in reached.items() if uuid == topic_uuid)
