"""The one Delta table of deliveries: made, opened, and flushed to by compare-and-swap.

A flush is one commit: the files of every kind, and per topic partition the next offset and the count received.
What a row holds belongs to lake/rows.py; reading, to lake/snapshot.py; compaction, to lake/maintenance.py.
"""

import time
from collections.abc import Mapping, Sequence

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, PostCommitHookProperties, Schema
from deltalake.exceptions import DeltaError, TableNotFoundError
from deltalake.transaction import AddAction

from contracts.errors import EnvironmentProblem
from contracts.pseudonyms import fingerprint
from lake import crash, replayed
from lake.checkpoints import checkpoint
from lake.damage import read_whole, written
from lake.files import add
from lake.judgements import Judgements, accepted, between
from lake.positions import Span, Stored, new_names, stored, transactions
from lake.replayed import Replayed
from lake.schema import table_schema
from lake.storage import Storage
from lake.upkeep import retention

SECRET_PROPERTY = "b12.secret"  # noqa: S105  # the name of a property

LATE_SECONDS = 3600
"""A commit that took longer is not believed. Whoever slept in the middle of one may have written an entry of the log
that was cleaned up meanwhile (lake/upkeep.py keeps them for twice as long), which nobody ever reads."""

ATTEMPTS = 10
"""Commits lose only to other workers and to maintenance, each of which needs a fraction of a second."""

_ENTRIES = 1000
"""Of the log that are made safe at most: older ones stand in a checkpoint."""

_PROPERTIES = {
    # What receipts are rebuilt by; statistics of anything else would be reported values in the log.
    "delta.dataSkippingStatsColumns": "topic_uuid,partition,offset",
}
# Checkpoints and clean-up are lake/maintenance.py's, at moments of its choosing.
_NO_HOOKS = PostCommitHookProperties(create_checkpoint=False, cleanup_expired_logs=False)


class Fenced(Exception):
    """The lake holds another offset than the buffer starts at: another worker was here, or this one without knowing.

    The buffer must be discarded and reading go on at the stored offset.
    """


class Lake:
    """A writer's handle on the table. It is kept for the life of a worker: loading anew gets dearer with each commit.

    Not safe for use by two threads at once; any number of processes may each have one.
    """

    def __init__(self, table: DeltaTable, storage: Storage) -> None:
        self._table = table
        self._storage = storage
        self._synced = -1
        self._known: tuple[int, dict[tuple[str, int], Stored]] = (-1, {})
        """Of a version: what this handle itself committed. To ask the table means to read its log, every time."""
        self.retries = 0
        """Commits that had to be tried again, since it was opened."""

    @classmethod
    def open(cls, uri: str, secret: bytes) -> "Lake":
        """Open the table, or make it. EnvironmentProblem when it was made under another secret."""
        storage = Storage(uri)
        mark = fingerprint(secret)
        with read_whole(storage.uri):
            lake = cls(_open_or_create(storage, mark), storage)
        if lake._table.metadata().configuration.get(SECRET_PROPERTY) != mark:
            raise EnvironmentProblem(
                f"the lake at {storage.uri} was written under another pseudonym secret, so new keys would not match"
                " those in it: restore secrets/pseudonym.key from the backup that belongs to this lake"
            )
        lake._widen()
        lake._sync()
        return lake

    @property
    def uri(self) -> str:
        """Where the table is."""
        return self._storage.uri

    @property
    def version(self) -> int:
        """The version last seen."""
        return int(self._table.version())

    def stored(self, topic_uuid: str, partition: int) -> Stored | None:
        """How far the newest version is with one topic partition; None before its first flush."""
        self._refresh()
        return self._stored(topic_uuid, partition)

    def judgements(self, topic_uuid: str, partition: int, start: int, end: int) -> Judgements:
        """What became of the deliveries from `start` up to but without `end`, from the newest version."""
        self._refresh()
        with read_whole(self.uri):
            return between(self._table, self._storage, topic_uuid, partition, start, end)

    def rows(
        self, columns: Mapping[str, list[str]], topic_uuid: str, partition: int, start: int, end: int
    ) -> dict[str, pa.Table]:
        """The accepted deliveries of some kinds in such a range: of each kind, these columns."""
        self._refresh()
        with read_whole(self.uri):
            return accepted(self._table, self._storage, columns, topic_uuid, partition, start, end)

    def replayed(self, topic_uuid: str, partition: int, start: int, end: int) -> list[Replayed]:
        """The same of the replay topic."""
        self._refresh()
        with read_whole(self.uri):
            return replayed.between(self._table, self._storage, topic_uuid, partition, start, end)

    def flush(self, spans: Sequence[Span], tables: Mapping[str, pa.Table]) -> int:
        """Commit the rows of `tables` (by partition of the lake) and the spans they come from; a version with them.

        Either all of it is in the lake and will survive a power failure, or none of it is. Raises Fenced when the
        lake is not where the spans start, EnvironmentProblem when no commit got through.
        """
        began = _clock()
        self._refresh()
        before = self._require_unmoved(spans)
        crash.here("before_files")
        with written(self.uri):
            actions = [add(self._storage, partition, table) for partition, table in tables.items()]
            self._storage.sync_names(action.path for action in actions)
        crash.here("files_written")
        upon = self._commit(spans, actions, before)
        if _clock() - began > LATE_SECONDS:
            self._table = DeltaTable(self._storage.uri)
            raise Fenced("a flush that took over an hour: what became of it is read from the lake")
        self._table.update_incremental()  # a commit does not move the handle it was made with
        self._remember(spans, *upon)
        self._sync()
        crash.here("committed")
        return self.version

    def checkpoint(self) -> None:
        """Write one of the newest version."""
        self._refresh()
        with read_whole(self.uri):
            checkpoint(self._table, self._storage)

    def _refresh(self) -> None:
        with read_whole(self.uri):
            self._table.update_incremental()

    def _commit(self, spans: Sequence[Span], actions: list[AddAction], before: list[int]) -> tuple[list[int], int]:
        """`before` are the counts received as the handle's version has them; the same of the version committed upon."""
        failure: Exception | None = None
        version = self.version
        for attempt in range(ATTEMPTS):
            if attempt:
                self.retries += 1
                time.sleep(min(0.02 * 2**attempt, 1.0))
                # What an exception leaves behind, in the table or in this handle, is unknown: start from the store.
                self._table, version = DeltaTable(self._storage.uri), -1
            try:
                self._widen()
                self._name_topics(spans)
                if self.version != version:  # each look at a stored offset reads the log again
                    before, version = self._require_unmoved(spans), self.version
                self._table.create_write_transaction(
                    actions,
                    "append",
                    self._table.schema(),
                    ["kind"],
                    commit_properties=CommitProperties(app_transactions=[*transactions(self._table, spans, before)]),
                    post_commithook_properties=_NO_HOOKS,
                )
            except Fenced:
                raise
            except Exception as error:  # whatever it is, the next attempt finds out what became of the commit
                failure = error
            else:
                return before, version
        raise EnvironmentProblem(
            f"the lake at {self._storage.uri} took no commit in {ATTEMPTS} attempts ({type(failure).__name__}):"
            " check the disk's space and rights; nothing is lost, the deliveries are still in Kafka"
        ) from failure

    def _stored(self, topic_uuid: str, partition: int) -> Stored | None:
        version, known = self._known
        mine = known.get((topic_uuid, partition)) if version == self.version else None
        return mine or stored(self._table, topic_uuid, partition)

    def _remember(self, spans: Sequence[Span], before: Sequence[int], version: int) -> None:
        """Know what was committed upon a version, unless somebody else has committed since."""
        if self.version == version + 1:
            known = self._known[1] if self._known[0] == version else {}
            mine = {
                (span.topic_uuid, span.partition): Stored(span.next_offset, count + span.received)
                for span, count in zip(spans, before, strict=True)
            }
            self._known = (self.version, known | mine)

    def _require_unmoved(self, spans: Sequence[Span]) -> list[int]:
        """The counts received before this flush; Fenced unless the lake stands where every span starts."""
        before = []
        for span in spans:
            there = self._stored(span.topic_uuid, span.partition)
            if (there.next_offset if there else None) != span.start:
                raise Fenced(f"{span.topic} partition {span.partition}")
            before.append(there.received if there else 0)
        return before

    def _widen(self) -> None:
        """Add the columns that a newer contract has: a commit alone would not, and compaction would then drop them."""
        ours = Schema.from_arrow(table_schema())
        theirs = {column.name: column.type for column in self._table.schema().fields}
        for column in ours.fields:
            if column.name in theirs and theirs[column.name] != column.type:
                raise EnvironmentProblem(
                    f"the lake's column {column.name} has another type than this release of the software gives it:"
                    " start the release that wrote the lake"
                )
        missing = [column for column in ours.fields if column.name not in theirs]
        if missing:
            self._table.alter.add_columns(missing, post_commithook_properties=_NO_HOOKS)
            self._table.update_incremental()

    def _name_topics(self, spans: Sequence[Span]) -> None:
        if properties := new_names(self._table, spans):
            self._table.alter.set_table_properties(properties, raise_if_not_exists=False)
            self._table.update_incremental()

    def _sync(self) -> None:
        """A commit issues no fsync. Entries of other writers too: ours is worth nothing without those below it."""
        first = max(self._synced, self.version - _ENTRIES) + 1  # when it is opened, nothing is known to be synced
        self._storage.sync(f"_delta_log/{version:020}.json" for version in range(first, self.version + 1))
        self._synced = self.version


def _open_or_create(storage: Storage, mark: str) -> DeltaTable:
    try:
        return DeltaTable(storage.uri)
    except TableNotFoundError:
        pass
    try:
        return DeltaTable.create(
            storage.uri,
            table_schema(),
            partition_by=["kind"],
            configuration={**_PROPERTIES, **retention().properties(), SECRET_PROPERTY: mark},
            raise_if_key_not_exists=False,
        )
    except DeltaError:
        return DeltaTable(storage.uri)  # another worker made it a moment ago


def _clock() -> float:
    """Seconds of a clock that goes on while the machine sleeps, and that nobody sets."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()
