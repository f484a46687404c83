"""Days of the project: their bounds in UTC, the last complete one, and ranges of them.

A day is a calendar day in the project's time zone. Bounds are computed here, in Python, from the pinned `tzdata` package:
never from the system's files or an engine's own database of zones, which differ. Statements see constants only.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from mixflows.errors import UnknownDayError

FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2199, 12, 31)
"""Days run from the first to the last, both included; an event time outside of them belongs to no day."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY_MICROS = 86_400_000_000
MICROS_PER_UNIT = {"s": 1_000_000, "ms": 1_000}
"""Of the units that exports count times in."""
FURTHEST = timedelta(days=2)
"""No two clocks are further apart than 26 hours."""
CLOCK_STEP = timedelta(hours=6)
"""No zone has changed its clock twice within so short a time."""


@cache
def zone_of(name: str) -> ZoneInfo:
    """A time zone by its IANA name, from the `tzdata` package.

    Raises:
        KeyError: There is no zone of that name.
    """
    place = files("tzdata").joinpath("zoneinfo", *name.split("/"))
    if not name or name.startswith(("/", ".")) or ".." in name or not place.is_file():
        raise KeyError(name)
    with place.open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


def day_start(day: date, zone: ZoneInfo) -> datetime:
    """The first instant of a day, in UTC. In a zone that skips midnight it is the first instant that exists."""
    return datetime.combine(day, time.min, tzinfo=zone).astimezone(UTC)


def day_bounds(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The half-open interval of a day in UTC: [start, end)."""
    return day_start(day, zone), day_start(day + timedelta(days=1), zone)


def micros(instant: datetime) -> int:
    """Microseconds since 1970 in UTC."""
    return (instant - EPOCH) // timedelta(microseconds=1)


@dataclass(frozen=True)
class DayRun:
    """Consecutive days that begin 24 hours apart: the day of an instant among them is a division.

    Attributes:
        start_us: The first instant of the first day, in microseconds since 1970, UTC.
        end_us: The first instant after the last day, which may be longer or shorter than 24 hours.
    """

    first_day: date
    days: int
    start_us: int
    end_us: int


def day_runs(days: Iterable[date], zone: ZoneInfo) -> tuple[DayRun, ...]:
    """Days as runs, ascending; a day without an instant (zones have skipped some) is in none."""
    runs: list[DayRun] = []
    bounds: dict[date, int] = {}
    for day in sorted(set(days)):
        start = bounds.pop(day, None)
        start = micros(day_start(day, zone)) if start is None else start
        following = day + timedelta(days=1)
        end = bounds[following] = micros(day_start(following, zone))
        if start == end:
            continue
        last = runs[-1] if runs else None
        follows = last is not None and last.first_day + timedelta(days=last.days) == day
        if last is not None and follows and last.start_us + last.days * DAY_MICROS == start == last.end_us:
            runs[-1] = DayRun(last.first_day, last.days + 1, last.start_us, end)
        else:
            runs.append(DayRun(day, 1, start, end))
    return tuple(runs)


@dataclass(frozen=True)
class ClockRun:
    """A stretch in which a zone's wall clock is ahead of UTC by one offset.

    Attributes:
        from_us: The first reading of the clock that counts so, in microseconds since 1970 as if it were UTC.
        offset_us: By how much the clock is ahead, in microseconds; negative west of Greenwich.
    """

    from_us: int
    offset_us: int


def clock_runs(first_us: int, last_us: int, zone: ZoneInfo) -> tuple[ClockRun, ...]:
    """How the readings of a zone's wall clock between two become instants: each by the last run that begins before it.

    A reading that the clock shows twice is the later one; one that it skips counts by the offset before the gap.

    Args:
        first_us: In microseconds since 1970, as if the clock were UTC's. Readings before FIRST_DAY or after LAST_DAY count by
            the offset of that day.
        last_us: Likewise.
    """
    earliest, latest = (datetime.combine(day, time.min, tzinfo=UTC) for day in (FIRST_DAY, LAST_DAY))
    at = _within(first_us, earliest, latest).replace(microsecond=0) - FURTHEST
    end = _within(last_us, earliest, latest) + FURTHEST
    runs = [ClockRun(min(first_us, micros(earliest)), _offset_us(at, zone))]
    while at < end:
        following = at + CLOCK_STEP
        if (offset_us := _offset_us(following, zone)) != runs[-1].offset_us:
            changed_us = micros(_last_before_change(at, following, zone)) + 1_000_000
            runs.append(ClockRun(changed_us + offset_us, offset_us))
        at = following
    return tuple(runs)


def _within(at_us: int, earliest: datetime, latest: datetime) -> datetime:
    return EPOCH + timedelta(microseconds=min(max(at_us, micros(earliest)), micros(latest)))


def _offset_us(at: datetime, zone: ZoneInfo) -> int:
    return (at.astimezone(zone).utcoffset() or timedelta()) // timedelta(microseconds=1)


def _last_before_change(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The last whole second with the earlier offset; zones change at whole seconds."""
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        if _offset_us(middle, zone) == _offset_us(after, zone):
            after = middle
        else:
            before = middle
    return before


def days_between(first_us: int | None, last_us: int | None) -> Sequence[date]:
    """Every day, in any zone, that may hold an instant between two, within FIRST_DAY and LAST_DAY; none without instants.

    Args:
        first_us: In microseconds since 1970, UTC.
        last_us: Likewise.
    """
    if first_us is None or last_us is None:
        return []
    start = max(FIRST_DAY, (EPOCH + timedelta(microseconds=first_us)).date() - timedelta(days=1))
    end = min(LAST_DAY, (EPOCH + timedelta(microseconds=last_us)).date() + timedelta(days=1))
    return each_day(start, end)


def each_day(first: date, last: date) -> list[date]:
    """The days from one to another, both included, ascending; none if the last lies before the first."""
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def days_words(first: date, last: date) -> str:
    """A day, or a range such as `2026-07-01..2026-07-07`."""
    return f"{first}" if first == last else f"{first}..{last}"


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
