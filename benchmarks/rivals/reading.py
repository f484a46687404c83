"""Counts the rows that DuckDB's scans read, by its own log of metrics."""

import duckdb


def count_rows_read(connection: duckdb.DuckDBPyConnection) -> None:
    """Starts counting, in the whole database; each further cursor asks for it by `metered`."""
    connection.execute("CALL enable_logging('Metrics', level = 'debug')")
    metered(connection)


def metered(cursor: duckdb.DuckDBPyConnection) -> None:
    """Lets a cursor's statements be counted."""
    cursor.execute("SET enable_profiling = 'no_output'")


def rows_read(connection: duckdb.DuckDBPyConnection) -> int:
    """Rows that all scans of counted cursors read so far, a row as often as it was read."""
    (found,) = connection.execute(
        "SELECT coalesce(sum(CAST(regexp_extract(message, 'value.: (\\d+)', 1) AS BIGINT)), 0) FROM duckdb_logs"
        " WHERE type = 'Metrics' AND message LIKE '%query.total_rows_scanned%'"
    ).fetchall()
    return int(found[0])
