"""Where the real files of NHANES 2003-2004 lie: `B12_NHANES`, else `shared/data` beside the repository.

They are never part of it. A test that needs them fails in CI where they are missing, and says so elsewhere.
"""

import os
from pathlib import Path

import pytest

MAPPINGS = Path(__file__).parents[1] / "mappings" / "nhanes-2003-2004"
FILES = {
    "demographics": "DEMO_C.csv",
    "vitamins": "L06NB_C.csv",
    "blood-count": "L25_C.csv",
    "metabolites": "L06MH_C.csv",
    "feeding": "DBQ_C.csv",
}
"""The file of each mapping."""


def directory() -> Path:
    """The directory of the files."""
    named = os.environ.get("B12_NHANES")
    beside = Path(__file__).parents[2] / "shared" / "data" / "nhanes-2003-2004"
    found = Path(named) if named else beside
    missing = [name for name in FILES.values() if not (found / name).is_file()]
    if missing:
        what = f"the NHANES 2003-2004 files are not at {found} (missing: {', '.join(missing)}); set B12_NHANES"
        if os.environ.get("CI"):
            pytest.fail(f"CI is set, and {what}")
        pytest.skip(f"NO NHANES DATA, SO NOTHING WAS TESTED HERE: {what}")
    return found
