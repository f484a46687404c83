"""A source table as landing makes it, straight by the engine: 12 columns, about 400 bytes an event, 0.11 % copies."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.measuring import MeteredWarehouse
from mixflows.settings import Settings
from mixflows.warehouse.base import Warehouse

FIRST_DAY = date(2024, 1, 1)
PROMOTED = {"customer_id": "STRING", "session_id": "STRING", "campaign": "STRING"}
WIDE = """'{"$browser":"Chrome","$os":"Mac OS X","page":"/p/'
 || (hash(n + 7) % 1000) || '","ref":"https://example.com/' || md5((n * 3)::VARCHAR)
 || '","n":' || (n % 97) || ',"x":"' || md5((n * 7)::VARCHAR) || md5((n * 11)::VARCHAR) || '"}'"""
NARROW = """'{"$browser":"Chrome"}'"""

Execute = Callable[..., Any]


def settings_for(path: str, **sections: Any) -> Settings:
    """Settings with a warehouse at `path`, and all else as shipped unless said."""
    return Settings.model_validate({"warehouse": {"path": path}, "landing": {"promote": PROMOTED}, **sections})


def engine_of(warehouse: Warehouse) -> Execute:
    """A way to run the engine's own SQL in the warehouse's process, beside the warehouse."""
    return warehouse.row_access().engine_options["creator"]().execute


@contextmanager
def opened(path: Path, *, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse's file, for the engine's own SQL in this process."""
    with duckdb.connect(str(path), read_only=read_only) as connection:
        connection.execute("SET enable_progress_bar = false")
        connection.execute("SET preserve_insertion_order = false")
        connection.execute("SET TimeZone = 'UTC'")
        yield connection


def make_history(path: Path, days: int, rows: int) -> None:
    """A source of whole days, in a file of its own."""
    with opened(path) as connection:
        step = max(1, 1_000_000 // rows)
        for first in range(0, days, step):
            add_days(connection.execute, first, min(step, days - first), rows)
        connection.execute("CHECKPOINT")


def day_of(number: int) -> date:
    """The day with this number."""
    return FIRST_DAY + timedelta(number)


def add_days(execute: Execute, first: int, days: int, rows: int, *, wide: bool = True) -> None:
    """Adds whole days to the source, each as one file would: in order of time, with copies that arrived an hour later.

    Args:
        first: The first day's number; every event's content follows from its number.
        rows: Events of a day.
    """
    execute(
        "CREATE TABLE IF NOT EXISTS mp_master_event (mp_event_name VARCHAR, time TIMESTAMPTZ, distinct_id VARCHAR,"
        " mp_insert_id VARCHAR, mp_processing_time_ms BIGINT, customer_id VARCHAR, session_id VARCHAR,"
        " campaign VARCHAR, properties JSON, partition_date DATE, loaded_at TIMESTAMPTZ, source_file VARCHAR)"
    )
    execute(
        f"""
        INSERT INTO mp_master_event BY NAME
        WITH numbers AS (
          SELECT n, n // {rows} AS day, (n % {rows}) * {86_400_000 // rows} AS ms
          FROM range({first * rows}, {(first + days) * rows}) AS r(n)
        ),
        copies AS (
          SELECT *, 0 AS later_ms FROM numbers
          UNION ALL
          SELECT *, 3600000 FROM numbers WHERE hash(n, 1) % 900 = 0
        )
        SELECT
          'event ' || (n % 20) AS mp_event_name,
          TIMESTAMPTZ '{FIRST_DAY} 00:00:00+00' + to_days(day::INTEGER) + to_milliseconds(ms) AS time,
          'user' || (hash(n) % 50000) AS distinct_id,
          md5(n::VARCHAR) AS mp_insert_id,
          epoch_ms(TIMESTAMPTZ '{FIRST_DAY} 00:00:00+00') + day * 86400000 + ms + (hash(n) % 90000)::BIGINT + later_ms
            AS mp_processing_time_ms,
          'customer' || (hash(n) % 5000) AS customer_id,
          md5((n * 13)::VARCHAR) AS session_id,
          'campaign ' || (hash(n * 5) % 30) AS campaign,
          ({WIDE if wide else NARROW})::JSON AS properties,
          (DATE '{FIRST_DAY}' + day::INTEGER)::DATE AS partition_date,
          TIMESTAMPTZ '{FIRST_DAY} 03:00:00+00' + to_days(day::INTEGER + 1) AS loaded_at,
          'export-' || day || '.jsonl' AS source_file
        FROM copies
        ORDER BY day, later_ms, ms
        """
    )


def add_late_rows(execute: Execute, number: int) -> None:
    """Adds 0.5 % new events to a day, landed and arrived four days later."""
    execute(
        f"""
        INSERT INTO mp_master_event
        SELECT * REPLACE (
          'late ' || mp_insert_id AS mp_insert_id,
          mp_processing_time_ms + 4 * 86400000 AS mp_processing_time_ms,
          loaded_at + INTERVAL 4 DAY AS loaded_at
        )
        FROM mp_master_event
        WHERE partition_date = DATE '{day_of(number)}' AND hash(mp_insert_id, 1) % 200 = 0
        """
    )


def project(folder: Path, days: int, rows: int, *, wide: bool = True) -> None:
    """A folder with a source of so many days."""
    folder.mkdir()
    warehouse = MeteredWarehouse(settings_for(str(folder / "mixflows.duckdb")))
    execute = engine_of(warehouse)
    for first in range(0, days, 200):
        add_days(execute, first, min(200, days - first), rows, wide=wide)
    warehouse.create_tables()
    execute("CHECKPOINT")
    warehouse.close()
