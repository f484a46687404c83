"""`mixflows run` where Mixpanel feeds the source: it fetches what is due first, and runs what has been landed whatever came of it."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from mixflows.cli.output import STARTING_SERVER
from mixflows.mixpanel.memory import Memory
from tests.support.command_line import Installation, export
from tests.support.export_api import ExportApi, Fault

SECRET = {"MIXFLOWS_MIXPANEL__SECRET": "s3cret"}
FIRST_DAY = datetime.now(UTC).date() - timedelta(days=3)
SECOND_DAY = FIRST_DAY + timedelta(days=1)


def events(day: date, rows: int) -> list[bytes]:
    return [line.encode() for line in export(1, rows, first_day=(day - date(2024, 1, 1)).days).splitlines()]


@pytest.fixture
def api() -> Iterator[ExportApi]:
    with ExportApi() as running:
        running.put(FIRST_DAY, events(FIRST_DAY, 20))
        running.put(SECOND_DAY, events(SECOND_DAY, 20))
        yield running


@pytest.fixture
def place(api: ExportApi, empty: Installation) -> Installation:
    mixpanel = f'project_id = {api.project_id}\nservice_account = "{api.user}"\napi_url = "{api.url}"\nfirst_day = {FIRST_DAY}\n'
    fetch = 'days_per_query = 1\nfolder = "fetched"\n'
    empty.write("mixflows.toml", f'[source]\nfeed = "mixpanel"\n[mixpanel]\n{mixpanel}[fetch]\n{fetch}')
    return empty


def test_days_that_are_due_are_fetched_and_published_and_no_server_is_started_for_none(place: Installation) -> None:
    assert f"{SECOND_DAY} landed" in place.run("run", "--no-prefect", env=SECRET).out
    assert place.rows("SELECT count(*) FROM mp_events") == [(40,)]
    ended = place.run("run")
    assert "Nothing to do" in ended.out
    assert STARTING_SERVER not in ended.err


def test_a_day_that_fails_keeps_no_other_from_being_run_and_ends_with_1(api: ExportApi, place: Installation) -> None:
    api.faults.append(Fault("terminated_early", times=None, day=SECOND_DAY))
    ended = place.run("run", "--no-prefect", "--json", env=SECRET, code=1).json
    (why,) = ended["not_fetched"]
    assert why.startswith(f"{SECOND_DAY}: ")
    assert place.rows("SELECT count(*) FROM mp_events") == [(20,)]


def test_what_has_been_landed_is_run_without_a_secret_and_ends_with_1(api: ExportApi, place: Installation) -> None:
    place.run("fetch", "--start", str(FIRST_DAY), "--end", str(FIRST_DAY), env=SECRET)
    ended = place.run("run", "--no-prefect", code=1)
    assert "Not fetched: Mixpanel's secret is not set" in ended.out
    assert place.rows("SELECT count(*) FROM mp_events") == [(20,)]


def test_where_nothing_has_been_landed_the_reason_of_the_fetch_is_told(place: Installation) -> None:
    assert "Mixpanel's secret is not set" in place.run("run", "--no-prefect", code=2).err


def test_what_another_process_fetches_is_left_to_it(api: ExportApi, place: Installation) -> None:
    place.run("fetch", "--start", str(FIRST_DAY), "--end", str(FIRST_DAY), env=SECRET)
    with Memory(place.folder / "fetched", api.project_id).alone():
        ended = place.run("run", "--no-prefect", env=SECRET, code=4)
    assert "Not fetched: another process fetches project" in ended.out
    assert place.rows("SELECT count(*) FROM mp_events") == [(20,)]
