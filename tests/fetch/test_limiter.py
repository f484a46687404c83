"""Queries in any hour of the clock: never more than the limit, over processes and crashes."""

import threading
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from mixflows.errors import FetchError, FetchHeldError
from mixflows.mixpanel.download import Download, Downloader
from mixflows.mixpanel.limiter import Limiter
from mixflows.mixpanel.memory import Memory
from tests.fetch.clocks import NOW, SteppedClock
from tests.fetch.conftest import FIRST_DAY
from tests.support.export_api import ExportApi, Fault


def most_in_an_hour(times: list[float]) -> int:
    return max(sum(start <= at < start + 3600 for at in times) for start in times)


def test_no_hour_has_more_queries_than_the_limit_over_processes_and_crashes(tmp_path: Path) -> None:
    clock = SteppedClock()
    times: list[float] = []
    sent: list[float] = []
    for n in range(60):
        # Each time another object over the same file, as another process has; every third one dies before its answer.
        limiter = Limiter(Memory(tmp_path, 1), 7, clock)
        number = limiter.take_turn()
        times.append(clock.now())
        sent.append(clock.now())
        clock.wait(5 if n % 3 else 30)
        times[-1] = clock.now()  # the server counts it anywhere up to its answer
        if n % 3:
            limiter.answered(number, refused=False)
    assert most_in_an_hour(times) == 7
    assert times[-1] - times[0] < 60 / 7 * 3600
    assert min(later - earlier for earlier, later in pairwise(sent)) >= 0.33


def test_threads_share_the_limit(tmp_path: Path) -> None:
    clock = SteppedClock()
    times: list[float] = []
    limiter = Limiter(Memory(tmp_path, 1), 5, clock)

    def ask() -> None:
        for _ in range(5):
            limiter.take_turn()
            times.append(clock.now())

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(times) == 15
    assert Limiter(Memory(tmp_path, 1), 5, clock).used() <= 5
    assert clock.now() - NOW.timestamp() >= 2 * 3600


def test_projects_do_not_share_it(tmp_path: Path) -> None:
    clock = SteppedClock()
    for project in (1, 2):
        Limiter(Memory(tmp_path, project), 1, clock).take_turn()
    assert clock.now() == NOW.timestamp()


def test_a_clock_that_was_wrong_by_a_year_does_not_block_for_a_year(tmp_path: Path) -> None:
    clock = SteppedClock(NOW + timedelta(days=365))
    Limiter(Memory(tmp_path, 1), 1, clock).take_turn()
    clock.set(NOW)
    Limiter(Memory(tmp_path, 1), 1, clock).take_turn()
    assert clock.now() == NOW.timestamp()


def test_a_refusal_is_waited_for_as_long_as_it_says_and_is_no_try(
    api: ExportApi, downloader: Downloader, clock: SteppedClock
) -> None:
    api.faults.append(Fault("status", status=429, times=8, headers={"Retry-After": "130"}))
    (download,) = downloader.downloads(FIRST_DAY, FIRST_DAY)
    assert isinstance(download, Download)
    assert clock.now() - NOW.timestamp() == pytest.approx(8 * 130)
    assert [request.status for request in api.requests] == [429] * 8 + [200]


def test_refusals_that_do_not_say_how_long_are_waited_for_ever_longer(
    api: ExportApi, downloader: Downloader, clock: SteppedClock
) -> None:
    api.faults.append(Fault("status", status=429, times=4))
    list(downloader.downloads(FIRST_DAY, FIRST_DAY))
    assert [round(seconds) for seconds in clock.waits] == [60, 120, 240, 300]


def test_nothing_but_refusals_for_ninety_minutes_ends_the_fetch(
    api: ExportApi, downloader: Downloader, clock: SteppedClock
) -> None:
    api.faults.append(Fault("status", status=429, times=None))
    with pytest.raises(FetchError, match="another program uses the 60 queries an hour of project 1234567"):
        list(downloader.downloads(FIRST_DAY, FIRST_DAY))
    assert 90 * 60 <= clock.now() - NOW.timestamp() < 96 * 60


def test_one_process_at_a_time_fetches_a_project(tmp_path: Path) -> None:
    first, second = Memory(tmp_path, 1), Memory(tmp_path, 1)
    with first.alone():
        with pytest.raises(FetchHeldError), second.alone():
            pass
        with Memory(tmp_path, 2).alone():
            pass
    with second.alone():
        pass
