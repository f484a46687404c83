"""What `properties.time` counts: seconds or milliseconds, in UTC or on the project's wall clock."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from mixflows.days import day_bounds, zone_of
from mixflows.errors import LandingError
from tests.landing.conftest import Shop, shop_in
from tests.landing.lines import event

BERLIN: dict[str, Any] = {"project_timezone": "Europe/Berlin"}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def day_of(instant: datetime) -> date | None:
    """In UTC; times of other centuries belong to no day."""
    return instant.date() if 1900 <= instant.year <= 2199 else None


SECONDS = [
    ("1722470400", "2024-08-01"),
    ('"1722470400"', "2024-08-01"),
    ("1722470400.123456", "2024-08-01 00:00:00.123456"),
    ('"1722470400.123456"', "2024-08-01 00:00:00.123456"),
    ("1722470400.9999996", "2024-08-01 00:00:01"),
    ("1.7224704e9", "2024-08-01"),
    ("0", "1970-01-01"),
    ("-0.5", "1969-12-31 23:59:59.5"),
    ("-86400", "1969-12-31"),
    ("99999999999", "5138-11-16 09:46:39"),
    ("-62135510400", "0001-01-02"),
]
MILLISECONDS = [
    ("1722470400000", "2024-08-01"),
    ("1722470400123.456", "2024-08-01 00:00:00.123456"),
    ('"1722470400123"', "2024-08-01 00:00:00.123"),
    ("0", "1970-01-01"),
    ("86400000", "1970-01-02"),
    ("253402127999999", "9999-12-29 23:59:59.999"),
]
NO_TIMES = [
    '"soon"', '""', "null", "true", "[1722470400]", "{}", '"NaN"', "NaN", "Infinity", '"-inf"', "1e400", '"0x66"',
]  # fmt: skip


class Landed:
    """A file with an event for each text of a time: when it happened and its day, by the text; what was malformed."""

    def __init__(self, folder: Path, texts: list[str], **sections: Any) -> None:
        with shop_in(folder) as shop:
            shop.land(shop.write(*map(line, texts)), allow_malformed=True, **sections)
            found = shop.events("mp_insert_id", "time", "partition_date")
            self.times = {text: (instant, day) for text, instant, day in found}
            self.malformed = [(text, reason) for _, text, reason in shop.malformed()]


def line(time: str) -> str:
    properties = f'{{"$insert_id": {json.dumps(time)}, "time": {time}}}'
    return f'{{"event": "e", "properties": {properties}}}'


@pytest.fixture(scope="module")
def seconds(tmp_path_factory: pytest.TempPathFactory) -> Landed:
    return Landed(tmp_path_factory.mktemp("seconds"), [*(text for text, _ in SECONDS), *NO_TIMES])


@pytest.fixture(scope="module")
def milliseconds(tmp_path_factory: pytest.TempPathFactory) -> Landed:
    return Landed(tmp_path_factory.mktemp("ms"), [text for text, _ in MILLISECONDS], landing={"time_unit": "ms"})


@pytest.mark.parametrize(("written", "instant"), SECONDS)
def test_seconds_keep_their_microseconds(seconds: Landed, written: str, instant: str) -> None:
    assert seconds.times[written] == (at(instant), day_of(at(instant)))


@pytest.mark.parametrize(("written", "instant"), MILLISECONDS)
def test_milliseconds_keep_their_microseconds(milliseconds: Landed, written: str, instant: str) -> None:
    assert milliseconds.times[written] == (at(instant), day_of(at(instant)))


@pytest.mark.parametrize("written", NO_TIMES)
def test_what_is_no_number_is_no_time(seconds: Landed, written: str) -> None:
    assert written not in seconds.times
    assert (line(written), "time is missing or no time") in seconds.malformed


def test_the_day_is_the_project_s_day_and_the_time_is_utc(shop: Shop) -> None:
    late, early = (
        1_711_839_599,
        1_711_839_600,
    )  # 23:59:59 on the 30th and midnight of the 31st in Berlin, before summer time
    shop.land(shop.write(event("a", time=late), event("b", time=early), event("c", time=1_711_922_400)), **BERLIN)
    assert shop.events("time", "partition_date") == [
        (at("2024-03-30 22:59:59"), date(2024, 3, 30)),
        (at("2024-03-30 23:00:00"), date(2024, 3, 31)),
        (at("2024-03-31 22:00:00"), date(2024, 4, 1)),
    ]


def test_the_project_s_wall_clock_is_converted_to_utc(shop: Shop) -> None:
    def wall(text: str) -> int:
        return int(at(text).timestamp())

    shop.land(
        shop.write(
            event("winter", time=wall("2024-01-01 00:30")),
            event("summer", time=wall("2024-07-01 00:30")),
            event("skipped", time=wall("2024-03-31 02:30")),
        ),
        **BERLIN,
        landing={"time_zone": "project"},
    )
    assert shop.events("mp_insert_id", "time", "partition_date") == [
        ("skipped", at("2024-03-31 01:30"), date(2024, 3, 31)),
        ("summer", at("2024-06-30 22:30"), date(2024, 7, 1)),
        ("winter", at("2023-12-31 23:30"), date(2024, 1, 1)),
    ]


VANCOUVER = [
    # Summer time all the year from 2026-11 on: databases that do not know it yet begin these days an hour later.
    ("2026-11-02 07:00", date(2026, 11, 2)),
    ("2026-11-03 06:59:59", date(2026, 11, 2)),
    ("2026-11-03 07:00", date(2026, 11, 3)),
]
ST_JOHNS = [
    # At 00:01 the clock went back into the day before, which had ended: the hour is the next day's.
    ("2006-10-29 02:29:59", date(2006, 10, 28)),
    ("2006-10-29 02:30", date(2006, 10, 29)),
    ("2006-10-29 03:00", date(2006, 10, 29)),
]
KATHMANDU = [("2026-06-01 18:14:59", date(2026, 6, 1)), ("2026-06-01 18:15", date(2026, 6, 2))]
APIA = [("2011-12-30 09:59:59", date(2011, 12, 29)), ("2011-12-30 10:00", date(2011, 12, 31))]


@pytest.mark.parametrize(
    ("zone", "instants"),
    [
        ("America/Vancouver", VANCOUVER),
        ("America/St_Johns", ST_JOHNS),
        ("Asia/Kathmandu", KATHMANDU),
        ("Pacific/Apia", APIA),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_days_have_the_bounds_that_the_pipeline_computes(
    shop: Shop, zone: str, instants: list[tuple[str, date]]
) -> None:
    lines = [event(str(n), time=int(at(text).timestamp())) for n, (text, _) in enumerate(instants)]
    shop.land(shop.write(*lines), project_timezone=zone)
    assert shop.events("time", "partition_date") == [(at(text), day) for text, day in instants]
    for day in {day for _, day in instants}:
        start, end = day_bounds(day, zone_of(zone))
        assert all((start <= at(text) < end) == (found == day) for text, found in instants)


@pytest.mark.parametrize(
    ("zone", "reading", "instant"),
    [
        ("Europe/Berlin", "2026-10-25 02:30", "2026-10-25 01:30"),  # twice: the later
        ("Europe/Berlin", "2026-03-29 02:30", "2026-03-29 01:30"),  # never: by the offset before
        ("Australia/Lord_Howe", "2026-04-05 01:45", "2026-04-04 15:15"),
        ("America/Vancouver", "2026-12-01 00:00", "2026-12-01 07:00"),
        ("Asia/Kolkata", "2300-01-01 00:00", "2299-12-31 18:30"),
        ("UTC", "2026-03-29 02:30", "2026-03-29 02:30"),
    ],
)
def test_readings_of_the_clock_become_instants_by_the_pinned_zones(
    shop: Shop, zone: str, reading: str, instant: str
) -> None:
    far = event("b", time=int(at("1971-01-01").timestamp()))
    line = event("a", time=int(at(reading).timestamp()))
    shop.land(shop.write(line, far), project_timezone=zone, landing={"time_zone": "project"})
    (first, _) = shop.events("time", "properties")
    assert first == (at(instant), {"time": int(at(reading).timestamp())})


def test_a_few_milliseconds_among_seconds_are_malformed(shop: Shop) -> None:
    wrong = event("b", time=1_722_470_400_000)
    shop.land(shop.write(event("a"), wrong, event("c")))
    assert shop.events("mp_insert_id") == [("a",), ("c",)]
    assert shop.malformed() == [(2, wrong, "time looks like milliseconds, but the setting says seconds")]


def test_a_few_seconds_among_milliseconds_are_malformed(shop: Shop) -> None:
    wrong, origin = event("b", time=1_722_470_400), event("c", time=0)
    shop.land(shop.write(event("a", time=1_722_470_400_000), wrong, origin), landing={"time_unit": "ms"})
    assert shop.events("mp_insert_id") == [("a",), ("c",)]
    assert shop.malformed() == [(2, wrong, "time looks like seconds, but the setting says milliseconds")]


def test_times_outside_the_calendar_are_malformed(shop: Shop) -> None:
    lines = [event("b", time=-62_135_510_401), event("c", time=-99_999_999_999)]
    shop.land(shop.write(event("a"), event("d"), *lines))
    assert [(number, reason) for number, _, reason in shop.malformed()] == [
        (3, "time is out of range"),
        (4, "time is out of range"),
    ]


@pytest.mark.parametrize(
    ("unit", "other", "time"),
    [("s", "ms", 1_722_470_400_000), ("ms", "s", 1_722_470_400), ("ms", "s", 1_722_470_400_000_000)],
)
def test_a_file_in_the_other_unit_is_refused_whole(shop: Shop, unit: str, other: str, time: int) -> None:
    right = 1_722_470_400 if unit == "s" else 1_722_470_400_000
    path = shop.write(*[event("a", time=time)] * 3, *[event("b", time=right)] * 2, "no json", "{}")
    with pytest.raises(LandingError, match=r"3 of its 5 times cannot count what landing\.time_unit says") as refused:
        shop.land(path, landing={"time_unit": unit})
    assert f'landing.time_unit = "{other}"' in refused.value.hint
    assert shop.is_untouched()
