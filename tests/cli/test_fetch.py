"""`mixflows fetch`: its plan, its output, its exit codes, and where the secret may come from."""

import shlex
import time
from collections.abc import Iterator
from datetime import date

import pytest

from tests.support.command_line import Installation, export
from tests.support.export_api import ExportApi, Fault

SECRET = {"MIXFLOWS_MIXPANEL__SECRET": "s3cret"}
WEEK = ("--start", "2024-01-01", "--end", "2024-01-07")


@pytest.fixture
def api() -> Iterator[ExportApi]:
    with ExportApi() as running:
        for day in range(7):
            running.put(date(2024, 1, 1 + day), [line.encode() for line in export(1, 20, first_day=day).splitlines()])
        yield running


@pytest.fixture
def place(api: ExportApi, empty: Installation) -> Installation:
    lines = f'project_id = {api.project_id}\nservice_account = "{api.user}"\napi_url = "{api.url}"\n'
    empty.write("mixflows.toml", f"[mixpanel]\n{lines}[fetch]\ndays_per_query = 3\n")
    return empty


def test_the_dry_run_shows_the_queries_and_creates_nothing(api: ExportApi, place: Installation) -> None:
    plan = place.run("fetch", *WEEK, "--dry-run", "--json").json
    assert [(query["first_day"], query["last_day"]) for query in plan["queries"]] == [
        ("2024-01-05", "2024-01-07"), ("2024-01-02", "2024-01-04"), ("2024-01-01", "2024-01-01"),
    ]  # fmt: skip
    assert "7 days in 3 queries; 0 of 55 used in the last hour" in place.run("fetch", *WEEK, "--dry-run").out
    assert [path.name for path in place.folder.iterdir()] == ["mixflows.toml"]
    assert api.requests == []


def test_fetched_days_are_told_and_published_like_landed_ones(place: Installation) -> None:
    fetched = place.run("fetch", *WEEK, "--json", env=SECRET).json["fetched"]
    assert sum(days["new"] for days in fetched) == 140
    place.run("backfill", "--no-prefect")
    assert place.rows("SELECT count(*) FROM mp_events") == [(140,)]
    assert "7 days in 3 deliveries: 3 unchanged." in place.run("fetch", *WEEK, env=SECRET).out


def test_days_that_fail_end_with_1_and_the_others_are_landed(api: ExportApi, place: Installation) -> None:
    api.put(date(2024, 1, 2), [])
    place.run("fetch", *WEEK, env=SECRET)
    api.put(date(2024, 1, 6), [])
    ended = place.run("fetch", *WEEK, env=SECRET, code=1)
    assert "2024-01-05..2024-01-07 shrunk" in ended.out
    (told,) = [line for line in ended.out.splitlines() if line.startswith("To accept")]
    place.run(*shlex.split(told.partition(": mixflows ")[2]), env=SECRET)
    place.run("fetch", *WEEK, env=SECRET)


def test_a_fetch_that_is_killed_in_a_download_counts_its_queries_and_goes_on(
    api: ExportApi, place: Installation
) -> None:
    place.run("fetch", "--start", "2024-01-05", "--end", "2024-01-07", env=SECRET)
    api.faults.append(Fault("drip", day=date(2024, 1, 3)))
    running = place.start("fetch", *WEEK, "--set", "fetch.concurrency=1", env=SECRET)
    deadline = time.monotonic() + 60
    while not list(place.folder.rglob("2024-01-02..2024-01-04.part")) and time.monotonic() < deadline:
        time.sleep(0.02)
    running.kill()
    running.communicate()
    assert list(place.folder.rglob("*.part"))
    assert place.run("fetch", *WEEK, "--dry-run", "--json").json["used_in_the_last_hour"] == 3
    ended = place.run("fetch", *WEEK, env=SECRET).out
    assert "7 days in 3 deliveries: 2 landed, 1 unchanged." in ended
    assert place.rows("SELECT count(*), count(DISTINCT mp_insert_id) FROM mp_master_event") == [(140, 140)]
    assert not [path for path in place.folder.rglob("2024-*") if path.is_file()]


@pytest.mark.parametrize(
    ("words", "env", "code", "sentence"),
    [
        ((), {}, 2, "Mixpanel's secret is not set"),
        ((), {"MIXFLOWS_MIXPANEL__SECRET": "wr0ng"}, 2, "does not accept the credentials"),
        (("--set", "mixpanel.project_id=7"), SECRET, 2, "may not export project 7"),
        (("--set", "mixpanel.secret=s3cret"), {}, 2, "mixpanel.secret is secret"),
        (("--set", "mixpanel.api_url=http://example.com"), SECRET, 2, "would travel unencrypted"),
        (("--end", "2199-01-01"), SECRET, 2, "2199-01-01 is not complete yet"),
        (
            ("--accept-shrink", "2023-01-01"),
            SECRET,
            2,
            "--accept-shrink 2023-01-01 is none of the days that are fetched",
        ),
    ],
)
def test_what_cannot_be_fetched_is_one_sentence(
    words: tuple[str, ...], env: dict[str, str], code: int, sentence: str, place: Installation
) -> None:
    ended = place.run("fetch", *WEEK, *words, env=env, code=code)
    assert ended.err.startswith("error: ")
    assert sentence in ended.err
    assert "s3cret" not in ended.err + ended.out
    assert not (place.folder / "mixflows.duckdb").exists()


def test_no_plan_for_exports_ends_with_1(api: ExportApi, place: Installation) -> None:
    api.faults.append(Fault("status", status=402, error="upgrade", times=None))
    assert "has no raw exports" in place.run("fetch", *WEEK, env=SECRET, code=1).err


def test_a_secret_in_the_settings_file_is_refused(place: Installation) -> None:
    text = (place.folder / "mixflows.toml").read_text(encoding="utf-8")
    place.write("mixflows.toml", text.replace("[mixpanel]\n", '[mixpanel]\nsecret = "s3cret"\n'))
    ended = place.run("fetch", *WEEK, code=2)
    assert "Set MIXFLOWS_MIXPANEL__SECRET in the environment" in ended.err
    assert "s3cret" not in ended.err
