"""`b12 push` of NDJSON, CSV and a workbook, beside a bare kafka-python loop that sends the NDJSON unread."""

import csv
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import openpyxl
from kafka import KafkaProducer

from b12 import registration
from bench import broker
from bench.events import lab_results
from contracts.site import Site
from sites import config as configs
from sites import connection, ledger, mapping_file, pushing
from sites.config import LabConfig
from sites.sending import HEADERS, KafkaSender

_SITE = Site(id="BENCH01", name="Bench", country="IN", time_zone="Asia/Kolkata", synthetic=True)
_HEADER = ["Study no", "Sample", "B12", "Taken on"]
_MAPPING = """
subject = "Study no"
identify = "Sample"

[[event]]
name = "b12"
kind = "lab_result"

[event.constants]
person = "infant"
loinc = "2132-9"
unit = "pg/mL"
specimen = "serum"

[event.columns]
value = "B12"
collected = "Taken on"
"""


class Files(NamedTuple):
    """The same count of results in each."""

    ndjson: Path
    csv: Path
    xlsx: Path
    mapping: Path


def measure(events: int, runs: int) -> list[str]:
    """The table, in Markdown."""
    with (
        tempfile.TemporaryDirectory(prefix="b12_bench_") as text,
        broker.running(Path(text) / "kafka") as kafka,
    ):
        config = configs.load(registration.register(kafka, _SITE), _SITE.id)
        directory = Path(text)
        files = _files(directory, events)
        ways: dict[str, Callable[[], None]] = {
            "bare kafka-python, NDJSON": lambda: _bare(files.ndjson, config),
            "b12 push, NDJSON": lambda: _push(files.ndjson, None, config, directory),
            "b12 push, CSV": lambda: _push(files.csv, files.mapping, config, directory),
            "b12 push, xlsx": lambda: _push(files.xlsx, files.mapping, config, directory),
        }
        seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
        for _ in range(runs):
            for name, way in ways.items():
                wall, cpu = time.perf_counter(), time.process_time()
                way()
                seconds[name].append((time.perf_counter() - wall, time.process_time() - cpu))
    bare = statistics.median(wall for wall, _ in seconds["bare kafka-python, NDJSON"])
    lines = [
        f"{events:,} results a file; median of {runs} runs (least-most).",
        "",
        "| | events/s | time, bare is 1 | CPU us/event |",
        "|---|---|---|---|",
    ]
    for name, found in seconds.items():
        walls = [wall for wall, _ in found]
        median, cpu = statistics.median(walls), statistics.median(cpu for _, cpu in found)
        lines.append(
            f"| {name} | {events / median:,.0f} ({events / max(walls):,.0f}-{events / min(walls):,.0f})"
            f" | {median / bare:.2f} | {cpu / events * 1e6:.0f} |"
        )
    return lines


def _push(file: Path, mapping: Path | None, config: LabConfig, directory: Path) -> None:
    """What `b12 push` does, with a ledger that remembers no push."""
    state = Path(tempfile.mkdtemp(dir=directory))
    with ledger.opened(ledger.path_of(state, config.site), config.key) as opened:
        now = opened.next_time(datetime.now(UTC))
        chosen = mapping_file.load(mapping) if mapping else None
        plan = pushing.plan(file, chosen, config.as_site, opened, now)
        try:
            if plan.report.exit_code:
                raise RuntimeError(f"{file.name} has errors")
            pushing.send(plan, config.as_site, opened, KafkaSender(config), now)
        finally:
            plan.close()


def _bare(file: Path, config: LabConfig) -> None:
    """The client of `b12 push` with its settings, and nothing around it."""
    producer = KafkaProducer(
        **connection.client_settings(config),
        enable_idempotence=True,
        acks="all",
        compression_type="gzip",
        linger_ms=20,
        batch_size=65_536,
    )
    with file.open("rb") as lines:
        for line in lines:
            producer.send(config.events_topic, line, headers=HEADERS)
    producer.flush()
    producer.close()


def _files(directory: Path, events: int) -> Files:
    files = Files(*(directory / name for name in ("r.ndjson", "r.csv", "r.xlsx", "mapping.toml")))
    results = [_plausible(json.loads(raw)) for raw in lab_results(events)]
    with files.ndjson.open("w", encoding="utf-8") as text:
        text.writelines(json.dumps(result, separators=(",", ":")) + "\n" for result in results)
    rows = [_row(result) for result in results]
    with files.csv.open("w", newline="", encoding="utf-8") as text:
        csv.writer(text).writerows([_HEADER, *rows])
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("results")
    for row in [_HEADER, *rows]:
        sheet.append(row)
    book.save(files.xlsx)
    files.mapping.write_text(_MAPPING, encoding="utf-8")
    return files


def _plausible(event: dict[str, Any]) -> dict[str, Any]:
    said = {"loinc": "2132-9", "unit": "pg/mL", "specimen": "serum", "reference_low": 211, "reference_high": 946}
    return event | {"data": event["data"] | said | {"value": 150 + round(event["data"]["value"] / 2, 1)}}


def _row(event: dict[str, Any]) -> list[object]:
    return [event["subject"], event["record"], event["data"]["value"], event["data"]["collected"][:10]]
