"""What the tables hold, as plain values that can be compared and written as JSON."""

from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import duckdb

DIFFER = {"mp_master_event": {"loaded_at"}, "mp_rejected_events": {"rejection_timestamp", "run_id"}}
"""Columns that differ from run to run."""
ONLY_WHETHER = {"gone_since"}
"""Columns of which only whether they are NULL is the same from run to run."""

Days = dict[str, list[str]]
"""Sorted rows as text, without what is NULL, by day."""


@dataclass(frozen=True)
class Tables:
    """A snapshot of a warehouse.

    Attributes:
        source: Rows of the source by day, without when they were landed and since when they are gone.
        events: Rows of the published events by day.
        rejected: Rejected rows by day, without when and in which run they were rejected first.
        ledger: Run, attempt, day and status of each ledger row, in the order of writing.
        judged: Run, attempt and day of each row of the quality results.
        landings: File, lines, source rows and malformed rows of each landing.
        malformed: File and line number of each malformed line.
    """

    source: Days
    events: Days
    rejected: Days
    ledger: list[list[str]]
    judged: list[list[str]]
    landings: list[list[str]]
    malformed: list[list[str]]

    @classmethod
    def of(cls, path: Path, *, only_reads: bool = False) -> Self:
        """Reads them through a connection of its own; nobody else may hold the file.

        Args:
            only_reads: Whether the files remain as they are; else what a killed process left in the log goes into the file.
        """
        with duckdb.connect(str(path), read_only=only_reads) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            present = {name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}

            def rows(table: str, select: str) -> list[list[str]]:
                if table not in present:
                    return []
                return [[str(v) for v in row] for row in connection.execute(f"SELECT {select}").fetchall()]

            def days(table: str) -> Days:
                if table not in present:
                    return {}
                cursor = connection.execute(f"SELECT * FROM {table}")
                names = [name for name, *_ in cursor.description]
                by_day: Days = defaultdict(list)
                for values in cursor.fetchall():
                    row = {name: value for name, value in zip(names, values, strict=True) if value is not None}
                    row |= dict.fromkeys(ONLY_WHETHER & row.keys(), "set")
                    shown = [f"{name}={row[name]}" for name in sorted(row.keys() - DIFFER.get(table, set()))]
                    by_day[str(row["partition_date"])].append(" ".join(shown))
                return {day: sorted(texts) for day, texts in sorted(by_day.items())}

            ledger = "run_id, attempt, partition_date, status FROM mp_partition_runs ORDER BY finished_at"
            judged = "DISTINCT run_id, attempt, partition_date FROM mp_quality_results ORDER BY ALL"
            landings = "file_name, lines, source_rows, malformed_rows FROM mp_landings ORDER BY landed_at"
            malformed = "file_name, line_number FROM mp_malformed_records ORDER BY ALL"
            return cls(
                source=days("mp_master_event"),
                events=days("mp_events"),
                rejected=days("mp_rejected_events"),
                ledger=rows("mp_partition_runs", ledger),
                judged=rows("mp_quality_results", judged),
                landings=rows("mp_landings", landings),
                malformed=rows("mp_malformed_records", malformed),
            )

    def to_json(self) -> dict[str, Any]:
        """As values that JSON has."""
        return asdict(self)

    @property
    def published(self) -> tuple[Days, Days]:
        """Events and rejected rows."""
        return self.events, self.rejected

    def published_on(self, day: str) -> tuple[list[str], list[str]]:
        """Events and rejected rows of one day."""
        return self.events.get(day, []), self.rejected.get(day, [])

    def status_of(self, day: str) -> list[str]:
        """How the day ended, run by run."""
        return [status for _, _, at, status in self.ledger if at == day]
