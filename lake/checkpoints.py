"""Checkpoints of the table's log: what a reader starts from, and what older entries may go for.

When they are written belongs to lake/maintenance.py.
"""

from deltalake import DeltaTable

from lake.storage import Storage


def checkpoint(table: DeltaTable, storage: Storage) -> None:
    """Write one of the loaded version, and remove the entries of the log that are older than the table keeps them.

    The checkpoint is safe from a power failure before any entry goes that it stands for.
    """
    name = f"_delta_log/{int(table.version()):020}.checkpoint.parquet"
    if not storage.exists(name):
        table.create_checkpoint()
    storage.sync([name, "_delta_log/_last_checkpoint"])
    table.cleanup_metadata()
