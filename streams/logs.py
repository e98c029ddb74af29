"""The worker's log: one JSON object a line, and never a reported value, a subject or a date.

Our own lines name an event and its fields (topics, offsets, counts, rules). Of a library's line only its template is
kept, without what was filled in, and of an exception only its type and where it was raised: either may quote a record.
"""

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from types import TracebackType

OURS = "b12.worker"

_FRAMES = 6
_LENGTH = 160


def set_up() -> None:
    """Send every line to standard error in this form, ours from INFO up, those of libraries from WARNING up."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Lines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger(OURS).setLevel(logging.INFO)
    logging.captureWarnings(True)


def say(event: str, level: int = logging.INFO, error: BaseException | None = None, **fields: int | str | None) -> None:
    """Log one of our own lines. Fields hold what a topic, an offset or a rule is called, and counts; nothing else."""
    logging.getLogger(OURS).log(level, event, exc_info=error, extra={"fields": fields})


class Lines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "from": record.name,
            "event": str(record.msg).strip().partition("\n")[0][:_LENGTH],
        }
        if record.name == OURS:
            line |= getattr(record, "fields", {})
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = record.exc_info[0].__qualname__ if record.exc_info[0] else "Exception"
            line["where"] = frames(record.exc_info[2])
        return json.dumps(line)


def frames(raised: TracebackType | None) -> list[str]:
    """The innermost frames of a traceback, as module file and line."""
    stack = traceback.extract_tb(raised)[-_FRAMES:]
    return [f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in stack]
