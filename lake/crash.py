"""The one place where a test makes a worker die: named moments between a flush's effects.

Nothing reads it but the kill tests. A real fault needs no help from here.
"""

import os
import signal
from typing import Literal, get_args

FlushMoment = Literal["before_files", "files_written", "committed", "receipts_sent", "offsets_committed"]
"""In the order of a flush's effects."""
Moment = FlushMoment | Literal["compacted", "erasure_written", "erased"]
"""And when a compaction or an erasure has committed, and what was written is not yet safe from a power failure; and
when an erasure has written its files, and not committed them.
"""

MOMENTS: tuple[str, ...] = get_args(FlushMoment)

SETTING = "B12_TEST_KILL_AT"
"""A moment, and after a colon the number of flushes that pass it unharmed, like `files_written:2`."""

_passed: dict[str, int] = {}


def here(moment: Moment) -> None:
    """Die by SIGKILL if a test asked for this moment: no clean-up, as when the power goes."""
    wanted, _, spared = os.environ.get(SETTING, "").partition(":")
    if moment != wanted:
        return
    _passed[moment] = _passed.get(moment, 0) + 1
    if _passed[moment] > int(spared or 0):
        os.kill(os.getpid(), signal.SIGKILL)
