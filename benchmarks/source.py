"""A source table as landing makes it: 12 columns, about 400 bytes an event, 0.11 % copies."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.timed_run import Span, span

FIRST_DAY = date(2024, 1, 1)
COLUMNS = {
    "mp_event_name": "STRING",
    "time": "TIMESTAMP",
    "distinct_id": "STRING",
    "mp_insert_id": "STRING",
    "mp_processing_time_ms": "INT64",
    "customer_id": "STRING",
    "session_id": "STRING",
    "campaign": "STRING",
    "properties": "JSON",
    "partition_date": "DATE",
    "loaded_at": "TIMESTAMP",
    "source_file": "STRING",
}
"""In BigQuery's types."""
DUCKDB_TYPES = {"STRING": "VARCHAR", "INT64": "BIGINT", "TIMESTAMP": "TIMESTAMPTZ"}
SETTINGS = '[landing.promote]\ncustomer_id = "STRING"\nsession_id = "STRING"\ncampaign = "STRING"\n'
WAREHOUSE = "mixflows.duckdb"
WIDE = """'{"$browser":"Chrome","$os":"Mac OS X","page":"/p/'
 || (hash(n + 7) % 1000) || '","ref":"https://example.com/' || md5((n * 3)::VARCHAR)
 || '","n":' || (n % 97) || ',"x":"' || md5((n * 7)::VARCHAR) || md5((n * 11)::VARCHAR) || '"}'"""
NARROW = """'{"$browser":"Chrome"}'"""
LATE = ((1, 300), (6, 5_000))
"""Of the day so many days back, one event in so many comes again, and as many new ones come late."""

Execute = Callable[..., Any]


@contextmanager
def opened(path: Path, *, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse's file, for SQL of the benchmark's own."""
    with duckdb.connect(str(path), read_only=read_only) as connection:
        connection.execute("SET enable_progress_bar = false")
        connection.execute("SET preserve_insertion_order = false")
        connection.execute("SET TimeZone = 'UTC'")
        yield connection


def project(folder: Path, days: int, rows: int, *, wide: bool = True) -> Path:
    """A new folder with settings and a source of whole days.

    Returns:
        The warehouse's file.
    """
    folder.mkdir()
    (folder / "mixflows.toml").write_text(SETTINGS, encoding="utf-8")
    with opened(folder / WAREHOUSE) as connection:
        step = max(1, 1_000_000 // rows)
        for first in range(0, days, step):
            add_days(connection.execute, first, min(step, days - first), rows, wide=wide)
        connection.execute("CHECKPOINT")
    return folder / WAREHOUSE


def day_of(number: int) -> date:
    """The day with this number."""
    return FIRST_DAY + timedelta(number)


def add_days(execute: Execute, first: int, days: int, rows: int, *, wide: bool = True) -> None:
    """Adds whole days to the source, each as one file would: in order of time, with copies that arrived an hour later.

    Args:
        first: The first day's number; every event's content follows from its number.
        rows: Events of a day.
    """
    columns = ", ".join(f"{name} {DUCKDB_TYPES.get(kind, kind)}" for name, kind in COLUMNS.items())
    execute(f"CREATE TABLE IF NOT EXISTS mp_master_event ({columns})")
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


def add_copies(execute: Execute, number: int, later: int, which: str, **changed: str) -> None:
    """Delivers some of a day's events once more, as copies or, with another insert id, as late events.

    Args:
        number: The day's number.
        later: So many days later.
        which: A condition.
        changed: Expressions of other columns.
    """
    values = {
        "mp_processing_time_ms": f"mp_processing_time_ms + {later * 86_400_000}",
        "loaded_at": f"TIMESTAMPTZ '{day_of(number + later + 1)} 03:00:00+00'",
        "source_file": f"'export-{number + later}.jsonl'",
    }
    replaced = ", ".join(f"{value} AS {column}" for column, value in (values | changed).items())
    execute(
        f"INSERT INTO mp_master_event SELECT * REPLACE ({replaced}) FROM mp_master_event"
        f" WHERE partition_date = DATE '{day_of(number)}' AND {which}"
    )


def add_without_id(execute: Execute, number: int, one_in: int) -> None:
    """Delivers some of a day's events without insert id."""
    execute(
        "INSERT INTO mp_master_event SELECT * REPLACE (NULL AS mp_insert_id) FROM mp_master_event"
        f" WHERE partition_date = DATE '{day_of(number)}' AND hash(mp_insert_id, 4) % {one_in} = 0"
    )


def deliver(path: Path, number: int, rows: int, late: Sequence[tuple[int, int]] = LATE) -> None:
    """Lands the day with this number, and what comes late of days before it."""
    with opened(path) as connection:
        execute: Execute = connection.execute
        execute("SET max_vacuum_tasks = 0")  # nobody's upkeep of its tables is done here, where nothing is timed
        add_days(execute, number, 1, rows)
        for back, one_in in late:
            some = f"hash(mp_insert_id, {number}) % {one_in}"
            add_copies(execute, number - back, back, f"{some} = 0")
            add_copies(execute, number - back, back, f"{some} = 1", mp_insert_id=f"'late {number} ' || mp_insert_id")
        add_without_id(execute, number, 5_000)
        execute("CHECKPOINT")


def bare_copy(path: Path, number: int) -> Span:
    """Times a `CREATE TABLE AS SELECT` of a day into another DuckDB file, with its checkpoint."""
    with opened(path.with_name("copy.duckdb")) as connection:
        connection.execute(f"ATTACH '{path}' AS source (READ_ONLY)")
        with span() as measured:
            connection.execute(
                "CREATE OR REPLACE TABLE copy_of_day AS SELECT * FROM source.mp_master_event"
                f" WHERE partition_date = DATE '{day_of(number)}'"
            )
            connection.execute("CHECKPOINT")
    return measured
