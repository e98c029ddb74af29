"""How a contender is measured, from its first record to its last durable file. The standard library alone.

Imported by programs in several environments, so it stands by itself.
"""

import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any


class Job:
    """What a contender is told, as JSON on its command line."""

    def __init__(self) -> None:
        told = json.loads(sys.argv[1])
        self.home: str = told["home"]
        self.topic: str = told["topic"]
        self.events: int = told["events"]
        self.bootstrap: str = told["bootstrap"]
        self.group = f"bench-{os.getpid()}"
        self.tls: dict[str, str] = told["tls"]
        """Files in PEM: `ca`, `cert` and `key`."""
        self.directory = Path(told["directory"])
        """Where Parquet files go."""

    @property
    def librdkafka(self) -> dict[str, Any]:
        """The client's settings in librdkafka's words."""
        return {
            "bootstrap.servers": self.bootstrap,
            "security.protocol": "ssl",
            "ssl.ca.location": self.tls["ca"],
            "ssl.certificate.location": self.tls["cert"],
            "ssl.key.location": self.tls["key"],
        }


class Meter:
    """Wall clock and processor time between the first record and the last durable file."""

    def __init__(self) -> None:
        self.started = False

    def start(self) -> None:
        """The first record is here; later calls do nothing."""
        if not self.started:
            self.started = True
            self._wall, self._cpu = time.perf_counter(), time.process_time()

    def report(self, events: int, directory: Path, **more: Any) -> None:
        """Print the figures: so many events are durable below the directory."""
        figures = {
            "events": events,
            "seconds": time.perf_counter() - self._wall,
            "cpu_seconds": time.process_time() - self._cpu,
            "resident_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            "bytes": sum(path.stat().st_size for path in directory.rglob("*.parquet")),
            **more,
        }
        print(json.dumps(figures), file=sys.__stdout__, flush=True)  # Faust redirects the other


def durable(path: Path) -> None:
    """Make a written file outlive a power failure."""
    handle = os.open(path, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)
