"""What the generator knows about its export, because it made it: the truth that a pipeline's figures are held against.

All of it holds for the default settings: UTC days, key `insert_id_time`, keep `first`, `missing_insert_id = "reject"`,
`future_tolerance_seconds = 3600`, `lookback_days = 3`.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from mixflows.demo.shop import DAY_SECONDS

LOOKBACK_DAYS = 3
_EPOCH = date(1970, 1, 1)

KEPT = "kept"
DUPLICATE = "Duplicate event"
MISSING_INSERT_ID = "Missing insert id"
FUTURE = "Event time in the future"
REASONS = (DUPLICATE, MISSING_INSERT_ID, FUTURE)

_CONFLICTING = "conflicting"
_LATE = "late"


def day_of(number: int) -> date:
    """The day that is so many days after 1970-01-01."""
    return _EPOCH + timedelta(days=number)


def number_of(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - _EPOCH).days


@dataclass(frozen=True)
class DayCounts:
    """The rows of one day, by event time in UTC.

    Attributes:
        kept_rows: Events of which a first valid copy was delivered.
        duplicate_rows: Further copies of those.
        conflicting_rows: Those further copies whose content differs from the first.
        missing_insert_id_rows: Rows without insert id.
        future_rows: Rows whose time is later than their own arrival by more than the tolerance.
        late_rows: Rows, kept or rejected, that arrived more than three days after the day.
    """

    day: date
    kept_rows: int
    duplicate_rows: int
    conflicting_rows: int
    missing_insert_id_rows: int
    future_rows: int
    late_rows: int

    @property
    def rejected_by_reason(self) -> dict[str, int]:
        """Rejected rows by `rejection_reason`, in the order of `REASONS`; zeros included."""
        return {
            DUPLICATE: self.duplicate_rows,
            MISSING_INSERT_ID: self.missing_insert_id_rows,
            FUTURE: self.future_rows,
        }

    @property
    def rejected_rows(self) -> int:
        """Rows that belong into `mp_rejected_events`."""
        return sum(self.rejected_by_reason.values())

    @property
    def source_rows(self) -> int:
        """Rows that belong into `mp_master_event`."""
        return self.kept_rows + self.rejected_rows


@dataclass(frozen=True)
class FileCounts:
    """The lines of one delivered file; a malformed line belongs to no day, only to its file."""

    file_name: str
    source_rows: int
    malformed_rows: int


@dataclass(frozen=True)
class ExportCounts:
    """The truth about what has been delivered up to a moment, per day and per file, both in order."""

    days: tuple[DayCounts, ...]
    files: tuple[FileCounts, ...]

    @property
    def malformed_rows(self) -> int:
        """Lines that are no event."""
        return sum(file.malformed_rows for file in self.files)

    @property
    def source_rows(self) -> int:
        """Lines that are an event."""
        return sum(day.source_rows for day in self.days)

    @property
    def kept_rows(self) -> int:
        """Rows that belong into `mp_events`."""
        return sum(day.kept_rows for day in self.days)

    @property
    def rejected_rows(self) -> int:
        """Rows that belong into `mp_rejected_events`."""
        return sum(day.rejected_rows for day in self.days)

    @property
    def rejected_by_reason(self) -> dict[str, int]:
        """Rejected rows by `rejection_reason`, in the order of `REASONS`; zeros included."""
        return {reason: sum(day.rejected_by_reason[reason] for day in self.days) for reason in REASONS}

    def without(self, days: Iterable[date]) -> "ExportCounts":
        """The same without some days, such as those that the gate blocks; the files stay."""
        left_out = frozenset(days)
        return ExportCounts(tuple(day for day in self.days if day.day not in left_out), self.files)


class Books:
    """Counts rows while they are handed out."""

    def __init__(self) -> None:
        self._rows: Counter[tuple[int, str]] = Counter()
        self._files: list[FileCounts] = []

    def add_row(self, time: int, arrival_ms: int, fate: str, conflicting: bool) -> None:
        """Books one event line.

        Args:
            time: Its event time, seconds since 1970.
            arrival_ms: Its arrival, milliseconds since 1970.
            fate: `KEPT` or one of `REASONS`; known from why the row was made, never from looking at it.
            conflicting: Whether it is a duplicate whose content was changed.
        """
        day = time // DAY_SECONDS
        self._rows[day, fate] += 1
        if conflicting:
            self._rows[day, _CONFLICTING] += 1
        if arrival_ms // (DAY_SECONDS * 1000) - day > LOOKBACK_DAYS:
            self._rows[day, _LATE] += 1

    def add_file(self, file: FileCounts) -> None:
        """Books one file that is complete."""
        self._files.append(file)

    def counts(self) -> ExportCounts:
        """What has been booked so far."""
        rows = self._rows
        days = tuple(
            DayCounts(
                day_of(number),
                kept_rows=rows[number, KEPT],
                duplicate_rows=rows[number, DUPLICATE],
                conflicting_rows=rows[number, _CONFLICTING],
                missing_insert_id_rows=rows[number, MISSING_INSERT_ID],
                future_rows=rows[number, FUTURE],
                late_rows=rows[number, _LATE],
            )
            for number in sorted({number for number, _ in rows})
        )
        return ExportCounts(days, tuple(self._files))
