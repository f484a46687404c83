"""What people would run instead on DuckDB, as plain SQL: `python -m benchmarks.rivals.statements WAY FILE`.

`original` is a daily run of the original design; its faults, each with an example, are in
tests/spec/test_faults_of_the_original.py. `global` publishes the whole history at once.
"""

import sys
from pathlib import Path

import duckdb

from benchmarks.source import opened

SQL = Path(__file__).parent / "original"
COMMAND = (sys.executable, "-m", "benchmarks.rivals.statements")
RANK = "ROW_NUMBER() OVER (PARTITION BY m.mp_insert_id, m.time ORDER BY m.mp_processing_time_ms NULLS LAST) AS row_num"
HISTORY = "FROM mp_master_event AS m WHERE m.mp_insert_id IS NOT NULL"
SAME_KEY = "m.mp_insert_id = t.mp_insert_id AND m.time = t.time"
GLOBAL = (
    f"CREATE TEMP TABLE twice AS SELECT m.mp_insert_id, m.time {HISTORY} GROUP BY ALL HAVING count(*) > 1",
    f"CREATE TEMP TABLE ranked AS SELECT m.*, {RANK} FROM mp_master_event AS m SEMI JOIN twice AS t ON {SAME_KEY}",
    (
        f"CREATE TABLE mp_events AS SELECT m.* FROM mp_master_event AS m ANTI JOIN twice AS t ON {SAME_KEY}"
        " WHERE m.mp_insert_id IS NOT NULL UNION ALL SELECT * EXCLUDE (row_num) FROM ranked WHERE row_num = 1"
    ),
    "CREATE TABLE mp_rejected_events AS SELECT * FROM ranked WHERE row_num > 1",
)
"""Ranks only the copies of keys that have several, found on their narrow columns."""


def original_statement(name: str) -> str:
    """One of the original design's statements."""
    return (SQL / f"{name}.sql").read_text(encoding="utf-8")


def original(connection: duckdb.DuckDBPyConnection) -> None:
    """The original design's daily run; the first one builds the tables."""
    known = connection.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = 'mp_events'").fetchone()
    for name in ("staging", "events" if known else "first_events", "rejected"):
        connection.execute(original_statement(name))


def all_at_once(connection: duckdb.DuckDBPyConnection) -> None:
    """The whole history."""
    for statement in GLOBAL:
        connection.execute(statement)


WAYS = {"original": original, "global": all_at_once}

if __name__ == "__main__":
    way, file = sys.argv[1:]
    with opened(Path(file)) as opened_file:
        WAYS[way](opened_file)
        opened_file.execute("CHECKPOINT")
