"""The erasure of a run: whoever a history says was to be erased, out of the lake and kept out, as `b12 erase` begins.

    B12_HOME=... python -m tests.faults.erasing

No build follows, as behind `b12 erase`: it is the lake that is under fire. What happens to it is
tests/faults/mishaps_of_lake.py's.
"""

import os
from pathlib import Path

from contracts.pseudonyms import pseudonym, site_key
from lake import erasure, tombstones
from lake.home import Home
from lake.tombstones import Subject
from tests.faults import ledger


def erase(home: Home) -> None:
    """Erase everybody that the history names. Safe to repeat."""
    gone = frozenset(
        Subject(site, pseudonym(site_key(home.secret(), site), "subject", subject))
        for site, subject in ledger.erased(home.path / "history")
    )
    tombstones.put(home, gone)
    erasure.erase(home.lake, gone)


if __name__ == "__main__":
    erase(Home(Path(os.environ["B12_HOME"])))
