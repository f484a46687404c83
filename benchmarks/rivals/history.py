"""A whole history without the day pipeline: by one statement, and by the original script, two statements a day.

`python -m benchmarks.rivals.history global|keys FILE DAYS`
"""

import sys
from datetime import date
from pathlib import Path

from benchmarks.rivals.original_design import run
from benchmarks.source import day_of, opened

WORDS = (sys.executable, "-m", "benchmarks.rivals.history")
GLOBAL = (
    """
    CREATE TABLE ranked AS
    SELECT *, ROW_NUMBER() OVER (PARTITION BY mp_insert_id, time ORDER BY mp_processing_time_ms NULLS LAST) AS row_num
    FROM mp_master_event
    WHERE mp_insert_id IS NOT NULL
    """,
    "CREATE TABLE mp_events AS SELECT * EXCLUDE (row_num) FROM ranked WHERE row_num = 1",
    "CREATE TABLE mp_rejected_events AS SELECT * FROM ranked WHERE row_num > 1",
    "DROP TABLE ranked",
)


def by_one_statement(path: Path) -> None:
    """Ranks the whole history at once, and writes both tables from it."""
    with opened(path) as connection:
        for statement in GLOBAL:
            connection.execute(statement)
        connection.execute("CHECKPOINT")


def by_processed_keys(path: Path, days: list[date]) -> None:
    """The original script: each day's events that are not among the processed keys, then its keys."""
    with opened(path) as connection:
        run(connection, "backfill_tables")
        for day in days:
            run(connection, "backfill_events", {"day": day})
            run(connection, "backfill_keys", {"day": day})
        connection.execute("CHECKPOINT")


if __name__ == "__main__":
    way, file, number = sys.argv[1:]
    if way == "global":
        by_one_statement(Path(file))
    else:
        by_processed_keys(Path(file), [day_of(n) for n in range(int(number))])
