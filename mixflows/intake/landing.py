"""What landing one file gave, and which columns it needs of the source."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from mixflows.text import counted


@dataclass(frozen=True)
class Landing:
    """One landed file; for every landing `lines = source_rows + malformed_rows + joined_rows`.

    Attributes:
        lines: Lines that are not blank (Parquet: rows).
        joined_rows: Lines that were joined with the line before: a line feed inside a record splits it.
        dropped_fields: Fields beside `event` and `properties` whose name `properties` uses for another value.
        reasons: Malformed lines by reason, the commonest first.
        restamped_rows: Rows, out of a sample of `sampled_rows`, whose insert id was landed before with a time less than
            a second away, as when one export counts seconds and another one milliseconds.
        rows_per_day: Source rows of each day, in order of days; of those that belong to none, last, under None.
        landed_at: UTC.
        project_timezone: The time zone that the days are in.
        wall_clock_unit: The unit of the delivered times, where they count on the project's wall clock; else None.
    """

    file_name: str
    content_hash: str
    lines: int
    source_rows: int
    malformed_rows: int
    joined_rows: int
    dropped_fields: int
    reasons: tuple[tuple[str, int], ...]
    sampled_rows: int
    restamped_rows: int
    rows_per_day: tuple[tuple[date | None, int], ...]
    landed_at: datetime
    project_timezone: str
    wall_clock_unit: str | None

    @property
    def is_restamped(self) -> bool:
        """Whether the file looks like a second export of the same events with times in another unit."""
        return self.restamped_rows > 0 and self.restamped_rows * 10 >= self.sampled_rows

    @property
    def logged_days(self) -> list[dict[str, date | int | None]]:
        """Its days and their rows as records."""
        return [{"partition_date": day, "source_rows": rows} for day, rows in self.rows_per_day]

    def logged(self) -> dict[str, object]:
        """What the landing log says of it, by column."""
        return {
            "file_name": self.file_name,
            "content_hash": self.content_hash,
            "landed_at": self.landed_at,
            "lines": self.lines,
            "source_rows": self.source_rows,
            "malformed_rows": self.malformed_rows,
            "joined_rows": self.joined_rows,
            "dropped_fields": self.dropped_fields,
            "rows_per_day": self.logged_days,
            "project_timezone": self.project_timezone,
            "wall_clock_unit": self.wall_clock_unit,
        }


def passed_over_words(passed_over: Mapping[str, int]) -> str:
    """One sentence on the files that were not landed."""
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in sorted(passed_over.items()))
    return f"{counted(sum(passed_over.values()), 'file')} passed over: {reasons}."
