"""The original design's statements on DuckDB, one daily run a process: `python -m benchmarks.rivals.original_design FILE`.

Its faults, each with an example, are in tests/spec/test_faults_of_the_original.py; it is as fast as DuckDB makes it.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.rivals.reading import count_rows_read, rows_read
from benchmarks.source import opened

SQL = Path(__file__).parent / "original"
WORDS = (sys.executable, "-m", "benchmarks.rivals.original_design")


def run(connection: duckdb.DuckDBPyConnection, name: str, parameters: Mapping[str, Any] | None = None) -> None:
    """Runs one of its statements."""
    connection.execute((SQL / f"{name}.sql").read_text(encoding="utf-8"), parameters)


def daily(path: Path, *, count: bool = False) -> int:
    """Its daily run; the first one builds the tables.

    Returns:
        Rows that its scans read, if they are counted, else 0.
    """
    with opened(path) as connection:
        if count:
            count_rows_read(connection)
        run(connection, "staging")
        known = connection.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'mp_events'").fetchone()
        run(connection, "events" if known == (1,) else "first_events")
        run(connection, "rejected")
        connection.execute("CHECKPOINT")
        return rows_read(connection) if count else 0


if __name__ == "__main__":
    daily(Path(sys.argv[1]))
