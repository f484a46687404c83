"""Which days are fetched, and why: never fetched ones, then fetched ones by a ladder of ages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from mixflows.days import DayRange, day_start, each_day
from mixflows.errors import UnknownDayError, UsageError
from mixflows.text import counted

SETTLE_HOURS = 3
"""Hours after a day's end before it is fetched at first: events were seen to be exported 45 minutes late."""
NEVER, REQUESTED = "never fetched", "requested"


@dataclass(frozen=True)
class PlannedFetch:
    """Consecutive days that one query asks for, on the clock of the project's export."""

    first_day: date
    last_day: date
    reason: str

    @property
    def days(self) -> int:
        """How many days."""
        return (self.last_day - self.first_day).days + 1


def last_ready_day(now: datetime, zone: ZoneInfo) -> date:
    """The last day that ended at least three hours ago."""
    return (now - timedelta(hours=SETTLE_HOURS)).astimezone(zone).date() - timedelta(days=1)


def due(
    first_day: date | None, now: datetime, fetched: Mapping[date, float], ages: Sequence[int], zone: ZoneInfo
) -> dict[date, str]:
    """Every day that is due and the reason, in the order in which they are fetched.

    Days that were never fetched come first, then those that reached an age of the ladder since they were last asked for;
    the newest first.

    Args:
        first_day: Where history begins; without it, with the first day that was fetched.
        now: UTC.
        fetched: When each fetched day was last asked for, in seconds since 1970, UTC.
        ages: The ladder, ascending, in days after a day's end.
        zone: The zone of the days.

    Raises:
        UsageError: There is no day to begin with.
    """
    begin = first_day or min(fetched, default=None)
    if begin is None:
        raise UsageError(
            "nothing says which day to fetch first",
            "Set mixpanel.first_day in mixflows.toml, or name days with --start and --end.",
        )
    last = last_ready_day(now, zone)
    days = each_day(begin, last)[::-1]
    never = {day: NEVER for day in days if day not in fetched}
    return never | {
        day: f"{counted(age, 'day')} old"
        for day in days
        if day in fetched and (age := _age_reached(day, now, fetched[day], ages, zone)) is not None
    }


def _age_reached(day: date, now: datetime, asked_at: float, ages: Sequence[int], zone: ZoneInfo) -> int | None:
    """The last age that the day has reached, if it has not been asked for since."""
    end = day_start(day + timedelta(days=1), zone)
    reached = [age for age in ages if end + timedelta(days=age) <= now]
    if not reached or (end + timedelta(days=reached[-1])).timestamp() <= asked_at:
        return None
    return reached[-1]


def requested(days: DayRange, first_day: date | None, now: datetime, zone: ZoneInfo) -> dict[date, str]:
    """The days of a range, the newest first, each `requested`. An open end is the last day that is ready.

    Raises:
        UnknownDayError: The range ends on a day that is not ready.
        UsageError: Nothing says where the range begins.
    """
    last = last_ready_day(now, zone)
    start, end = days.start or first_day, days.end or last
    if start is None:
        raise UsageError("the range has no first day", "Name it with --start, or set mixpanel.first_day.")
    if max(start, end) > last:
        raise UnknownDayError(
            f"{max(start, end)} is not complete yet: the last day that can be fetched is {last}",
            f"A day is ready {SETTLE_HOURS} hours after its end. Name an earlier day with --end.",
        )
    DayRange(start, end)
    return dict.fromkeys(each_day(start, end)[::-1], REQUESTED)


def in_queries(days: Mapping[date, str], days_per_query: int) -> tuple[PlannedFetch, ...]:
    """Groups days into queries: neighbours with the same reason, at most so many; the order of the days stays."""
    queries: list[PlannedFetch] = []
    for day, reason in days.items():
        last = queries[-1] if queries else None
        is_next = last is not None and last.first_day - timedelta(days=1) == day and last.reason == reason
        if last is not None and is_next and last.days < days_per_query:
            queries[-1] = PlannedFetch(day, last.last_day, reason)
        else:
            queries.append(PlannedFetch(day, day, reason))
    return tuple(queries)
