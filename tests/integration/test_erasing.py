"""`b12 erase` as an operator runs it: asked once, done whole, and nothing of the family left but what it lists."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from unittest.mock import create_autospec
from uuid import UUID

import duckdb
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from b12 import cli, erasing
from contracts.pseudonyms import as_uuid, halves, pseudonym, site_key
from expectations.process import Auditor
from lake.home import Home
from lake.maintenance import thorough
from lake.upkeep import Kept
from pipelines.build import Finished
from registry import freezing, release
from tests.integration.test_pipeline_gate import build
from tests.lake_fixture import record
from tests.registry_fixture import BLR01
from tests.sample_events import event

CODE, ID, RECORD = "GONEFAMILY4711", "gone-event-0815", "gone-record-0816"
STAYS = event("enrolment", subject="STAYS", id="stays")
SENT = [
    event("enrolment", subject=CODE, id=ID, record=RECORD),
    event("lab_result", subject=CODE, id=f"{ID}-r", record=f"{RECORD}-r"),
    event("lab_result", subject=CODE, id=f"{ID}-refused", data={"loinc": "0"}),
]
WITHDRAWN = event(
    "consent",
    subject=CODE,
    id=f"{ID}-w",
    time="2026-06-01T08:00:00Z",
    data={"status": "withdrawn", "scopes": ["sharing"], "effective": "2026-06-01"},
)


def built(home: Home) -> Finished:
    """A build of which no suite asks anything: what they say is told in test_pipeline_gate.py."""
    auditor = create_autospec(Auditor, instance=True)
    auditor.run.return_value = []
    return build(home, auditor)


@pytest.fixture
def home(home: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home with a release that holds the family, and the family's withdrawal after it."""
    monkeypatch.setenv("B12_HOME", str(home.path))
    monkeypatch.setattr(erasing, "run_in_process", built)
    home.ensure_secret()
    home.put_site(BLR01)
    record(home, BLR01, [STAYS, *SENT])
    built(home)
    record(home, BLR01, [WITHDRAWN])
    return home


def b12(*arguments: str, answer: str = "") -> str:
    return CliRunner().invoke(cli.build(), ["erase", *arguments], input=answer, catch_exceptions=False).output


def test_it_is_gone_from_every_byte_once_what_is_listed_has_expired(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = freezing.freeze(home, "trial-2027")
    assert "Nobody is to be erased" in b12("--dry-run"), "the last build has not heard of it"
    refused = b12(answer="n\n")
    assert "BLR01: 1 to erase" in refused
    assert f"{first.id}: holds 1" in refused
    assert release.release_file(home, first.id).exists()
    assert not home.erased_file.exists()
    assert {path.parts[0] for path in found(home)} == {"lake", "releases", "operators.duckdb"}

    monkeypatch.setattr(erasing, "run_in_process", lambda _: Finished("", None, False, 0, {}, ["the disk is full"]))
    with pytest.raises(erasing.NotBuilt, match=r"the disk is full; .* run `b12 erase` again"):
        b12("--yes")
    assert release.release_file(home, first.id).exists()
    monkeypatch.setattr(erasing, "run_in_process", built)
    done = b12("--yes")
    assert "1 older releases revoked" in done
    assert "Kafka's topics" in done
    assert not release.release_file(home, first.id).exists()
    assert release.one(home, "trial-2027").revoked
    assert release.current(home).tables["core.subjects"].rows == 1
    assert {path.parts[0] for path in found(home)} == {"lake"}, "files that were replaced"
    expire(home)
    assert found(home) == set()
    assert b12("--yes") == "Nobody is to be erased.\n"

    record(home, BLR01, SENT)
    assert "BLR01: 1 to erase" in b12("--dry-run")
    erasing.erase(home, erasing.due(home))
    expire(home)
    assert found(home) == set()
    assert release.current(home).tables["core.subjects"].rows == 1


def expire(home: Home) -> None:
    """What `b12 erase` lists of the lake comes to pass."""
    thorough(home.lake, Kept(timedelta(0), timedelta(0)))


def found(home: Home) -> set[Path]:
    """The files of the home in which a code, an id or a key of the family stands, whatever they are compressed with."""
    key = site_key(home.secret(), BLR01.id)
    codes = [("subject", CODE), *(("id", f"{ID}{end}") for end in ("", "-r", "-refused", "-w")), ("record", RECORD)]
    keys = [pseudonym(key, role, code) for role, code in codes]
    texts = {CODE, ID, RECORD, *(key.hex() for key in keys), *(str(as_uuid(key)) for key in keys)}
    raw = [text.encode() for text in texts] + keys
    raw += [half.to_bytes(8, order, signed=True) for key in keys for half in halves(key) for order in ("little", "big")]
    values = texts | {half for key in keys for half in halves(key)}
    return {
        path.relative_to(home.path)
        for path in home.path.rglob("*")
        if path.is_file()
        and (any(part in path.read_bytes() for part in raw) or any(value in values for value in _values(path)))
    }


def _values(path: Path) -> Iterator[object]:
    """What the tables of a file hold; UUIDs as text."""
    if path.suffix == ".parquet" and "_delta_log" not in path.parts:
        for row in pq.ParquetFile(path).read().to_pylist():
            yield from (value for value in row.values() if isinstance(value, str | int))
    elif path.suffix == ".duckdb":
        with duckdb.connect(str(path), read_only=True) as connection:
            for schema, name in connection.execute("SELECT schema_name, table_name FROM duckdb_tables()").fetchall():
                for row in connection.execute(f"FROM {schema}.{name}").fetchall():
                    yield from (str(value) for value in row if isinstance(value, UUID | str))
    elif path.read_bytes().startswith(b"SQLite format 3"):
        with closing(sqlite3.connect(path)) as connection:
            for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                for row in connection.execute(f'SELECT * FROM "{name}"').fetchall():
                    yield from (value for value in row if isinstance(value, str))
