"""From bytes to a committed lake, beside a bare loop of pyarrow.json and write_deltalake that checks nothing."""

import io
import shutil
import tempfile
import uuid
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.json as pj
from deltalake import write_deltalake

from bench.events import SITE, lab_results
from bench.timing import Comparison, compare
from contracts.judge import judge
from contracts.pseudonyms import site_key
from lake.positions import Span
from lake.rows import Batch, tables
from lake.table import Lake

_SECRET = bytes(32)
_RECEIVED = datetime(2026, 11, 1, tzinfo=UTC)
_RECEIVED_MS = int(_RECEIVED.timestamp() * 1000)


def measure() -> Comparison:
    """Judge, pseudonymise and commit 50,000 lab results in one flush."""
    events = lab_results(50_000)
    with tempfile.TemporaryDirectory(prefix="b12-bench-") as directory:

        def ours() -> None:
            home = Path(directory) / "ours"
            lake = Lake.open(str(home), _SECRET)
            topic_uuid = str(uuid.uuid4())
            batch = Batch(SITE, site_key(_SECRET, SITE.id), topic_uuid, 0)
            for offset, raw in enumerate(events):
                batch.offsets.append(offset)
                batch.received_ms.append(_RECEIVED_MS)
                batch.sizes.append(len(raw))
                batch.judged.append(judge(raw, SITE, _RECEIVED))
            lake.flush([Span(SITE.events_topic, topic_uuid, 0, None, len(batch), len(batch))], tables(batch))
            shutil.rmtree(home)

        def theirs() -> None:
            home = Path(directory) / "theirs"
            write_deltalake(str(home), pj.read_json(io.BytesIO(b"\n".join(events))))
            shutil.rmtree(home)

        return compare("judge, key and commit", ours, "pyarrow.json + write_deltalake, no checks", theirs, len(events))
