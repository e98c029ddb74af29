"""A release opens with the client of DuckDB's line before: analysts do not all upgrade at once.

Two versions cannot live in one environment, so this makes a small one of its own.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lake.home import Home
from registry import release
from tests.registry_fixture import BLR01, given
from tests.sample_events import one_of_each

OLDER = "1.4.*"
"""The oldest line that reads registry.build.STORAGE_VERSION."""

ASK = """
import json, sys
import duckdb
connection = duckdb.connect(sys.argv[1], read_only=True)
tables = connection.execute("SELECT schema_name, table_name FROM duckdb_tables()").fetchall()
for schema, table in tables:
    connection.execute(f'SELECT * FROM {schema}."{table}"').fetchall()
[(comment,)] = connection.execute(
    "SELECT comment FROM duckdb_tables() WHERE schema_name = 'core' AND table_name = 'subjects'").fetchall()
rows = connection.execute("SELECT analyte, value::VARCHAR FROM core.lab_results").fetchall()
print(json.dumps({"version": duckdb.__version__, "tables": len(tables), "comment": comment, "rows": rows}))
"""


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with the older client."""
    directory = tmp_path_factory.mktemp("older")
    python = directory / "bin" / "python"
    uv = [sys.executable, "-m", "uv"]
    for command in (
        [*uv, "venv", "--quiet", "--python", sys.executable, str(directory)],
        [*uv, "pip", "install", "--quiet", "--python", str(python), f"duckdb=={OLDER}"],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        if done.returncode != 0:
            without_older_client(done.stderr)
    return python


def test_a_release_opens_with_the_line_before(older: Path, home: Home, tmp_path: Path) -> None:
    published = release.make(home, given(tmp_path, {BLR01: one_of_each()}), threads=1)

    asked = subprocess.run(
        [str(older), "-c", ASK, str(published.file)], capture_output=True, text=True, check=False, timeout=60
    )

    assert asked.stderr == ""
    answer = json.loads(asked.stdout)
    assert answer["version"].startswith("1.4.")
    assert answer["tables"] == len(published.manifest.tables)
    assert answer["comment"].startswith("Every subject of the release")
    assert answer["rows"] == [["b12", "87.430011000000"]]


def without_older_client(problem: str) -> None:
    """It cannot be had here: a failure where it must (CI), a skip that says why anywhere else."""
    if os.environ.get("CI"):
        pytest.fail(f"CI is set, and duckdb {OLDER} cannot be installed: {problem}")
    pytest.skip(f"NO DUCKDB {OLDER}, SO NOTHING WAS TESTED HERE: {problem}")
