"""What the soak looks at after each run: every kind of damage is told."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from benchmarks.soak import QUICK, REFUSED, deliver, what_a_changed_type_does, what_is_wrong
from benchmarks.source import engine_of, settings_for
from mixflows.model import Status
from mixflows.pipeline.plan import PlanRequest, make_plan
from mixflows.settings import Settings
from mixflows.warehouse.duckdb.engine import DuckDBWarehouse

TABLES = """
CREATE TABLE mp_master_event (mp_insert_id VARCHAR, time TIMESTAMP, mp_processing_time_ms BIGINT, partition_date DATE, page VARCHAR);
INSERT INTO mp_master_event VALUES
  ('a', '2024-01-01 10:00', 1, '2024-01-01', 'x'), ('a', '2024-01-01 10:00', 2, '2024-01-01', 'y'),
  ('b', '2024-01-02 11:00', 1, '2024-01-02', NULL);
CREATE TABLE mp_events AS SELECT * FROM mp_master_event WHERE mp_processing_time_ms = 1;
CREATE TABLE mp_rejected_events AS SELECT * FROM mp_master_event WHERE mp_processing_time_ms = 2;
CREATE TABLE mp_partition_runs
  (partition_date DATE, source_rows BIGINT, kept_rows BIGINT, rejected_rows BIGINT, finished_at TIMESTAMP);
INSERT INTO mp_partition_runs VALUES
  ('2024-01-01', 1, 1, 0, '2024-01-02 00:00'), ('2024-01-01', 2, 1, 1, '2024-01-03 00:00'),
  ('2024-01-02', 1, 1, 0, '2024-01-03 00:00');
"""


@pytest.fixture
def tables(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(tmp_path / "soak.duckdb") as connection:
        connection.execute(TABLES)
        yield connection


def test_nothing_is_wrong_where_all_holds(tables: duckdb.DuckDBPyConnection) -> None:
    assert what_is_wrong(tables.execute, [Status.PUBLISHED]) == ""


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        ("UPDATE mp_events SET page = 'z' WHERE mp_insert_id = 'a'", "rows are not as they were delivered"),
        ("UPDATE mp_rejected_events SET page = NULL", "rows are not as they were delivered"),
        ("DELETE FROM mp_events WHERE mp_insert_id = 'b'", "1 events missing"),
        (
            "UPDATE mp_partition_runs SET kept_rows = 0 WHERE partition_date = '2024-01-02'",
            "the ledger tells 1 days wrong",
        ),
        ("DELETE FROM mp_partition_runs WHERE partition_date = '2024-01-02'", "the ledger tells 1 days wrong"),
        (
            "UPDATE mp_partition_runs SET finished_at = '2024-01-01' WHERE kept_rows = source_rows - 1",
            "the ledger tells 1 days",
        ),
    ],
)
def test_damage_is_told(damage: str, told: str, tables: duckdb.DuckDBPyConnection) -> None:
    tables.execute(damage)
    assert told in what_is_wrong(tables.execute, [])


def test_days_that_are_left_are_told(tables: duckdb.DuckDBPyConnection) -> None:
    assert what_is_wrong(tables.execute, [Status.PUBLISHED, Status.FAILED]) == "failed"


COLUMN = QUICK.new_column(QUICK.column_every)
CHANGES = next(number for number in range(QUICK.days) if QUICK.changes_type(number))


def delivered(settings: Settings, *, left_changed: bool = False) -> None:
    """The days until a column's type is changed, in the source alone."""
    warehouse = DuckDBWarehouse(settings)
    execute = engine_of(warehouse)
    for number in (QUICK.column_every, CHANGES):
        if left_changed and number == CHANGES:
            execute(f"ALTER TABLE mp_master_event ALTER {COLUMN} TYPE BLOB")
        deliver(execute, number, QUICK)
    warehouse.close()


def type_of(settings: Settings) -> str:
    with duckdb.connect(settings.warehouse.path) as connection:
        found = connection.execute(f"SELECT DISTINCT typeof({COLUMN}) FROM mp_master_event").fetchall()
    ((name,),) = found
    return name


def test_a_changed_type_is_told_where_it_is_not_refused_and_is_changed_back(tmp_path: Path) -> None:
    settings = settings_for(str(tmp_path / "soak.duckdb"))
    delivered(settings)
    assert what_a_changed_type_does(settings, COLUMN) == f"the changed type of {COLUMN} was not refused"
    assert type_of(settings) == "VARCHAR"


def test_a_changed_type_is_refused_once_days_are_published(tmp_path: Path) -> None:
    settings = settings_for(str(tmp_path / "soak.duckdb"))
    delivered(settings)
    warehouse = DuckDBWarehouse(settings)
    make_plan(warehouse, settings, PlanRequest())  # makes the published tables
    warehouse.close()
    assert what_a_changed_type_does(settings, COLUMN) == REFUSED
    assert type_of(settings) == "VARCHAR"


def test_a_type_that_a_killed_worker_left_changed_is_changed_back(tmp_path: Path) -> None:
    settings = settings_for(str(tmp_path / "soak.duckdb"))
    delivered(settings, left_changed=True)
    assert type_of(settings) == "VARCHAR"
