"""From a site's send to the lake's commit, at several rates, with one worker that has nothing else to do."""

import tempfile
from pathlib import Path

from bench import broker, workers
from bench.events import registry_events
from bench.trickle import Trickle
from contracts.site import Site

RATES = (10, 1_000, 50_000)
SECONDS = 20.0
_PATIENCE = 120.0


def measure() -> list[str]:
    """The table, in Markdown."""
    lines = ["| events/s wanted | sent | median s | p99 s | most s |", "|---|---|---|---|---|"]
    with (
        tempfile.TemporaryDirectory(prefix="b12_bench_") as directory,
        broker.running(Path(directory) / "kafka") as kafka,
    ):
        sites = {rate: Site(id=f"RATE{rate}", name="Bench", country="IN", time_zone="Asia/Kolkata") for rate in RATES}
        for site in sites.values():
            broker.fill(kafka, site, registry_events(2, site))  # so that its topic is read before the clock runs
        home = broker.another_home(kafka, Path(directory) / "home", *sites.values())
        with workers.working(home):
            for rate, site in sites.items():
                trickle = Trickle(kafka, site, list(registry_events(20_000, site)), rate, SECONDS)
                workers.wait_for(home, trickle.topic_uuid, {0: 1, 1: 1}, _PATIENCE)
                trickle.start()
                trickle.join()
                workers.wait_for(home, trickle.topic_uuid, trickle.ends, _PATIENCE)
                latency = trickle.latency(workers.commits(home))
                lines.append(f"| {rate:,} | {latency.rate:,.0f} | {latency.cells()} |")
    return lines
