"""Days from the stand-in of Mixpanel's API into the source: landed once, again by the ladder, whatever happens between."""

import logging
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from mixflows.days import DayRange
from mixflows.errors import UsageError
from mixflows.pipeline.fetch import FetchedDays, fetch, plan_fetch
from mixflows.progress import Listener, listening
from mixflows.settings import Settings
from mixflows.warehouse import borrowed
from tests.fetch.clocks import NOW, SteppedClock
from tests.fetch.conftest import DAYS, EVENTS, FIRST_DAY, SECRET, event
from tests.support.export_api import ExportApi, Fault

WRITES = "import duckdb, sys; duckdb.connect(sys.argv[1]).execute('CREATE OR REPLACE TABLE written (i INTEGER)')"
LAST_DAY = FIRST_DAY + timedelta(days=DAYS - 1)


ENGINES = pytest.mark.parametrize("settings", ["duckdb", "bigquery"], indirect=True)


@dataclass
class Commands:
    """Runs `fetch` again and again; the clocks of Mixpanel and of each command are one."""

    api: ExportApi
    settings: Settings
    now: datetime = NOW
    while_waiting: Callable[[float], None] = lambda _: None

    def run(
        self, days: DayRange | None = None, on_days: Callable[[FetchedDays], None] = lambda _: None, **fetching: int
    ) -> list[FetchedDays]:
        clock = SteppedClock(self.now)
        clock.while_waiting = self.while_waiting
        self.api.now = clock.now
        settings = self.settings.model_copy(update={"fetch": self.settings.fetch.model_copy(update=fetching)})
        try:
            return fetch(settings, plan_fetch(settings, days, clock), clock, on_days)
        finally:
            self.now = datetime.fromtimestamp(clock.now(), UTC)


@pytest.fixture
def commands(api: ExportApi, settings: Settings) -> Commands:
    return Commands(api, settings)


def rows_per_day(settings: Settings) -> dict[date, int]:
    with borrowed(settings) as warehouse:
        return {day.day: day.rows for day in warehouse.source_days()[0]}


@ENGINES
def test_history_is_landed_in_ranges_and_the_ladder_then_finds_what_changed(
    api: ExportApi, settings: Settings, commands: Commands
) -> None:
    first = commands.run()
    assert {result.status for result in first} == {"landed"}
    assert rows_per_day(settings) == {FIRST_DAY + timedelta(days=n): EVENTS for n in range(DAYS)}
    assert len(api.requests) == 2
    assert commands.run() == []

    commands.now = NOW + timedelta(days=1)
    lines = [event(LAST_DAY, n) for n in range(EVENTS)]
    lines[0]["properties"]["distinct_id"] = "merged"
    api.put(LAST_DAY, [*lines[1:], lines[0], event(LAST_DAY, 77)])
    api.put(LAST_DAY + timedelta(days=1), [event(LAST_DAY + timedelta(days=1), 1)])
    again = commands.run()
    changed = [result for result in again if result.first_day == LAST_DAY]
    assert {"never fetched", "1 day old"} <= {result.reason for result in again}
    (counts,) = (result.superseded for result in changed)
    assert counts is not None
    assert (counts.same, counts.restated, counts.new, counts.gone) == (EVENTS - 1, 1, 1, 0)


def test_a_fetched_day_that_is_the_same_is_unchanged_however_often(
    api: ExportApi, settings: Settings, commands: Commands
) -> None:
    api.put(LAST_DAY, [*api.days[LAST_DAY], b"no event"])
    one = DayRange(LAST_DAY, LAST_DAY)
    statuses = [result.status for _ in range(4) for result in commands.run(one)]
    assert statuses == ["landed", *["unchanged"] * 3]
    with borrowed(settings) as warehouse:
        (totals,) = warehouse.query("table_totals")
    assert (totals["source_rows"], totals["malformed_rows"]) == (EVENTS, 1)


@ENGINES
def test_a_bad_day_is_named_and_is_the_only_one_that_remains_due(
    api: ExportApi, settings: Settings, commands: Commands
) -> None:
    bad = FIRST_DAY + timedelta(days=4)
    api.faults.append(Fault("terminated_early", times=None, day=bad))
    failed = [result for result in commands.run() if result.error]
    assert [(result.first_day, result.last_day, result.status) for result in failed] == [(bad, bad, "failed")]
    assert set(rows_per_day(settings)) == {FIRST_DAY + timedelta(days=n) for n in range(DAYS)} - {bad}
    api.faults.clear()
    assert [(result.first_day, result.status) for result in commands.run()] == [(bad, "landed")]


def test_a_stopped_fetch_goes_on_where_it_was(api: ExportApi, settings: Settings, commands: Commands) -> None:
    landed: list[FetchedDays] = []

    def stop(done: FetchedDays) -> None:
        landed.append(done)
        if len(landed) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        commands.run(on_days=stop, days_per_query=2, concurrency=1)
    assert len(rows_per_day(settings)) == 4
    assert {result.first_day for result in commands.run()}.isdisjoint({result.first_day for result in landed})
    assert rows_per_day(settings) == {FIRST_DAY + timedelta(days=n): EVENTS for n in range(DAYS)}
    assert not [path for path in settings.fetch.folder.rglob("*.json*") if path.is_file()]


def test_files_are_kept_where_that_is_wanted(settings: Settings, commands: Commands) -> None:
    kept = settings.fetch.folder / "1234567"
    commands.run(DayRange(FIRST_DAY, LAST_DAY), keep_files=True)
    assert sorted(path.name for path in kept.glob("*.gz")) == [
        "2026-06-30..2026-07-02.jsonl.gz",
        "2026-07-03..2026-07-09.jsonl.gz",
    ]
    commands.run(DayRange(FIRST_DAY, LAST_DAY))
    assert len(list(kept.glob("*.gz"))) == 2


def test_a_day_that_lost_its_events_is_refused_and_stays(
    api: ExportApi, settings: Settings, commands: Commands
) -> None:
    commands.run()
    api.put(LAST_DAY, [])
    (result,) = commands.run(DayRange(LAST_DAY, LAST_DAY))
    assert (result.status, rows_per_day(settings)[LAST_DAY]) == ("shrunk", EVENTS)


def test_another_process_writes_the_warehouse_while_a_refusal_is_waited_for(
    api: ExportApi, settings: Settings, commands: Commands
) -> None:
    written: list[float] = []

    def write(seconds: float) -> None:
        if seconds > 1 and not written:
            written.append(seconds)
            subprocess.run([sys.executable, "-c", WRITES, str(settings.warehouse.path)], check=True)

    with borrowed(settings):
        pass
    commands.while_waiting = write
    api.faults.append(Fault("status", status=429))
    assert all(result.status == "landed" for result in commands.run(concurrency=1))
    assert written == [60]


class Heard(Listener):
    """Keeps what is waited for."""

    def __init__(self) -> None:
        self.waits: list[str] = []

    def waiting(self, why: str) -> None:
        """See Listener."""
        self.waits.append(why)


def test_each_long_wait_is_reported_whichever_thread_waits(api: ExportApi, commands: Commands) -> None:
    heard = Heard()
    api.faults += [
        Fault("status", status=429, headers={"Retry-After": "130"}),
        *(Fault("status", day=LAST_DAY) for _ in range(3)),
    ]
    with listening(heard):
        commands.run(queries_per_hour=6, concurrency=4)
        assert len(api.requests) == 6
        commands.run(DayRange(FIRST_DAY, LAST_DAY), queries_per_hour=6, concurrency=4)
    shown = [re.sub(r"\d\d:\d\d:\d\d", "TIME", why) for why in heard.waits]
    until = "waiting until 2026-07-10 TIME UTC"
    assert set(shown) == {
        f"{until} because Mixpanel refused a query of project 1234567 by its limit (status 429)",
        f"{until} to ask for 2026-07-03..2026-07-09 again after a fault",
        f"{until} for room in the hour of project 1234567: 6 of 6 queries are used",
    }
    assert len(set(heard.waits)) == len(heard.waits)


def test_a_wait_of_several_threads_is_reported_once_and_a_short_one_never() -> None:
    heard, clock = Heard(), SteppedClock()

    def wait_too(_: float) -> None:
        """As another thread does meanwhile."""
        clock.while_waiting = lambda _: None
        clock.wait_for("for room", 65)
        clock.set(NOW)

    clock.while_waiting = wait_too
    with listening(heard):
        clock.wait_for("for room", 65)
        clock.wait_for("for room", 9.9)
    assert heard.waits == ["waiting until 2026-07-10 12:01:05 UTC for room"]


def test_a_long_history_is_fetched_without_one_refusal_by_the_limit(api: ExportApi, commands: Commands) -> None:
    api.per_hour = 3
    assert len(commands.run(days_per_query=1, queries_per_hour=3, concurrency=1)) == DAYS
    assert [request.status for request in api.requests] == [200] * DAYS


def test_the_secret_is_in_no_file_log_request_or_result(
    api: ExportApi, settings: Settings, commands: Commands, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    api.faults += [Fault("status", error=f"no {SECRET}"), Fault("reset"), Fault("status", status=429)]
    results = commands.run()
    api.faults.append(Fault("status", status=403, error=f"{SECRET} may not"))
    with pytest.raises(UsageError) as refused:
        commands.run(DayRange(LAST_DAY, LAST_DAY))
    texts = [caplog.text, str(results), str(refused.value), repr(settings), str(settings.model_dump())]
    texts += [request.target for request in api.requests]
    assert [text for text in texts if SECRET in text] == []
    files = [path for path in settings.fetch.folder.parent.rglob("*") if path.is_file()]
    assert files
    assert [path for path in files if SECRET.encode() in path.read_bytes()] == []


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"mixpanel": {}}, "mixpanel.project_id is not set"),
        ({"mixpanel": {"project_id": 1}, "source": {"feed": "table"}}, "fed from a table that another program writes"),
    ],
)
def test_what_cannot_be_fetched_is_said_before_anything(changes: dict[str, Any], sentence: str) -> None:
    settings = Settings.model_validate(changes)
    with pytest.raises(UsageError, match=sentence):
        plan_fetch(settings, None, SteppedClock())


@ENGINES
def test_no_query_is_spent_on_a_source_that_is_dated_in_another_time_zone(
    api: ExportApi, settings: Settings, commands: Commands
) -> None:
    commands.run(DayRange(FIRST_DAY, FIRST_DAY))
    asked = len(api.requests)
    commands.settings = settings.model_copy(update={"project_timezone": "Asia/Kathmandu"})
    for days in (None, DayRange(FIRST_DAY, FIRST_DAY)):
        with pytest.raises(UsageError, match=r"another time zone than Asia/Kathmandu\n.*--accept-rules"):
            commands.run(days)
    assert len(api.requests) == asked
