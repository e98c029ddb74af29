"""The one Delta table of deliveries: made, opened, and flushed to by compare-and-swap.

A flush is one commit: the files of every kind, and per topic partition the next offset and the count received.
What a row holds belongs to lake/rows.py; reading, to lake/snapshot.py; compaction, to lake/maintenance.py.
"""

import json
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import CommitProperties, DeltaTable, PostCommitHookProperties, Schema, Transaction
from deltalake.exceptions import DeltaError, TableNotFoundError
from deltalake.transaction import AddAction

from contracts.errors import EnvironmentProblem
from contracts.pseudonyms import fingerprint
from lake import crash, replayed
from lake.damage import read_whole, written
from lake.judgements import Judgements, between
from lake.replayed import Replayed
from lake.schema import table_schema
from lake.storage import Storage

SECRET_PROPERTY = "b12.secret"  # noqa: S105  # the name of a property
TOPIC_PROPERTY = "b12.topic."
"""Before a topic's UUID: the property that holds `<topic>/<number of partitions>`, so that positions can be listed."""
SITE_PROPERTY = "b12.site."
"""Before the UUID of a topic of several sites and a site's name: whose counts can be asked for."""

ATTEMPTS = 10
"""Commits lose only to other workers and to maintenance, each of which needs a fraction of a second."""

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


class Span(NamedTuple):
    """What a flush says of one topic partition."""

    topic: str
    topic_uuid: str
    partition: int
    start: int | None
    """The next offset that the lake must hold for the flush to be valid; None: it has none yet."""
    next_offset: int
    received: int
    """Deliveries between the two, counted at the transport."""
    by_site: Mapping[str, int] = {}
    """How many of them are of each site, where a topic is of several. What is missing in the sum is of none."""


class Stored(NamedTuple):
    """How far the lake is with one topic partition."""

    next_offset: int
    received: int
    """Deliveries ever received, counted at the transport."""


class Lake:
    """A writer's handle on the table. It is kept for the life of a worker: loading anew gets dearer with each commit.

    Not safe for use by two threads at once; any number of processes may each have one.
    """

    def __init__(self, table: DeltaTable, storage: Storage) -> None:
        self._table = table
        self._storage = storage
        self._synced = -1
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
        return stored(self._table, topic_uuid, partition)

    def judgements(self, topic_uuid: str, partition: int, start: int, end: int) -> Judgements:
        """What became of the deliveries from `start` up to but without `end`, from the newest version."""
        self._refresh()
        with read_whole(self.uri):
            return between(self._table, self._storage, topic_uuid, partition, start, end)

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
        self._refresh()
        self._require_unmoved(spans)
        crash.here("before_files")
        with written(self.uri):
            actions = [self._write(partition, table) for partition, table in tables.items()]
            self._storage.sync_names(action.path for action in actions)
        crash.here("files_written")
        self._commit(spans, actions)
        self._table.update_incremental()  # a commit does not move the handle it was made with
        self._sync()
        crash.here("committed")
        return self.version

    def _refresh(self) -> None:
        with read_whole(self.uri):
            self._table.update_incremental()

    def _commit(self, spans: Sequence[Span], actions: list[AddAction]) -> None:
        failure: Exception | None = None
        for attempt in range(ATTEMPTS):
            if attempt:
                self.retries += 1
                time.sleep(min(0.02 * 2**attempt, 1.0))
                # What an exception leaves behind, in the table or in this handle, is unknown: start from the store.
                self._table = DeltaTable(self._storage.uri)
            try:
                self._widen()
                self._name_topics(spans)
                before = self._require_unmoved(spans)
                self._table.create_write_transaction(
                    actions,
                    "append",
                    self._table.schema(),
                    ["kind"],
                    commit_properties=CommitProperties(app_transactions=self._transactions(spans, before)),
                    post_commithook_properties=_NO_HOOKS,
                )
            except Fenced:
                raise
            except Exception as error:  # whatever it is, the next attempt finds out what became of the commit
                failure = error
            else:
                return
        raise EnvironmentProblem(
            f"the lake at {self._storage.uri} took no commit in {ATTEMPTS} attempts ({type(failure).__name__}):"
            " check the disk's space and rights; nothing is lost, the deliveries are still in Kafka"
        ) from failure

    def _require_unmoved(self, spans: Sequence[Span]) -> list[int]:
        """The counts received before this flush; Fenced unless the lake stands where every span starts."""
        before = []
        for span in spans:
            there = stored(self._table, span.topic_uuid, span.partition)
            if (there.next_offset if there else None) != span.start:
                raise Fenced(f"{span.topic} partition {span.partition}")
            before.append(there.received if there else 0)
        return before

    def _transactions(self, spans: Sequence[Span], before: Sequence[int]) -> list[Transaction]:
        made = []
        for span, count in zip(spans, before, strict=True):
            values = {"next": span.next_offset, "received": count + span.received}
            for site, received in span.by_site.items():
                values[_of_site(site)] = received + received_of(self._table, span.topic_uuid, span.partition, site)
            made += [Transaction(_app_id(span.topic_uuid, span.partition, what), n) for what, n in values.items()]
        return made

    def _write(self, partition: str, table: pa.Table) -> AddAction:
        path = f"kind={partition}/{uuid.uuid4()}.parquet"
        size = self._storage.put(path, table)
        return AddAction(path, size, {"kind": partition}, int(time.time() * 1000), True, json.dumps(_statistics(table)))

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
        known = topics(self._table)
        named: dict[str, tuple[str, int]] = {}
        for span in spans:
            _, count = named.get(span.topic_uuid) or known.get(span.topic_uuid) or ("", 0)
            if span.partition >= count:
                named[span.topic_uuid] = (span.topic, span.partition + 1)
        properties = {f"{TOPIC_PROPERTY}{key}": f"{topic}/{count}" for key, (topic, count) in named.items()}
        present = self._table.metadata().configuration
        replayed = {f"{SITE_PROPERTY}{span.topic_uuid}.{site}": "1" for span in spans for site in span.by_site}
        properties |= {name: value for name, value in replayed.items() if name not in present}
        if properties:
            self._table.alter.set_table_properties(properties, raise_if_not_exists=False)
            self._table.update_incremental()

    def _sync(self) -> None:
        """A commit issues no fsync. Entries of other writers too: ours is worth nothing without those below it."""
        entries = [f"_delta_log/{version:020}.json" for version in range(self._synced + 1, self.version + 1)]
        self._storage.sync(entries[-1000:])
        self._synced = self.version


def stored(table: DeltaTable, topic_uuid: str, partition: int) -> Stored | None:
    """How far a loaded version of the table is with one topic partition."""
    following = table.transaction_version(_app_id(topic_uuid, partition, "next"))
    received = table.transaction_version(_app_id(topic_uuid, partition, "received"))
    return None if following is None or received is None else Stored(following, received)


def topics(table: DeltaTable) -> dict[str, tuple[str, int]]:
    """Name and number of partitions of every topic that a loaded version of the table has rows of, by UUID."""
    found = {}
    for name, value in table.metadata().configuration.items():
        if name.startswith(TOPIC_PROPERTY):
            topic, _, count = value.rpartition("/")
            found[name.removeprefix(TOPIC_PROPERTY)] = (topic, int(count))
    return found


def received_of(table: DeltaTable, topic_uuid: str, partition: int, site: str) -> int:
    """How many deliveries of one site a topic partition of several sites ever gave to a loaded version."""
    return int(table.transaction_version(_app_id(topic_uuid, partition, _of_site(site))) or 0)


def sites(table: DeltaTable, topic_uuid: str) -> list[str]:
    """The sites that a topic of several has given deliveries of to a loaded version."""
    prefix = f"{SITE_PROPERTY}{topic_uuid}."
    named = table.metadata().configuration
    return sorted(name.removeprefix(prefix) for name in named if name.startswith(prefix))


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
            configuration={**_PROPERTIES, SECRET_PROPERTY: mark},
            raise_if_key_not_exists=False,
        )
    except DeltaError:
        return DeltaTable(storage.uri)  # another worker made it a moment ago


def _app_id(topic_uuid: str, partition: int, what: str) -> str:
    return f"b12/{topic_uuid}/{partition}/{what}"


def _of_site(site: str) -> str:
    return f"received/{site}"


def _statistics(table: pa.Table) -> dict[str, object]:
    ends = {name: pc.min_max(table[name]).as_py() for name in ("topic_uuid", "partition", "offset")}
    return {
        "numRecords": table.num_rows,
        "minValues": {name: end["min"] for name, end in ends.items()},
        "maxValues": {name: end["max"] for name, end in ends.items()},
        "nullCount": dict.fromkeys(ends, 0),
    }
