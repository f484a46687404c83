"""Our daily run with its rows counted; what is timed elsewhere is the command."""

from datetime import date
from pathlib import Path

import duckdb

from benchmarks.rivals.reading import count_rows_read, metered, rows_read
from benchmarks.source import settings_for
from expectations.auditor import GreatExpectationsAuditor
from mixflows.days import DayRange
from mixflows.model import Run
from mixflows.pipeline.plan import PlanRequest, make_plan
from mixflows.pipeline.run import ThreadSteps, process
from mixflows.settings import Settings
from mixflows.warehouse.base import RowAccess
from mixflows.warehouse.duckdb.engine import DuckDBWarehouse


class CountingWarehouse(DuckDBWarehouse):
    """The embedded engine, every cursor of which counts the rows that it reads."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        count_rows_read(self._root)

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        cursor = super()._cursor()
        metered(cursor)
        return cursor

    def row_access(self) -> RowAccess:
        access = super().row_access()
        return RowAccess(
            access.connection_string, access.schema_name, {**access.engine_options, "creator": self._judge}
        )

    def _judge(self) -> duckdb.DuckDBPyConnection:
        cursor = self._root.cursor()
        metered(cursor)
        return cursor

    def rows_read(self) -> int:
        """Rows read so far."""
        return rows_read(self._root)


def counted_daily(path: Path, last: date) -> int:
    """A daily run.

    Returns:
        Rows that its scans read.
    """
    settings = settings_for(str(path))
    warehouse = CountingWarehouse(settings)
    plan = make_plan(warehouse, settings, PlanRequest(days=DayRange(end=last), check_rows=True))
    run = Run("counted")
    auditor = GreatExpectationsAuditor(settings, warehouse.row_access())
    process(warehouse, settings, run, plan, ThreadSteps(warehouse, settings, run, auditor, concurrency=4))
    try:
        return warehouse.rows_read()
    finally:
        warehouse.close()
