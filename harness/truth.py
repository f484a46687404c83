"""The right answer, by plain SQL over the whole source, and how far a pair of published tables is from it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Execute = Callable[..., Any]

RIGHT = """
CREATE OR REPLACE TEMP TABLE truth AS
SELECT mp_insert_id, time, min(mp_processing_time_ms) AS arrival, count(*) AS copies
FROM mp_master_event
WHERE mp_insert_id IS NOT NULL
GROUP BY ALL
"""
FOUND = """
CREATE OR REPLACE TEMP TABLE found AS
SELECT mp_insert_id, time, min(mp_processing_time_ms) AS arrival, count(*) AS rows FROM mp_events GROUP BY ALL
"""
KNOWN = "t.mp_insert_id = f.mp_insert_id AND t.time = f.time"
COUNTS = f"""
SELECT
  (SELECT count(*) FROM truth AS t ANTI JOIN found AS f ON {KNOWN}),
  (SELECT coalesce(sum(f.rows - 1), 0) FROM found AS f WHERE f.mp_insert_id IS NOT NULL)
    + (SELECT coalesce(sum(f.rows), 0) FROM found AS f WHERE f.mp_insert_id IS NULL)
    + (SELECT count(*) FROM found AS f ANTI JOIN truth AS t ON {KNOWN} WHERE f.mp_insert_id IS NOT NULL),
  (SELECT count(*) FROM truth AS t JOIN found AS f ON {KNOWN} WHERE f.arrival <> t.arrival),
  (SELECT count(*) FROM mp_rejected_events)
    - (SELECT count(*) FROM mp_master_event) + (SELECT count(*) FROM truth)
"""


CONTENT = """
SELECT (SELECT (count(*), sum(hash({columns})::HUGEINT)) FROM mp_master_event)
  = (SELECT (count(*), sum(hash({columns})::HUGEINT)) FROM (
      SELECT {columns} FROM mp_events UNION ALL SELECT {columns} FROM mp_rejected_events
    ))
"""
"""Whether every delivered row, whole, is once in one of the published tables."""
LEDGER = """
WITH recorded AS (
  SELECT arg_max((source_rows, kept_rows, rejected_rows), finished_at) AS counts, partition_date FROM mp_partition_runs
  GROUP BY partition_date
),
published AS (
  SELECT partition_date, (count(*), sum(kept::BIGINT), sum(1 - kept::BIGINT)) AS counts
  FROM (
    SELECT partition_date, true AS kept FROM mp_events
    UNION ALL SELECT partition_date, false FROM mp_rejected_events
  )
  GROUP BY partition_date
)
SELECT count(*) FROM recorded FULL JOIN published USING (partition_date)
WHERE recorded.counts IS DISTINCT FROM published.counts
"""
"""Days of which the latest ledger row has other counts than the published tables."""


@dataclass(frozen=True)
class Wrong:
    """How far published tables are from the truth.

    Attributes:
        missing: Events that are not there.
        too_many: Rows beyond one an event, events that nobody can tell apart, and events that the source does not have.
        other_copy: Events whose copy is not the one that arrived first.
        rejected: Rejected rows beyond those that the source has (below zero: too few).
    """

    missing: int
    too_many: int
    other_copy: int
    rejected: int

    def __str__(self) -> str:
        parts = [
            f"{abs(number):,} {what}"
            for number, what in (
                (self.missing, "events missing"),
                (self.too_many, "rows too many"),
                (self.other_copy, "not the first copy"),
                (self.rejected, f"rejected rows too {'many' if self.rejected > 0 else 'few'}"),
            )
            if number
        ]
        return f"no: {', '.join(parts)}" if parts else "yes"


def compare(execute: Execute) -> Wrong:
    """Compares `mp_events` and `mp_rejected_events` with what `mp_master_event` tells."""
    execute(RIGHT)
    execute(FOUND)
    (counts,) = execute(COUNTS).fetchall()
    return Wrong(*map(int, counts))


def damage(execute: Execute) -> str:
    """What is wrong with a project's tables: winners, whole rows, ledger.

    Returns:
        In words; empty if nothing is.
    """
    winners = str(compare(execute))
    names = execute("SELECT column_name FROM duckdb_columns() WHERE table_name = 'mp_master_event'").fetchall()
    ((whole,),) = execute(CONTENT.format(columns=", ".join(name for (name,) in names))).fetchall()
    ((days,),) = execute(LEDGER).fetchall()
    return " ".join(
        [
            *([winners] if winners != "yes" else []),
            *([] if whole else ["rows are not as they were delivered"]),
            *([f"the ledger is wrong on {days:,} days"] if days else []),
        ]
    )
