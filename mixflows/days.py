"""Days of the project: their bounds in UTC, the last complete one, and ranges of them.

A day is a calendar day in the project's time zone. Bounds are computed here, in Python, so that a statement's predicate
is a constant and never a function around a column.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from mixflows.errors import UnknownDayError


def day_start(day: date, zone: ZoneInfo) -> datetime:
    """The first instant of a day, in UTC. In a zone that skips midnight it is the first instant that exists."""
    return datetime.combine(day, time.min, tzinfo=zone).astimezone(UTC)


def day_bounds(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The half-open interval of a day in UTC: [start, end)."""
    return day_start(day, zone), day_start(day + timedelta(days=1), zone)


def last_complete_day(now: datetime, zone: ZoneInfo) -> date:
    """Yesterday, in the project's time zone."""
    return now.astimezone(zone).date() - timedelta(days=1)


def parse_day(text: str) -> date:
    """Reads YYYY-MM-DD.

    Raises:
        UnknownDayError: The text is no calendar day.
    """
    try:
        return date.fromisoformat(text)
    except ValueError as err:
        raise UnknownDayError(f"{text!r} is not a day", "Write days as YYYY-MM-DD, such as 2026-03-31.") from err


@dataclass(frozen=True)
class DayRange:
    """A range of days, both ends included; None is open.

    Raises:
        UnknownDayError: The end lies before the start.
    """

    start: date | None = None
    end: date | None = None

    def __post_init__(self) -> None:
        if self.start is not None and self.end is not None and self.end < self.start:
            raise UnknownDayError(
                f"the range ends on {self.end}, before it starts on {self.start}", "Swap --start and --end."
            )

    def __contains__(self, day: date) -> bool:
        return (self.start is None or day >= self.start) and (self.end is None or day <= self.end)

    def __str__(self) -> str:
        return f"{self.start or 'the first day'} to {self.end or 'the last day'}"
