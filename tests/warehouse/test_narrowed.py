"""The table that our own suite on the rows reads on DuckDB: the staged day's rows, some of its columns, and not for long."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from expectations.auditor import GreatExpectationsAuditor
from mixflows.model import PlannedDay, PlanReason, Run, StagedDay
from mixflows.pipeline.publish import discard_stage, stage_day
from mixflows.settings import Settings
from mixflows.warehouse.duckdb.connection import STAGING
from mixflows.warehouse.duckdb.engine import DuckDBWarehouse

DAY = date(2026, 3, 10)
PLANNED = PlannedDay(DAY, PlanReason.NEW, 3, "1")
RUN = Run("narrowed")


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[DuckDBWarehouse]:
    made = DuckDBWarehouse(Settings.model_validate({"warehouse": {"path": tmp_path / "w.duckdb"}}))
    made._execute(
        "CREATE TABLE mp_master_event AS SELECT 'Open' AS mp_event_name, TIMESTAMPTZ '2026-03-10 10:00:00+00' AS time,"
        " 'u' AS distinct_id, id AS mp_insert_id, n AS mp_processing_time_ms, DATE '2026-03-10' AS partition_date"
        " FROM (VALUES ('a', 1773136800001), ('a', 1773136800002), ('b', 1773136800003)) AS v(id, n)",
        {},
    )
    made.create_tables()
    yield made
    made.close()


def staged(warehouse: DuckDBWarehouse) -> StagedDay:
    return stage_day(warehouse, warehouse._settings, PLANNED, RUN)


def tables(warehouse: DuckDBWarehouse) -> set[str]:
    found = warehouse._execute(f"SELECT table_name FROM duckdb_tables() WHERE database_name = '{STAGING}'", {})
    return {str(name) for (name,) in found}


def test_has_the_staged_rows_and_goes_away(warehouse: DuckDBWarehouse) -> None:
    day, before = staged(warehouse), tables(warehouse)
    narrowed = warehouse.row_access().narrowed
    assert narrowed
    with narrowed(day.stage_table, ["mp_insert_id", "row_num"]) as name:
        rows = warehouse._execute(f'SELECT * FROM {STAGING}.main."{name}" ORDER BY ALL', {})
        assert rows == [("a", 1), ("a", 2), ("b", 1)]
    assert tables(warehouse) == before
    discard_stage(warehouse, PLANNED, RUN)


@pytest.mark.parametrize("damaged", [False, True])
def test_a_key_that_is_kept_twice_is_seen_through_it(warehouse: DuckDBWarehouse, damaged: bool) -> None:
    day = staged(warehouse)
    if damaged:  # as if staging had not ranked
        place = f'{STAGING}.main."{day.stage_table}"'
        warehouse._execute(f"CREATE OR REPLACE VIEW {place} AS SELECT *, 1 AS row_num, NULL::VARCHAR AS rejection_reason"
                           " FROM mp_master_event", {})  # fmt: skip
    auditor = GreatExpectationsAuditor(warehouse._settings, warehouse.row_access())
    verdict = auditor.judge([day], check_rows=True)[DAY]
    failed = {finding.expectation for finding in verdict.failures if finding.suite == "rows"}
    assert failed == ({"kept_keys_unique"} if damaged else set())
