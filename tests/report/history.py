"""A warehouse with a past: real tables in a DuckDB file, written row by row as a test tells them."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from mixflows.model import LedgerRow, PlanReason, Status
from mixflows.settings import Settings
from mixflows.settings.warehouse import WarehouseSettings
from mixflows.verdict import Finding, Severity
from mixflows.warehouse.duckdb.engine import DuckDBWarehouse

MARKER = "marker-of-a-person"
FIRST_RUN_AT = datetime(2026, 3, 20, 6, 0, tzinfo=UTC)

SOURCE = """
CREATE TABLE IF NOT EXISTS mp_master_event (
  mp_event_name VARCHAR, "time" TIMESTAMPTZ, distinct_id VARCHAR, mp_insert_id VARCHAR, mp_processing_time_ms BIGINT,
  customer_id VARCHAR, properties JSON, partition_date DATE, loaded_at TIMESTAMPTZ, source_file VARCHAR
)
"""
ROWS = """
INSERT INTO {table} BY NAME
SELECT '{marker} name' AS mp_event_name, TIMESTAMPTZ '{day} 12:00:00+00' AS "time", '{marker}' AS distinct_id,
  '{marker} ' || n AS mp_insert_id, '{marker}' AS customer_id, '{{"email": "{marker}"}}'::JSON AS properties,
  DATE '{day}' AS partition_date {more}
FROM range({rows}) AS r(n)
"""


class History:
    """Collects what happened, then writes it.

    Args:
        folder: Where the DuckDB file goes.
        settings: Other settings than the default.
    """

    def __init__(self, folder: Path, settings: Settings | None = None) -> None:
        self.settings = (settings or Settings()).model_copy(
            update={"warehouse": WarehouseSettings(path=folder / "events.duckdb")}
        )
        self._ledger: list[dict[str, Any]] = []
        self._quality: list[dict[str, Any]] = []
        self._landings: list[dict[str, Any]] = []
        self._rows: list[str] = []

    def landed(self, at: datetime, rows_per_day: Mapping[date, int], malformed: int = 0) -> None:
        rows = sum(rows_per_day.values())
        days = [{"partition_date": day, "source_rows": count} for day, count in rows_per_day.items()]
        self._landings.append(
            {
                "file_name": f"part-{len(self._landings)}.jsonl",
                "content_hash": str(len(self._landings)),
                "landed_at": at,
                "lines": rows + malformed,
                "source_rows": rows,
                "malformed_rows": malformed,
                "rows_per_day": days,
            }
        )

    def ran(
        self,
        day: date,
        status: Status,
        *findings: Finding,
        source_rows: int | None = None,
        rejected_rows: int = 0,
        retained_rows: int = 0,
        duplicate_rows: int = 0,
        run_id: str = "run-1",
        attempt: int = 1,
        started_at: datetime = FIRST_RUN_AT,
        error: str = "",
        note: str = "",
        reason: PlanReason = PlanReason.NEW,
    ) -> None:
        row = LedgerRow(
            run_id=run_id,
            attempt=attempt,
            partition_date=day,
            plan_reason=reason,
            status=status,
            source_rows=source_rows,
            kept_rows=None if source_rows is None else source_rows + retained_rows - rejected_rows,
            rejected_rows=None if source_rows is None else rejected_rows,
            retained_rows=None if source_rows is None else retained_rows,
            duplicate_rows=None if source_rows is None else duplicate_rows,
            duplicate_rate=duplicate_rows / source_rows if source_rows else None,
            late_rows=None if source_rows is None else 0,
            inserted_rows=source_rows if status is Status.PUBLISHED else 0,
            updated_rows=0,
            deleted_rows=0,
            source_version="v1",
            rules_version="rules",
            thresholds_version="thresholds",
            bytes_processed=None,
            slot_ms=None,
            started_at=started_at,
            finished_at=started_at + timedelta(seconds=2),
            engine="duckdb",
            error=error,
            note=note,
            work_seconds=None if source_rows is None else 0.5,
        )
        self._ledger.append(asdict(row))
        head = {"run_id": run_id, "attempt": attempt, "partition_date": day}
        self._quality += [{**head, **asdict(f), "checked_at": row.finished_at} for f in findings]

    def holds(self, day: date, kept: int, rejected: Mapping[str, int] | None = None) -> None:
        """What the published tables hold of a day."""
        self._rows.append(ROWS.format(table="mp_events", marker=MARKER, day=day, rows=kept, more=""))
        for reason, rows in (rejected or {}).items():
            more = f", '{reason}' AS rejection_reason, 2 AS row_num"
            self._rows.append(ROWS.format(table="mp_rejected_events", marker=MARKER, day=day, rows=rows, more=more))

    def published(self, day: date, source_rows: int, rejected: Mapping[str, int], *findings: Finding) -> None:
        rejected_rows = sum(rejected.values())
        duplicates = rejected.get("Duplicate event", 0)
        self.ran(
            day,
            Status.PUBLISHED,
            *findings,
            source_rows=source_rows,
            rejected_rows=rejected_rows,
            duplicate_rows=duplicates,
        )
        self.holds(day, source_rows - rejected_rows, rejected)

    def write(self) -> DuckDBWarehouse:
        """Writes the tables and opens the warehouse over them."""
        path = self.settings.warehouse.path
        with duckdb.connect(path) as connection:
            connection.execute(SOURCE)
        warehouse = DuckDBWarehouse(self.settings)
        warehouse.create_tables()
        warehouse.append("ledger", self._ledger)
        warehouse.append("quality", self._quality)
        warehouse.append("landings", self._landings)
        warehouse.close()
        with duckdb.connect(path) as connection:
            for statement in self._rows:
                connection.execute(statement)
        return DuckDBWarehouse(self.settings)


def duplicate_rate(rate: float, severity: Severity = Severity.WARNING) -> Finding:
    bound = 0.005 if severity is Severity.WARNING else 0.01
    return Finding("figures", "duplicate_rate", severity, rate <= bound, rate, bound)


def not_judged(name: str, why: str) -> Finding:
    return Finding("figures", name, Severity.WARNING, success=True, threshold=3.0, note=f"not judged: {why}")
