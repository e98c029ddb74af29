"""The same lake, code and cut-off give the same content: in two processes with other threads, time zones and clocks."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec

from tests.registry_fixture import BLR01, OSL01, given
from tests.sample_events import event, one_of_each

SCRIPT = """
import sys
import traceback
from datetime import date
from pathlib import Path
import msgspec
from registry import build, content, inputs
from registry.inputs import Inputs

raw, directory, threads = sys.argv[1:]
lake = msgspec.json.decode(raw, type=Inputs)
candidate, operators = Path(directory, "release.duckdb"), Path(directory, "operators.duckdb")
for _ in build.run(lake, candidate, operators, threads=int(threads)):
    pass
with build.opened(candidate, operators, read_only=True) as connection:
    tables = content.of_release(connection, "release")
    names = [row[0] for row in connection.execute(
        "SELECT table_name FROM duckdb_tables() WHERE database_name = 'staging'").fetchall()]
    tables |= {f"staging.{name}": content.of_table(connection, f"staging.{name}") for name in names}
print({name: table.fingerprint for name, table in sorted(tables.items())})
"""


def test_the_same_lake_and_cut_off_give_the_same_content_table_by_table(tmp_path: Path) -> None:
    many = [
        event(kind, site, id=f"{kind}-{number}", record=f"{kind}-{number}", subject=f"S{number % 40}")
        for site in ("BLR01",)
        for number in range(120)
        for kind in ("enrolment", "lab_result", "milestone", "dose", "symptom")
    ]
    lake = given(tmp_path, {BLR01: [*many, *one_of_each()], OSL01: one_of_each("OSL01")})
    raw = msgspec.json.encode(lake).decode()

    def content(name: str, threads: int, command: list[str], **environment: str) -> str:
        (tmp_path / name).mkdir()
        return subprocess.run(
            [*command, sys.executable, "-c", SCRIPT, raw, str(tmp_path / name), str(threads)],
            env={**os.environ, **environment},
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    one = content("one", 1, [], TZ="UTC")
    # Debian's faketime gives another clock; without it the models' SQL is still read for clocks (tests/models).
    clock = [faketime, "2031-02-03 04:05:06"] if (faketime := shutil.which("faketime")) else []
    two = content("two", 2, clock, TZ="Pacific/Kiritimati", LANG="de_DE.UTF-8")
    assert one == two
    assert "core.lab_results" in one
