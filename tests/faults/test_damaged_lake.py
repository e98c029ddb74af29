"""A lake that is torn, full or forbidden: refused with a sentence, never passed over, and whole again afterwards."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from deltalake import DeltaTable

from contracts.errors import EnvironmentProblem
from lake.home import Home
from lake.maintenance import maintain
from lake.snapshot import snapshot
from lake.table import Lake
from tests.faults import disk
from tests.lake_fixture import record, rows
from tests.sample_events import event
from tests.unit.test_lake import SITE, TOPIC


@pytest.fixture
def full_home(home):
    """A home whose lake has six flushes."""
    home.ensure_secret()
    home.put_site(SITE)
    for number in range(6):
        record(home, SITE, [event(id=f"{number}"), b"not json"])
    return home


def log_entry(home: Home, version: int) -> Path:
    return Path(home.lake) / "_delta_log" / f"{version:020}.json"


def torn(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


def test_a_torn_file_is_refused_by_whoever_needs_it_and_compaction_drops_none_of_its_rows(full_home):
    torn(next(Path(full_home.lake).glob("kind=lab_result/*.parquet")))
    lake = Lake.open(full_home.lake, full_home.secret())
    with pytest.raises(EnvironmentProblem, match=r"cannot be read whole .* restore it from a backup"):
        lake.judgements(TOPIC, 0, 0, 12)
    with pytest.raises(EnvironmentProblem, match="cannot be read whole"):
        maintain(full_home)
    found = snapshot(full_home)
    assert found.positions[TOPIC, 0].received == 12
    assert len(found.files["lab_result"]) == 6  # the torn one is still named
    with pytest.raises(duckdb.Error), duckdb.connect() as database:
        database.read_parquet(found.files["lab_result"], union_by_name=True).fetchall()
    record(full_home, SITE, [event(id="after")])  # what arrives meanwhile is kept
    assert snapshot(full_home).positions[TOPIC, 0].received == 13


@pytest.mark.parametrize("damage", [Path.unlink, torn], ids=["missing", "torn"])
def test_a_log_without_one_of_its_entries_is_refused_by_readers_and_writers(full_home, damage):
    kept = Lake.open(full_home.lake, full_home.secret())
    for number in range(3):
        record(full_home, SITE, [event(id=f"late-{number}")])
    before = sorted(Path(full_home.lake).rglob("*"))
    damage(log_entry(full_home, DeltaTable(full_home.lake).version() - 1))
    for act in (
        lambda: snapshot(full_home),
        lambda: maintain(full_home),
        lambda: Lake.open(full_home.lake, full_home.secret()),
        lambda: kept.stored(TOPIC, 0),
        lambda: kept.flush([], {}),
    ):
        with pytest.raises(EnvironmentProblem, match="cannot be read whole"):
            act()
    assert set(Path(full_home.lake).rglob("*")) <= set(before)  # nothing was written over the gap


def test_an_entry_that_a_power_failure_emptied_shows_in_the_count(full_home):
    """deltalake takes it for a commit of nothing; then what was received differs from the rows: no release passes."""
    log_entry(full_home, 4).write_bytes(b"")
    found = snapshot(full_home)
    assert found.positions[TOPIC, 0].received == 12 != len(rows(full_home))


def test_a_worker_on_a_damaged_lake_ends_with_a_sentence(full_home):
    log_entry(full_home, 4).unlink()
    full_home.put_connection("127.0.0.1:9", "127.0.0.1:9")
    done = subprocess.run(
        [sys.executable, "-m", "b12.cli", "worker"],
        env={**os.environ, "B12_HOME": str(full_home.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert "cannot be read whole" in done.stderr.strip().splitlines()[-1]
    assert "Traceback" not in done.stderr


ON_A_DISK_OF_ITS_OWN = """
import sys
from pathlib import Path
import pyarrow.parquet as pq
import lake.table
from contracts.errors import EnvironmentProblem
from lake.home import Home
from lake.maintenance import maintain
from lake.snapshot import snapshot
from tests.faults.disk import Disk
from tests.lake_fixture import record, rows
from tests.sample_events import event
from tests.lake_fixture import rows
from tests.unit.test_lake import SITE, TOPIC

home = Home(sys.argv[1])
home.put_site(SITE)
disk = Disk(home.path / "lake")
home.ensure_secret()
record(home, SITE, [event(id="before"), b"not json"])


def whole(count):
    for path in Path(home.lake).glob("kind=*/*.parquet"):
        pq.read_metadata(path)  # a file that no commit named may be left, a part of one may not
    assert snapshot(home).positions[TOPIC, 0].received == len(rows(home)) == count


def refused(act):
    try:
        act()
    except EnvironmentProblem as problem:
        assert "disk" in str(problem), problem
        return True
    return False


lake.table.ATTEMPTS = 2
batch = [event(id=f"{number}", record=f"{number}") for number in range(300)]
disk.forbid()
assert refused(lambda: record(home, SITE, batch))
disk.allow()
whole(2)
left = refusals = 0
while True:  # full from the first byte on, in the middle of a file, behind it, in the entry of the log
    disk.fill(left)
    stopped = refused(lambda: record(home, SITE, batch))
    disk.empty()
    if not stopped:
        break
    whole(2)
    left, refusals = left + 4096, refusals + 1
assert refusals > 3
whole(302)
disk.fill(0)
assert refused(lambda: maintain(home))
disk.empty()
maintain(home)
assert snapshot(home).positions[TOPIC, 0].received == len(rows(home)) == 302
print("whole")
"""


def test_a_full_disk_and_a_read_only_lake_take_nothing_or_everything(home):
    if why := disk.reason():
        outcome = pytest.fail if os.environ.get("CI") else pytest.skip
        outcome(f"NO DISK WAS FILLED AND NO LAKE FORBIDDEN: {why}")
    done = subprocess.run(
        [*disk.unshare(), sys.executable, "-c", ON_A_DISK_OF_ITS_OWN, str(home.path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout.strip()) == (0, "whole"), done.stderr


def test_a_clock_that_was_set_back_changes_nothing(full_home):
    if not (faketime := shutil.which("faketime")):
        outcome = pytest.fail if os.environ.get("CI") else pytest.skip
        outcome("NO CLOCK WAS SET BACK: faketime is not installed")
    for offset in ("-400d", "+2h"):
        done = subprocess.run(
            [faketime, "-f", offset, sys.executable, "-c", LATER, str(full_home.path), offset], check=False
        )
        assert done.returncode == 0
    found = snapshot(full_home)
    assert found.positions[TOPIC, 0].received == len(rows(full_home)) == 16
    assert found.positions[TOPIC, 0].next_offset == 16


LATER = """
import sys
from lake.home import Home
from lake.maintenance import maintain
from tests.lake_fixture import record, rows
from tests.sample_events import event
from tests.unit.test_lake import SITE

home = Home(sys.argv[1])
record(home, SITE, [event(id=sys.argv[2]), b"not json"])
maintain(home)
"""
