"""Great Expectations' access to the staged rows: a SQL data source over connections that the warehouse hands out."""

import atexit
import sys
from collections.abc import Iterable
from typing import Any, ClassVar, Literal, cast

from sqlalchemy import CursorResult, Selectable, TextClause
from sqlalchemy.pool import NullPool

from expectations.gx import BatchDefinition, EphemeralDataContext, SqlAlchemyExecutionEngine, SQLDatasource
from mixflows.warehouse.base import RowAccess

NO_SAMPLES: dict[str, Any] = {"result_format": "BASIC", "partial_unexpected_count": 0}
"""Counts only: what the rows hold stays in the warehouse."""

SAMPLES = (".unexpected_values", "unexpected_rows_query.table")
"""The metrics that are samples of failing rows, by the ends of their names."""


class _FetchingEngine(SqlAlchemyExecutionEngine):
    """Queries counts only, and reads every result before its connection is closed.

    Two public methods are overridden, as no setting does it. `resolve_metrics`: every result format but
    BOOLEAN_ONLY, which has no counts, queries a sample of the failing rows, and BigQuery bills that at `LIMIT 0` too.
    `execute_query`: the stock engine reads the result after it has closed the connection, and with it DuckDB's cursor.
    """

    def resolve_metrics(
        self,
        metrics_to_resolve: Iterable[Any],
        metrics: dict[Any, Any] | None = None,
        runtime_configuration: dict[str, Any] | None = None,
    ) -> dict[Any, Any]:
        """Resolves samples of failing rows to none, without a query."""
        wanted = list(metrics_to_resolve)
        samples = {metric.id: [] for metric in wanted if metric.metric_name.endswith(SAMPLES)}
        asked = [metric for metric in wanted if metric.id not in samples]
        return super().resolve_metrics(asked, metrics, runtime_configuration) | samples

    def execute_query(self, query: Selectable | TextClause) -> CursorResult[Any]:
        """Runs a query and fetches its rows."""
        with self.get_connection() as connection:
            fetched = connection.execute(cast("Any", query)).freeze()
        return cast("CursorResult[Any]", fetched())


_dialect_packages: set[str] = set()

EngineType = type[SqlAlchemyExecutionEngine]


class StagedRowsDatasource(SQLDatasource):
    """A SQL data source whose tables are in one schema."""

    # A private name: Great Expectations passes every field to SQLAlchemy's engine but those named here, and the public
    # way to a schema, `schema_name` of a table asset, is deprecated.
    _EXTRA_EXCLUDED_EXEC_ENG_ARGS: ClassVar[set[str]] = {"staging_schema"}

    type: Literal["mixflows_staged_rows"] = "mixflows_staged_rows"  # pyright: ignore[reportIncompatibleVariableOverride]
    staging_schema: str | None = None

    @property
    def schema_(self) -> str | None:
        """The schema of the staged days."""
        return self.staging_schema

    @property
    def execution_engine_type(self) -> "EngineType":
        """The engine that reads results in time."""
        return _FetchingEngine


def add_source(context: EphemeralDataContext, access: RowAccess) -> StagedRowsDatasource:
    """Connects a context to the warehouse."""
    # No pool where the warehouse hands out connections; else Great Expectations names one by the dialect.
    pool = {"poolclass": NullPool} if "creator" in access.engine_options else {}
    added = cast(
        "StagedRowsDatasource",
        context.data_sources.add_or_update_mixflows_staged_rows(
            name="staged_rows",
            connection_string=access.connection_string,
            kwargs={**pool, **access.engine_options},
            staging_schema=access.schema_name,
        ),
    )
    _dialect_packages.add(type(added.get_engine().dialect).__module__.partition(".")[0])
    return added


@atexit.register
def _release_dialects() -> None:
    """Clears the modules of SQLAlchemy's dialects, which refer to the drivers.

    Great Expectations imports Altair, which keeps SQLAlchemy's classes, and so the dialects and the drivers, alive until
    after the interpreter's end; DuckDB then reports 42 leaked objects on standard error.
    """
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in _dialect_packages - {"sqlalchemy"}:
            vars(module).clear()


def staged_rows(source: StagedRowsDatasource, table: str) -> BatchDefinition[Any]:
    """A table of staged rows as a whole-table batch: anything narrower would scan more on BigQuery, not less."""
    if table in source.get_asset_names():  # the same day, read with other columns before
        source.delete_asset(table)
    return source.add_table_asset(table).add_batch_definition_whole_table("all rows")
