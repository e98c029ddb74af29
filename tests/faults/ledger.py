"""What was sent and what Kafka acknowledged, on disk as it happens: it outlives the SIGKILL of whoever writes it.

Lines go out whole and at once; the last may be torn, and is then left out. What they prove belongs to the checker.
"""

import os
import time
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from pathlib import Path

from tests.faults.history import Planned

SENT = ("digest", "id", "subject", "kind", "verdict", "changed", "number")
ACKNOWLEDGED = ("partition", "off", "digest", "at")


def digest(value: bytes | None) -> str:
    """What stands for the bytes of an event."""
    return "none" if value is None else blake2b(value, digest_size=16).hexdigest()


class Ledger:
    """The two files of one producer and one topic."""

    def __init__(self, directory: Path, site: str, topic_uuid: str, run: str) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        name = f"{site}.{topic_uuid}.{run}.csv"
        self._sent, self._acknowledged = (_open(directory / f"{what}.{name}") for what in ("sent", "acked"))

    def sent(self, planned: Iterable[Planned]) -> None:
        """Write down what is about to be sent."""
        rows = ((digest(p.value), p.id, p.subject, p.kind, p.verdict, p.changed, p.number) for p in planned)
        _write(self._sent, rows)

    def acknowledged(self, places: Iterable[tuple[int, int, str]]) -> None:
        """Write down what Kafka acknowledged a moment ago: partition, offset and digest of each."""
        now = f"{time.time():.3f}"
        _write(self._acknowledged, ((*place, now) for place in places))

    def close(self) -> None:
        for handle in (self._sent, self._acknowledged):
            os.close(handle)


class Tail:
    """Counts the acknowledged events of all producers of a directory while they write."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._read: dict[Path, int] = {}
        self._ends: dict[tuple[str, int], int] = {}
        self.count = 0

    def ends(self) -> dict[tuple[str, int], int]:
        """The offset behind the last acknowledged event, by topic UUID and partition."""
        for path in self._directory.glob("acked.*.csv"):
            _, _, topic_uuid, _, _ = path.name.split(".")
            with path.open("rb") as file:
                file.seek(self._read.get(path, 0))
                lines = file.read().split(b"\n")
            self._read[path] = self._read.get(path, 0) + sum(len(line) + 1 for line in lines[:-1])
            self.count += len(lines) - 1
            for line in lines[:-1]:
                partition, offset, _ = line.split(b",", 2)
                place = topic_uuid, int(partition)
                self._ends[place] = max(self._ends.get(place, 0), int(offset) + 1)
        return dict(self._ends)


def erase(directory: Path, site: str, subjects: Iterable[str]) -> None:
    """Write down who is about to be erased."""
    with (directory / "erased.csv").open("a") as file:
        file.writelines(f"{site},{subject}\n" for subject in subjects)


def erased(directory: Path) -> Iterator[tuple[str, str]]:
    """Site and subject of all that were to be erased."""
    path = directory / "erased.csv"
    for line in lines(path) if path.exists() else ():
        site, subject = line.split(",")
        yield site, subject


def lines(path: Path) -> Iterator[str]:
    """The whole lines of a file, without what a killed writer left of its last."""
    yield from path.read_text().split("\n")[:-1]


def _open(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)


def _write(handle: int, rows: Iterable[tuple[object, ...]]) -> None:
    text = "".join(",".join(map(str, row)) + "\n" for row in rows)
    if text:
        os.write(handle, text.encode())
