"""A whole history without the day pipeline: by global statements, and by the original script, two statements a day.

`python -m benchmarks.rivals.history global|contested|keys FILE DAYS`
"""

import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from benchmarks.rivals.original_design import run
from benchmarks.source import day_of, opened

WORDS = (sys.executable, "-m", "benchmarks.rivals.history")
RANK = "ROW_NUMBER() OVER (PARTITION BY m.mp_insert_id, m.time ORDER BY m.mp_processing_time_ms NULLS LAST) AS row_num"
HISTORY = "FROM mp_master_event AS m WHERE m.mp_insert_id IS NOT NULL"
SAME_KEY = "m.mp_insert_id = t.mp_insert_id AND m.time = t.time"
GLOBAL = (
    f"CREATE TABLE mp_events AS SELECT * EXCLUDE (row_num) FROM (SELECT m.*, {RANK} {HISTORY} QUALIFY row_num = 1)",
    f"CREATE TABLE mp_rejected_events AS SELECT m.*, {RANK} {HISTORY} QUALIFY row_num > 1",
)
"""Ranks every row, once for each table: to keep the ranked rows in a table between takes half as long again."""
CONTESTED = (
    f"CREATE TEMP TABLE twice AS SELECT m.mp_insert_id, m.time {HISTORY} GROUP BY ALL HAVING count(*) > 1",
    f"CREATE TEMP TABLE ranked AS SELECT m.*, {RANK} FROM mp_master_event AS m SEMI JOIN twice AS t ON {SAME_KEY}",
    (
        f"CREATE TABLE mp_events AS SELECT m.* FROM mp_master_event AS m ANTI JOIN twice AS t ON {SAME_KEY}"
        " WHERE m.mp_insert_id IS NOT NULL UNION ALL SELECT * EXCLUDE (row_num) FROM ranked WHERE row_num = 1"
    ),
    "CREATE TABLE mp_rejected_events AS SELECT * FROM ranked WHERE row_num > 1",
)
"""Ranks only the copies of keys that have several, found on their narrow columns, as the day pipeline does with a day."""
WHOLE = {"global": GLOBAL, "contested": CONTESTED}


def at_once(path: Path, statements: Sequence[str]) -> None:
    """Ranks the whole history at once."""
    with opened(path) as connection:
        for statement in statements:
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
    if way in WHOLE:
        at_once(Path(file), WHOLE[way])
    else:
        by_processed_keys(Path(file), [day_of(n) for n in range(int(number))])
