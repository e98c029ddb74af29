"""Where the table's files lie, and how one of them gets there for good.

What a file holds belongs to lake/rows.py; which files make a version, to lake/table.py.
"""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq

if TYPE_CHECKING:
    import duckdb

LEVEL = 1
"""Of zstd: level 3 takes half as much time again and saves a twentieth."""
GROUP_ROWS = 100_000
"""Rows of a row group: docs/explanation/lake.md has the figures."""


class Storage:
    """A directory, or a prefix of an object store that pyarrow knows by its URI."""

    def __init__(self, uri: str) -> None:
        self.uri = uri if "://" in uri else str(Path(uri).absolute())
        if "://" in uri:
            self.files, self.root = pafs.FileSystem.from_uri(uri)
        else:
            self.files, self.root = pafs.LocalFileSystem(), self.uri
        self.is_local = isinstance(self.files, pafs.LocalFileSystem)

    def path(self, relative: str) -> str:
        """A file's path on `self.files`."""
        return f"{self.root.rstrip('/')}/{relative}"

    def put(self, relative: str, table: pa.Table) -> int:
        """Write one Parquet file that outlives a power failure; its size in bytes."""
        path = self.path(relative)
        options = {
            "compression": "zstd",
            "compression_level": LEVEL,
            "use_dictionary": repetitive(table.schema),
            "write_statistics": with_statistics(table.schema),
            "row_group_size": GROUP_ROWS,
        }
        if not self.is_local:
            pq.write_table(table, path, filesystem=self.files, **options)
            return int(self.files.get_file_info(path).size)
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        try:
            with Path(path).open("xb") as file:
                pq.write_table(table, file, **options)
                file.flush()
                os.fsync(file.fileno())
                return file.tell()
        except OSError:
            Path(path).unlink(missing_ok=True)  # of a full disk, a part of a file that no commit will name takes more
            raise

    def exists(self, relative: str) -> bool:
        """Whether a file is there."""
        return bool(self.files.get_file_info(self.path(relative)).type == pafs.FileType.File)

    def sync(self, relatives: Iterable[str]) -> None:
        """Make files that others wrote, and their names, outlive a power failure."""
        names = list(relatives)
        for relative in names if self.is_local else ():
            self._sync_one(relative)
        self.sync_names(names)

    def sync_names(self, relatives: Iterable[str]) -> None:
        """The same for the names alone, of files that are safe themselves: a new file is an entry in a directory."""
        directories = {directory for relative in relatives for directory in PurePosixPath(relative).parents}
        for directory in sorted(directories, reverse=True) if self.is_local else ():
            self._sync_one(str(directory))

    def _sync_one(self, relative: str) -> None:
        with suppress(FileNotFoundError):  # a log entry that a clean-up removed: a checkpoint stands for it
            sync(self.path(relative))


def let_read(connection: "duckdb.DuckDBPyConnection", uris: Iterable[str]) -> None:
    """Let DuckDB read these files of one lake. By itself it would have to download an extension for an object store."""
    remote = next((uri for uri in uris if "://" in uri), None)
    if remote is not None:
        from fsspec.implementations.arrow import ArrowFSWrapper

        files, _ = pafs.FileSystem.from_uri(remote)
        connection.register_filesystem(ArrowFSWrapper(files))


def sync(path: Path | str) -> None:
    """Have a file's content, or the names in a directory, survive a power failure."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def repetitive(schema: pa.Schema) -> list[str]:
    """The columns that a dictionary makes smaller: codes, not keys, numbers or texts of numbers."""
    return [column.name for column in schema if pa.types.is_string(column.type) and not column.name.endswith("_text")]


def with_statistics(schema: pa.Schema) -> list[str]:
    """The columns whose smallest and greatest value tell something: all but the halves of keys."""
    return [column.name for column in schema if not is_key(column.name)]


def is_key(column: str) -> bool:
    """Whether a column holds half of a pseudonym."""
    return column.endswith(("_hi", "_lo"))
