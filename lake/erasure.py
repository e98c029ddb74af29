"""Families who withdrew, taken out of the lake: one commit after which no row of theirs is left.

Where each of their deliveries stood stays, so that what was received remains accounted for. Who is erased belongs to
lake/tombstones.py; the files that this replaces go with the maintenance, like those of a compaction.
"""

import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError
from deltalake.transaction import AddAction, RemoveAction

from contracts.errors import EnvironmentProblem
from contracts.pseudonyms import halves
from lake import crash
from lake.compaction import NO_HOOKS, claim, sizes
from lake.damage import read_whole, written
from lake.files import add
from lake.schema import ERASED, KEYS, REFUSED, schema, table_schema
from lake.storage import Storage
from lake.tombstones import Subject

ATTEMPTS = 10
"""It loses only to compactions and to other erasures."""

_KEYS = [f"{key}_{half}" for key in KEYS for half in ("hi", "lo")]


class Erased(NamedTuple):
    """What was done. Counts alone: safe to be shown anywhere."""

    deliveries: Mapping[str, int]
    """By site: rows of which nothing but their place is left."""
    files: int
    """How many were written anew."""


NOTHING = Erased({}, 0)


def erase(uri: str, gone: Collection[Subject], progress: Callable[[str], None] = lambda _words: None) -> Erased:
    """Erase every row of these subjects from the newest version on. Older versions keep them until they are removed.

    An accepted delivery leaves its place in the partition `erased`; a refused one stays where it is, without its keys.
    Safe beside writers and readers, and to repeat. EnvironmentProblem when no commit got through.
    """
    storage = Storage(uri)
    for attempt in range(ATTEMPTS if gone else 0):
        time.sleep(min(0.05 * 2**attempt, 2.0) if attempt else 0)
        with read_whole(storage.uri):
            table = DeltaTable(storage.uri)
            try:
                if claim(table):
                    return _erased(table, storage, gone, progress)
            except CommitFailedError:
                continue  # a compaction or another erasure was quicker: the files are other ones now
    if not gone:
        return NOTHING
    raise EnvironmentProblem(
        f"the lake at {storage.uri} took no erasure in {ATTEMPTS} attempts: another maintenance is at work there; run"
        " this again when it has ended"
    )


def _erased(table: DeltaTable, storage: Storage, gone: Collection[Subject], progress: Callable[[str], None]) -> Erased:
    counts: Counter[str] = Counter()
    actions: list[AddAction | RemoveAction] = []
    places: list[pa.Table] = []
    found = sizes(table)
    now = int(time.time() * 1000)
    files = 0
    for number, (path, size) in enumerate(found.items(), 1):
        kind = path.partition("/")[0].removeprefix("kind=")
        if kind == ERASED:
            continue
        progress(f"looking through file {number} of {len(found)} of the lake")
        theirs = _theirs(storage, path, gone)
        if not any(theirs):
            continue
        rows = _whole(storage, path)
        mask = pa.array(theirs)
        counts.update(rows["site"].filter(mask).to_pylist())
        kept = _without_keys(rows, mask) if kind == REFUSED else rows.filter(pc.invert(mask))
        if kind != REFUSED:
            places.append(_places(rows.filter(mask)))
        with written(storage.uri):
            actions.append(RemoveAction(path, True, now, size, {"kind": kind}))
            actions += [add(storage, kind, kept)] if len(kept) else []
        files += 1
    if not actions:
        return NOTHING
    with written(storage.uri):
        actions += [add(storage, ERASED, pa.concat_tables(places))] if places else []
        storage.sync_names(action.path for action in actions)
    crash.here("erasure_written")
    table.create_write_transaction(actions, "append", table.schema(), ["kind"], post_commithook_properties=NO_HOOKS)
    crash.here("erased")
    table.update_incremental()
    storage.sync([f"_delta_log/{int(table.version()):020}.json"])
    return Erased(dict(counts), files)


def _theirs(storage: Storage, path: str, gone: Collection[Subject]) -> list[bool]:
    """Of each row of a file, whether it is one of these subjects'. Empty when none is: most files hold none."""
    names = ["site", "subject_hi", "subject_lo"]
    rows = _file(storage, path, names)
    keys = {(subject.site, *halves(subject.key)) for subject in gone}
    may_be = pc.is_in(rows["subject_hi"], pa.array([high for _, high, _ in keys], pa.int64()))
    places = pc.indices_nonzero(may_be).to_pylist()
    theirs = [False] * rows.num_rows if places else []
    few = zip(*(rows[name].take(places).to_pylist() for name in names), strict=True) if places else ()
    for place, row in zip(places, few, strict=True):
        theirs[place] = row in keys
    return theirs


def _whole(storage: Storage, path: str) -> pa.Table:
    """A file as a flush would have written it; a compaction writes other types of text."""
    rows = _file(storage, path)
    types = table_schema()
    return rows.cast(pa.schema([types.field(name) for name in rows.column_names]))


def _file(storage: Storage, path: str, columns: list[str] | None = None) -> pa.Table:
    with storage.files.open_input_file(storage.path(path)) as file:
        return pq.ParquetFile(file).read(columns)


def _without_keys(rows: pa.Table, mask: pa.Array) -> pa.Table:
    nothing = pa.scalar(None, pa.int64())
    for name in _KEYS:
        place = rows.column_names.index(name)
        rows = rows.set_column(place, rows.field(name), pc.if_else(mask, nothing, rows[name]))
    return rows


def _places(rows: pa.Table) -> pa.Table:
    """What stays of accepted deliveries: where they stood, and of replays, what they repeated."""
    wanted = schema(ERASED)
    said = {*_KEYS, "event_time"}
    columns = [
        pa.nulls(len(rows), field.type)
        if field.name in said or field.name not in rows.column_names
        else rows[field.name]
        for field in wanted
    ]
    return pa.table(columns, schema=wanted)
