"""The intake from a real broker to durable files, beside what a user would pick instead.

One topic, one broker, one worker process each, in turn on the same machine; nothing else may run there. What each
contender does is in bench/contenders.
"""

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from bench import broker
from bench.events import SITE, damaged_events, registry_events, unusual_events
from contracts.site import Site
from lake.home import Home

ROOT = Path(__file__).parent.parent
PROGRAMS = ROOT / "bench" / "contenders"
PEERS_PYTHON = ROOT / ".venv-peers" / "bin" / "python"
SECONDS = 600
"""Longest run."""

Run = dict[str, Any]
"""What a contender printed."""


class Contender(NamedTuple):
    """One way from the topic to durable files."""

    name: str
    command: list[str]
    share: float
    """Of the topic's events that it reads: a slow one need not read all to be measured."""


OURS = Contender("b12 worker, all checks", [sys.executable, "-m", "bench.contenders.our_worker"], 1)
PEERS = [
    Contender("confluent + pyarrow.json + Parquet", [sys.executable, str(PROGRAMS / "bare_loop.py")], 1),
    Contender("Quix Streams, Parquet sink", [str(PEERS_PYTHON), str(PROGRAMS / "quix.py")], 0.3),
    Contender("stock Faust, plain agent", [sys.executable, str(PROGRAMS / "stock_faust.py")], 0.1),
]


class Topic(NamedTuple):
    """A topic that was filled before the clock runs."""

    site: Site
    events: int
    bytes_per_event: float


def measure(events: int, runs: int) -> list[str]:
    """The tables, in Markdown."""
    with (
        tempfile.TemporaryDirectory(prefix="b12_bench_") as directory,  # Quix takes no hyphen in a path
        broker.running(Path(directory) / "kafka") as kafka,
    ):
        usual = _filled(kafka, SITE, registry_events, events)
        unusual = _filled(kafka, _site("BENCH02"), unusual_events, events // 4)
        damaged = _filled(kafka, _site("BENCH03"), damaged_events, events)
        found = {name: list[Run]() for name in (*(c.name for c in (OURS, *PEERS)), "damaged", "unusual")}
        for _ in range(runs):
            for contender in (OURS, *PEERS):
                found[contender.name].append(_run(contender, kafka, usual, Path(directory)))
            found["damaged"].append(_run(OURS, kafka, damaged, Path(directory)))
            found["unusual"].append(_run(OURS, kafka, unusual, Path(directory)))
    return [
        f"{events:,} events of {usual.bytes_per_event:.0f} bytes in eight kinds; median of {runs} runs (least-most).",
        "",
        *_table(found),
        "",
        *_stages(found[OURS.name]),
    ]


def _site(name: str) -> Site:
    return Site(id=name, name="Bench", country="IN", time_zone="Asia/Kolkata", synthetic=True)


def _filled(kafka: Home, site: Site, events: Callable[[int, Site], Iterable[bytes]], count: int) -> Topic:
    return Topic(site, count, broker.fill(kafka, site, events(count, site)))


def _run(contender: Contender, kafka: Home, topic: Topic, directory: Path) -> Run:
    """One run in a process of its own, with nothing left of the run before it."""
    place = Path(tempfile.mkdtemp(dir=directory))
    home = broker.another_home(kafka, place / "home", topic.site)
    client = broker.librdkafka(kafka)
    told = {
        "home": str(home.path),
        "topic": topic.site.events_topic,
        "events": int(topic.events * contender.share),
        "bootstrap": client["bootstrap.servers"],
        "tls": {name: client[f"ssl.{key}.location"] for name, key in _FILES.items()},
        "directory": str(place),
    }
    command = [*contender.command, json.dumps(told)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False)
    figures = [line for line in done.stdout.splitlines() if line.startswith('{"events"')]
    if not figures:
        raise RuntimeError(f"{contender.name} printed no figures:\n{done.stderr[-3000:]}")
    shutil.rmtree(place)
    broker.forget_workers(kafka)
    run: Run = json.loads(figures[0])
    return run


_THREADS = {
    "Thread": "fetch: TLS, decompression, records",
    "judge": "judge: verdicts, pseudonyms, columns, what receipts say",
    "store": "store: Parquet, commit, fsync",
    "MainThread": "main loop: hand over, flush, send receipts",
}
"""By the beginning of the thread's name."""
_FILES = {"ca": "ca", "cert": "certificate", "key": "key"}


def _table(found: dict[str, list[Run]]) -> list[str]:
    ours = statistics.median(_rates(found[OURS.name]))
    names = {"damaged": "b12 worker, 1 in 200 damaged", "unusual": "b12 worker, all non-ASCII and pretty-printed"}
    lines = [
        "| | events/s | ours is | CPU us/event | resident MB | bytes/event on disk |",
        "|---|---|---|---|---|---|",
    ]
    for name, runs in found.items():
        rates = _rates(runs)
        cpu = statistics.median(run["cpu_seconds"] / run["events"] * 1e6 for run in runs)
        lines.append(
            f"| {names.get(name, name)} | {statistics.median(rates):,.0f} ({min(rates):,.0f}-{max(rates):,.0f})"
            f" | {ours / statistics.median(rates):.2f}x | {cpu:.1f}"
            f" | {statistics.median(run['resident_mb'] for run in runs):,.0f}"
            f" | {statistics.median(run['bytes'] / run['events'] for run in runs):.1f} |"
        )
    return lines


def _stages(runs: list[Run]) -> list[str]:
    """Where the worker's processor time goes, by its threads; what Arrow and the clients start is the rest."""
    spent = {
        stage: [sum(s for name, s in run["stages"].items() if name.startswith(thread)) for run in runs]
        for thread, stage in _THREADS.items()
    }
    all_ = [run["cpu_seconds"] for run in runs]
    spent["other threads"] = [max(0.0, total - sum(parts)) for total, *parts in zip(all_, *spent.values(), strict=True)]
    lines = ["| stage | CPU us/event |", "|---|---|"]
    for stage, seconds in spent.items():
        each = statistics.median(s / run["events"] * 1e6 for s, run in zip(seconds, runs, strict=True))
        lines.append(f"| {stage} | {each:.2f} |")
    return lines


def _rates(runs: list[Run]) -> list[float]:
    return [run["events"] / run["seconds"] for run in runs]
