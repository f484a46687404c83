"""Which days are fetched: never fetched ones first, then by the ladder, the newest first, in ranges."""

from datetime import UTC, date, datetime, timedelta

import pytest

from mixflows.days import DayRange, zone_of
from mixflows.errors import UnknownDayError, UsageError
from mixflows.mixpanel.due import due, in_queries, last_ready_day, requested

UTC_ZONE = zone_of("UTC")
DAY = date(2026, 7, 1)
END = datetime(2026, 7, 2, tzinfo=UTC)
LADDER = (1, 3, 7)


@pytest.mark.parametrize(
    ("now", "zone", "last"),
    [
        (END + timedelta(hours=3), "UTC", DAY),
        (END + timedelta(hours=2, minutes=59), "UTC", DAY - timedelta(days=1)),
        (END + timedelta(hours=9), "America/Los_Angeles", DAY - timedelta(days=1)),
        (END + timedelta(hours=10), "America/Los_Angeles", DAY),
    ],
)
def test_a_day_is_ready_three_hours_after_its_end(now: datetime, zone: str, last: date) -> None:
    assert last_ready_day(now, zone_of(zone)) == last


def test_a_day_that_is_fetched_each_night_is_fetched_once_for_each_age_and_then_never_again() -> None:
    fetched: dict[date, float] = {}
    ages: list[int] = []
    for night in range(1, 60):
        now = END + timedelta(days=night - 1, hours=3, minutes=15)
        if DAY in due(DAY, now, fetched, LADDER, UTC_ZONE):
            fetched[DAY] = now.timestamp()
            ages.append(night - 1)
    assert ages == [0, 1, 3, 7]


def test_ages_that_passed_while_nothing_ran_are_one_fetch() -> None:
    fetched = {DAY: (END + timedelta(hours=4)).timestamp()}
    now = END + timedelta(days=40)
    assert due(DAY, now, fetched, LADDER, UTC_ZONE)[DAY] == "7 days old"


def test_never_fetched_days_come_first_and_all_in_ranges_the_newest_first() -> None:
    now = END + timedelta(days=5, hours=4)
    fetched = {DAY - timedelta(days=n): END.timestamp() for n in range(3)}
    days = due(DAY - timedelta(days=4), now, fetched, LADDER, UTC_ZONE)
    queries = in_queries(days, 3)
    told = [(str(query.first_day)[5:], str(query.last_day)[5:], query.reason) for query in queries]
    assert told == [
        ("07-04", "07-06", "never fetched"),
        ("07-02", "07-03", "never fetched"),
        ("06-27", "06-28", "never fetched"),
        ("06-30", "07-01", "3 days old"),
        ("06-29", "06-29", "7 days old"),
    ]


def test_history_without_a_first_day_begins_with_the_first_fetched_day() -> None:
    with pytest.raises(UsageError):
        due(None, END, {}, LADDER, UTC_ZONE)
    now = END + timedelta(days=1, hours=4)
    assert DAY + timedelta(days=1) in due(None, now, {DAY: now.timestamp()}, LADDER, UTC_ZONE)


def test_requested_days_must_be_ready() -> None:
    now = END + timedelta(hours=4)
    assert list(requested(DayRange(DAY, None), None, now, UTC_ZONE)) == [DAY]
    with pytest.raises(UnknownDayError, match="the last day that can be fetched is 2026-07-01"):
        requested(DayRange(DAY, DAY + timedelta(days=1)), None, now, UTC_ZONE)
    with pytest.raises(UsageError):
        requested(DayRange(None, DAY), None, now, UTC_ZONE)
