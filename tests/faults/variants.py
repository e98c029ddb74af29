"""Workers that differ from the real one in one honest way, to be mixed with it.

    B12_HOME=... python -m tests.faults.variants changed_rule
    B12_HOME=... STOP_AT=files_written:2 python -m tests.faults.variants stopped

Workers that are broken, for the checker to notice, are tests/faults/broken.py's.
"""

import os
import signal
import sys
import threading
from typing import Any

import msgspec

from b12.cli import main
from contracts import judge
from contracts.events import KIND_OF, Envelope, Event
from contracts.kinds.measured import LabResult
from lake import crash, rows
from lake.table import Lake
from tests.faults.history import CHANGED_LIMIT

STOP_AT = "STOP_AT"
"""A moment of lake/crash.py, or BEFORE_LOOKING, and after a colon the number of flushes that pass it."""
NEWER_CONTRACT = "2"
BEFORE_LOOKING = "before_looking"
"""Before a flush compares the lake's offsets with its own: a zombie that wakes here sees that others were there."""


def changed_rule() -> None:
    """What is longer than CHANGED_LIMIT bytes is refused."""
    judge.MAX_BYTES = CHANGED_LIMIT


class SecondLabResultEvent(Envelope, frozen=True, kw_only=True, tag="b12.lab_result.v2"):
    data: LabResult


def newer_contract() -> None:
    """The contract of tomorrow, which knows a second version of one kind."""
    rows.VERSION = NEWER_CONTRACT
    KIND_OF[SecondLabResultEvent] = "lab_result"
    judge._decode = msgspec.json.Decoder(Event | SecondLabResultEvent).decode


def stopped() -> None:
    """Stop by SIGSTOP at a moment, once: a zombie with a commit in its hands, as soon as somebody wakes it."""
    moment, _, spared = os.environ[STOP_AT].partition(":")
    left = [int(spared or 0)]

    def here(passed: str) -> None:
        if passed == moment:
            left[0] -= 1
            if left[0] == -1:
                # To this thread, which would go on by itself until another one came to take the process's signal.
                signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)

    flush = Lake.flush

    def flushed(self: Lake, *what: Any) -> int:
        here(BEFORE_LOOKING)
        return flush(self, *what)

    crash.here = here
    Lake.flush = flushed


if __name__ == "__main__":
    {"changed_rule": changed_rule, "newer_contract": newer_contract, "stopped": stopped}[sys.argv[1]]()
    sys.exit(main(["worker"]))
