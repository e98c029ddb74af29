"""What is seen of a run from outside while it goes on: how far the lake is behind, and for how long it stood still.

Correctness is the checker's business, at the end.
"""

import threading
import time
from pathlib import Path

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from tests.faults.evidence import position
from tests.faults.ledger import Tail

Place = tuple[str, int]


class Watch:
    """Looks at the ledgers and the lake; any thread may ask."""

    def __init__(self, lake: str, history: Path) -> None:
        self._lake, self._tail = lake, Tail(history)
        self._lock = threading.Lock()
        self._table: DeltaTable | None = None
        self._ends: dict[Place, int] = {}
        self._stored: dict[Place, int] = {}
        self._since: dict[Place, float] = {}
        self.longest = 0.0
        """Seconds that a partition with acknowledged events waiting saw no commit."""
        self.stuck = 0.0
        """The same, of those that wait at this moment."""

    @property
    def acknowledged(self) -> int:
        """Events that producers got an acknowledgement for."""
        return self._tail.count

    @property
    def waiting(self) -> int:
        """Offsets of acknowledged events that the lake does not have yet."""
        with self._lock:
            return sum(max(end - self._stored.get(place, 0), 0) for place, end in self._ends.items())

    def look(self) -> None:
        """Look again."""
        with self._lock:
            self._ends = self._tail.ends()
            stored = self._positions()
            now = time.monotonic()
            stalls = [0.0]
            for place, end in self._ends.items():
                before, after = self._stored.get(place, 0), stored.get(place, 0)
                if after >= end:
                    self._since.pop(place, None)
                elif after > before:
                    self._since[place] = now
                else:
                    stalls.append(now - self._since.setdefault(place, now))
            self._stored = stored
            self.stuck = max(stalls)
            self.longest = max(self.longest, self.stuck)

    def forget(self) -> None:
        """Count no stall of before."""
        with self._lock:
            self.longest = 0.0
            self._since.clear()

    def ends(self) -> dict[Place, int]:
        """The offset behind the last acknowledged event of each partition."""
        self.look()
        with self._lock:
            return dict(self._ends)

    def stored(self, place: Place) -> int:
        """The lake's next offset."""
        with self._lock:
            return self._positions().get(place, 0)

    def has(self, ends: dict[Place, int]) -> bool:
        """Whether the lake has everything up to these offsets."""
        self.look()
        with self._lock:
            return all(self._stored.get(place, 0) >= end for place, end in ends.items())

    def _positions(self) -> dict[Place, int]:
        try:
            if self._table is None:
                self._table = DeltaTable(self._lake)
            self._table.update_incremental()
        except (DeltaError, OSError):  # not made yet, or out of reach for the moment
            return dict(self._stored)
        return {place: position(self._table, *place)[0] or 0 for place in self._ends}
