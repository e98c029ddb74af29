"""Ranges of a topic that Kafka deleted before they were read: what a worker found, and what an operator accepted.

One small file per gap under `run/gaps`, kept for good: it is the record of what was lost. How a worker pauses and
goes on does not belong here.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from lake import settings_file
from lake.home import REPLAY_TOPIC, Home


@dataclass(frozen=True)
class Gap:
    """Offsets `from_offset` up to but without `to_offset` of one partition are gone."""

    topic: str
    topic_uuid: str
    partition: int
    from_offset: int
    """The next offset that the lake wanted."""
    to_offset: int
    """The first that Kafka still has."""
    found_at: str = ""
    """UTC, ISO 8601."""
    accepted_at: str = ""
    """UTC, ISO 8601; empty while the partition waits for an operator."""


def whose(topic: str) -> str:
    """The site whose topic it is; the replay topic is its own."""
    return topic if topic == REPLAY_TOPIC else topic.split(".")[2]


def remedy(topic: str) -> str:
    """What somebody has to do about a gap of this topic."""
    if topic == REPLAY_TOPIC:
        return "b12 dead-letters accept-gap; what the replays were to bring in is still among the dead letters"
    return f"ask the lab to push again what it sent then, and b12 site accept-gap {whose(topic)}"


def wanted(topic: str, stored: int | None, first: int) -> int:
    """The offset from which a partition is to be read: the lake's `stored` one, and before its first flush the very
    first, which retention may have taken like any other; `first` is the first that Kafka still has.
    """
    if stored is not None:
        return stored
    # What a replay was to bring in is a dead letter still: of replays nothing is lost unseen.
    return first if topic == REPLAY_TOPIC else 0


def report(home: Home, gap: Gap) -> Gap:
    """Record `gap` unless it is recorded already; what the record says, with `accepted_at` set once it was accepted.

    A worker calls this when a stored offset lies below the log's start, and goes on from `to_offset` only if the
    answer is accepted. A gap that has grown since it was accepted has to be accepted again.
    """
    path = _path(home, gap)
    known = _read(path) if path.exists() else None
    if known is not None and known.to_offset == gap.to_offset:
        return known
    gap = replace(gap, found_at=_now(), accepted_at="")
    path.parent.mkdir(parents=True, exist_ok=True)
    settings_file.write(path, asdict(gap))
    return gap


def gaps(home: Home) -> Iterator[Gap]:
    """Every recorded gap, accepted or not."""
    for path in sorted((home.run / "gaps").glob("*.toml")):
        yield _read(path)


def accept(home: Home, topic: str) -> list[Gap]:
    """Accept the open gaps of one topic; those that were open."""
    opened = [gap for gap in gaps(home) if gap.topic == topic and not gap.accepted_at]
    for gap in opened:
        settings_file.write(_path(home, gap), asdict(replace(gap, accepted_at=_now())))
    return opened


def _path(home: Home, gap: Gap) -> Path:
    return home.run / "gaps" / f"{gap.topic_uuid}-{gap.partition}-{gap.from_offset}.toml"


def _read(path: Path) -> Gap:
    return Gap(**settings_file.read(path))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
