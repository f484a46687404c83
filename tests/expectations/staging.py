"""Staged days for the audit's tests: figures that are fine, and real staged tables in DuckDB."""

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from mixflows.model import Difference, Figures, PlannedDay, PlanReason, PublishedCounts, Run, StagedDay
from mixflows.warehouse.base import RowAccess
from mixflows.warehouse.duckdb.quoting import identifier

DAY = date(2024, 8, 1)

FINE = Figures(
    source_rows=10_000,
    kept_rows=9_988,
    rejected_rows=12,
    duplicate_rows=10,
    conflicting_duplicate_rows=0,
    missing_insert_id_rows=2,
    missing_time_rows=0,
    future_rows=0,
    late_rows=0,
    valid_keys=9_988,
    kept_twice_keys=0,
    kept_null_key_rows=0,
    kept_other_day_rows=0,
    ambiguous_keys=0,
    kept_without_id_rows=0,
)

FINE_PLAN = PlannedDay(
    DAY, PlanReason.CHANGED, source_rows=10_000, source_version="v2", published_version="v1", usual_rows=9_000.0
)

NO_DIFFERENCE = Difference()

STAGE = "stg_mp_dedup_events_20240801_ab12cd34_1"

Row = tuple[str | None, str | None, str | None, str | None, int | None, str | None]
"""Event name, distinct id, insert id, time (UTC), row_num, rejection_reason."""

GOOD_ROWS: tuple[Row, ...] = (
    ("Open", "u1", "a", "2024-08-01 00:00:00", 1, None),
    ("Open", "u1", "a", "2024-08-01 00:00:00", 2, "Duplicate event"),
    ("Open", None, "b", "2024-08-01 12:00:00", 1, None),
    ("Open", "u2", "c", "2024-08-01 23:59:59.999", 1, None),
    ("Open", "u2", None, "2024-08-01 10:00:00", None, "Missing insert id"),
    ("Open", "u2", "d", None, None, "Missing event time"),
)


def staged(
    figures: dict[str, int] | None = None,
    *,
    day: date = DAY,
    plan: dict[str, Any] | None = None,
    difference: Difference = NO_DIFFERENCE,
    stage_table: str = STAGE,
) -> StagedDay:
    """A staged day that is fine, but for what the test changes."""
    return StagedDay(
        planned=replace(FINE_PLAN, day=day, **(plan or {})),
        run=Run("run"),
        figures=replace(FINE, **(figures or {})),
        published=PublishedCounts(0, 0),
        difference=difference,
        stage_table=stage_table,
        started_at=datetime(2024, 8, 2, tzinfo=UTC),
    )


def days_from(first: date, count: int) -> Iterator[date]:
    """Consecutive days."""
    return (first + timedelta(days=number) for number in range(count))


@contextmanager
def warehouse(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB file with the in-memory database of the staged days beside it."""
    connection = duckdb.connect(folder / "warehouse.duckdb")
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("ATTACH ':memory:' AS staging")
    try:
        yield connection
    finally:
        connection.close()


def access_of(connection: duckdb.DuckDBPyConnection) -> RowAccess:
    """The way of Great Expectations to that warehouse; a staged table has one day, and is small."""

    @contextmanager
    def whole(stage_table: str, columns: Sequence[str] | None, day: date | None) -> Generator[str]:
        del columns, day
        yield stage_table

    return RowAccess("duckdb:///:memory:", whole, identifier, "staging.main", {"creator": connection.cursor})


def stage(connection: duckdb.DuckDBPyConnection, rows: Iterable[Row], name: str = STAGE) -> None:
    """Stages rows as a view, with the columns of a landed source."""
    connection.execute(
        f'CREATE TABLE staging.main."{name}_base" (mp_event_name VARCHAR, distinct_id VARCHAR, mp_insert_id VARCHAR,'
        ' "time" TIMESTAMPTZ, row_num BIGINT, rejection_reason VARCHAR, properties JSON, partition_date DATE)'
    )
    connection.executemany(
        f"INSERT INTO staging.main.\"{name}_base\" SELECT $1, $2, $3, CAST($4 AS TIMESTAMP) AT TIME ZONE 'UTC', $5, $6,"
        " '{}', DATE '2024-08-01'",
        [list(row) for row in rows],
    )
    connection.execute(
        f'CREATE VIEW staging.main."{name}" AS SELECT *, FALSE AS is_exact_copy FROM staging.main."{name}_base"'
    )
