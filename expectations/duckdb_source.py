"""DuckDB as a data source of Great Expectations, by SQL push-down: no row leaves the database.

What is asked of the data belongs in suites.py and release.py.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import sqlalchemy as sa

from expectations.gx import (
    Field,
    PrivateAttr,
    SqlAlchemyExecutionEngine,
    SQLDatasource,
    get_context,
)


class DuckDBExecutionEngine(SqlAlchemyExecutionEngine):
    """Keeps one connection open: DuckDB's cursors are empty once their connection is closed.

    Great Expectations 1.24 closes it before it reads the cursor, for every database that it does not list as one
    with persisted connections. Goes when DuckDB is on that list.
    """

    @contextmanager
    def get_connection(self) -> Iterator[sa.Connection]:
        """The one connection, opened on first use."""
        if self._connection is None:
            self._connection = self.engine.connect()
        yield self._connection


_EngineClass = type[DuckDBExecutionEngine]  # inside the class below, `type` is the name of a field


class DuckDBDatasource(SQLDatasource):
    """Databases attached read-only, each under a catalog name, to a connection that has no file of its own."""

    type: Literal["duckdb"] = "duckdb"
    connection_string: str = "duckdb:///:memory:"
    attach: dict[str, str] = Field(default_factory=dict)
    """Path of each database by the catalog name that SQL gives it."""

    # Great Expectations would make an engine of its own besides the datasource's: here they share one.
    _shared: DuckDBExecutionEngine | None = PrivateAttr(None)

    @property
    def execution_engine_type(self) -> _EngineClass:
        """The engine that keeps its connection."""
        return DuckDBExecutionEngine

    def get_execution_engine(self) -> DuckDBExecutionEngine:
        """The engine, on the connection that has the databases attached."""
        if self._shared is None:
            self._shared = DuckDBExecutionEngine(engine=self.get_engine(), create_temp_table=False)
        return self._shared

    def _create_engine(self) -> sa.Engine:
        engine = sa.create_engine(self.connection_string, poolclass=sa.StaticPool)

        @sa.event.listens_for(engine, "connect")
        def attach(connection: Any, _record: Any) -> None:
            for catalog, path in self.attach.items():
                quoted = path.replace("'", "''")
                connection.execute(f"ATTACH '{quoted}' AS {catalog} (READ_ONLY)")

        return engine

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What a query of our own answers, on the same connection."""
        with self.get_execution_engine().get_connection() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(query).fetchall()]

    def close(self) -> None:
        """Let go of the files."""
        if self._shared is not None and self._shared._connection is not None:
            self._shared._connection.close()
        self.get_engine().dispose()


@contextmanager
def opened(databases: dict[str, str]) -> Iterator[DuckDBDatasource]:
    """A data source over `databases` (path by catalog name, all read-only), in a context that writes nothing."""
    context = get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    # The context lives for one run: writing it out as YAML with each table that is added took half of the time.
    context._save_project_config = lambda: None
    source = context.data_sources.add_or_update_duckdb(name="build", attach=databases)
    try:
        yield source
    finally:
        source.close()
