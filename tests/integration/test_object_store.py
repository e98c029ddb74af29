"""A lake on an object store is written, fenced, read, maintained, backed up and restored like one on a disk."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow.fs as pafs
import pytest

from b12.backup import make
from b12.restore import restore
from contracts.site import Site
from lake import crash, dead_letters
from lake.home import Home
from lake.maintenance import maintain
from lake.schema import REFUSED
from lake.snapshot import snapshot
from lake.table import Fenced
from registry.build import opened
from registry.inputs import attach, pinned
from tests.lake_fixture import RECEIVED, record, topic_uuid_of
from tests.sample_events import event

SITE = Site(id="BLR01", name="A laboratory", country="IN", time_zone="Asia/Kolkata", synthetic=True)
# A process of its own: deltalake keeps Python's lock while it asks the store, which then could not answer.
STORE = """
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
input()
"""


@pytest.fixture
def home(home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """A home whose lake lies in a bucket on loopback."""
    streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([sys.executable, "-c", STORE], text=True, **streams) as store:
        assert store.stdin
        assert store.stdout
        try:
            settings = {
                "AWS_ENDPOINT_URL": f"http://127.0.0.1:{int(store.stdout.readline())}",
                "AWS_ALLOW_HTTP": "true",
                "AWS_ACCESS_KEY_ID": "none",
                "AWS_SECRET_ACCESS_KEY": "none",
                "AWS_REGION": "us-east-1",
                "AWS_DEFAULT_REGION": "us-east-1",
                "B12_LAKE": "s3://bucket/lake/deliveries",
            }
            for name, value in settings.items():
                monkeypatch.setenv(name, value)
            pafs.FileSystem.from_uri("s3://bucket?allow_bucket_creation=true")[0].create_dir("bucket")
            home.ensure_secret()
            home.put_site(SITE)
            yield home
        finally:
            store.kill()


def received(home: Home, directory: Path) -> dict[str, int]:
    """Rows by kind as a build reads them."""
    given = pinned(home, snapshot(home), RECEIVED.date())
    with opened(directory / "candidate.duckdb", directory / "operators.duckdb") as connection:
        attach(connection, given)
        return {
            kind: connection.execute(f"SELECT count(*) FROM staging.lake_{kind}").fetchall()[0][0]
            for kind in given.files
        }


def test_a_lake_in_a_bucket_is_a_lake(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record(home, SITE, [event(id="a"), b"not json"])

    def overtaken(point: str) -> None:
        if point == "files_written":
            monkeypatch.setattr(crash, "here", lambda _: None)
            record(home, SITE, [event(id="b")])

    monkeypatch.setattr(crash, "here", overtaken)
    with pytest.raises(Fenced):  # by the store: a log entry that is there is not written over
        record(home, SITE, [event(id="c")])

    done = maintain(home)
    assert (done.files_before, done.files_after) == (3, 2)
    shot = snapshot(home)
    assert [position[:2] for position in shot.positions.values()] == [(3, 3)]
    assert received(home, tmp_path) == {"lab_result": 2, REFUSED: 1}
    with dead_letters.opened(shot, {(topic_uuid_of(SITE), 0): 0}) as letters:
        assert len(list(letters.letters(SITE.id))) == 1

    make(home, tmp_path / "backup")
    monkeypatch.setenv("B12_LAKE", "s3://bucket/restored")
    other = Home(tmp_path / "other")
    restore(tmp_path / "backup", other)
    assert snapshot(other).positions == shot.positions
    (tmp_path / "again").mkdir()
    assert received(other, tmp_path / "again") == {"lab_result": 2, REFUSED: 1}
