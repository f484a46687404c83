"""Killed with SIGKILL anywhere and run again: the tables are those of a run that was never killed."""

from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from mixflows.pipeline.land import land_one
from mixflows.settings import Settings
from mixflows.warehouse.duckdb.engine import DuckDBWarehouse
from tests.failure.exports import (
    DAYS,
    EVENTS_A_DAY,
    NEW_DAY,
    first_export,
    late_copies,
    line,
    second_export,
    write_export,
)
from tests.failure.kill_driver import Work
from tests.failure.kill_job import READING, WRITING, KilledRuns, kill_at_every_point
from tests.failure.killing import Calls
from tests.failure.tables import Days

ONE_BY_ONE: dict[str, Any] = {"backfill": {"concurrency": 1}, "warehouse": {"threads": 1}}


def prepare(folder: Path, *exports: list[str], settings: dict[str, Any], backfilled: int = 0) -> Path:
    """A warehouse into which exports were landed one after the other, and backfilled after the first so many."""
    path = folder / "prepared.duckdb"
    held = Settings.model_validate({**settings, "warehouse": {**settings["warehouse"], "path": path}})
    for number, lines in enumerate(exports):
        file = write_export(folder / f"export{number}.jsonl", lines)
        warehouse = DuckDBWarehouse(held)
        land_one(warehouse, held, file, again=False)
        warehouse.close()
        if number < backfilled:
            Work(held, None)(f"earlier{number}", Calls())
    return path


def check_whole_days(runs: KilledRuns) -> None:
    """After the kill every day is either as it was or as it is to be, and the ledger knows which."""
    changing = [day for day in runs.after.source if runs.before.published_on(day) != runs.after.published_on(day)]
    assert len(changing) == 2
    for run in runs.runs:
        for day in changing:
            done = run.after_kill.published_on(day) == runs.after.published_on(day)
            assert done or run.after_kill.published_on(day) == runs.before.published_on(day), f"{run.where}: {day}"
            recorded = [at for run_id, _, at, _ in run.after_kill.ledger if run_id == "first"].count(day)
            assert recorded == done, f"{run.where}: {day}, done: {done}, recorded: {recorded}"


def check_same_end(runs: KilledRuns) -> None:
    """After the work was done again, everything is as without the kill; no day was published twice."""
    for run in runs.runs:
        assert run.after.source == runs.before.source, run.where
        assert run.after.events == runs.after.events, run.where
        assert run.after.rejected == runs.after.rejected, run.where
        statuses = Counter((day, status) for _, _, day, status in run.after.ledger)
        assert statuses == Counter((day, status) for _, _, day, status in runs.after.ledger), run.where
        # One quality result a day and run, written with its ledger row or not at all.
        assert sorted(row[:3] for row in run.after.ledger) == run.after.judged, run.where


def check_reached(runs: KilledRuns) -> None:
    """Every boundary was hit, and every call that writes was hit while it ran; no other call writes."""
    boundaries = [run for run in runs.runs if run.when != "inside"]
    assert [run.call for run in boundaries[:-1]] == list(range(len(runs.calls)))
    assert boundaries[-1].when == "after"
    writing = {run.call for run, following in pairwise(boundaries) if run.files != following.files}
    assert all(runs.calls[call].startswith(WRITING) for call in writing)
    inside = {run.call for run in runs.runs if run.was_inside}
    assert {place for place, call in enumerate(runs.calls) if call.startswith(WRITING)} <= inside


def test_a_first_backfill(tmp_path: Path) -> None:
    prepared = prepare(tmp_path, first_export(), settings=ONE_BY_ONE)
    runs = kill_at_every_point(prepared, tmp_path / "killed", ONE_BY_ONE)
    check_reached(runs)
    check_whole_days(runs)
    check_same_end(runs)
    days = [str(day) for day in DAYS]
    assert {day: len(rows) for day, rows in runs.after.events.items()} == dict.fromkeys(days, EVENTS_A_DAY)
    assert {day: len(rows) for day, rows in runs.after.rejected.items()} == dict.fromkeys(days, 7)
    assert runs.after.ledger == [["first", "1", day, "published"] for day in days]


def test_a_backfill_of_changed_days_and_a_new_column(tmp_path: Path) -> None:
    prepared = prepare(tmp_path, first_export(), second_export(), settings=ONE_BY_ONE, backfilled=1)
    runs = kill_at_every_point(prepared, tmp_path / "killed", ONE_BY_ONE, inside=(*READING, *WRITING))
    check_reached(runs)
    check_whole_days(runs)
    check_same_end(runs)
    assert {day: len(rows) for day, rows in runs.after.events.items()} == {
        str(DAYS[0]): EVENTS_A_DAY + 3,
        str(DAYS[1]): EVENTS_A_DAY,
        str(NEW_DAY): EVENTS_A_DAY,
    }
    assert all("customer_id" not in row for row in runs.before.events[str(DAYS[0])])


def test_days_side_by_side(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"backfill": {"concurrency": 4, "batch_days": 1}, "warehouse": {"threads": 2}}
    prepared = prepare(tmp_path, first_export(), late_copies() + late_copies(DAYS[1]), settings=settings, backfilled=1)
    writing = ("replace_days", "append", "run added_events", "run delta_events", "run delta_rejected")
    runs = kill_at_every_point(prepared, tmp_path / "killed", settings, boundaries=False, inside=writing)
    assert {"run delta_events", "run delta_rejected"} <= set(runs.calls)
    check_whole_days(runs)
    check_same_end(runs)


@pytest.mark.parametrize("clock", ["UTC", "project"])
def test_a_backfill_in_another_time_zone(tmp_path: Path, clock: str) -> None:
    settings: dict[str, Any] = {**ONE_BY_ONE, "landing": {"time_zone": clock}}
    prepared = prepare(tmp_path, first_export(), settings=settings, backfilled=1)
    changed = settings | {"project_timezone": "America/Vancouver"}
    runs = kill_at_every_point(prepared, tmp_path / "killed", changed, inside=("date_landed_rows",))
    assert {run.when for run in runs.runs if runs.calls[run.call] == "date_landed_rows"} == {"before", "inside"}
    assert runs.before.source != runs.after.source
    for run in runs.runs:
        assert run.after_kill.source in (runs.before.source, runs.after.source), run.where
        assert _rows(*run.after_kill.published) == _rows(run.after_kill.source), f"{run.where}: a copy is lost"
        assert run.after.source == runs.after.source, run.where
        assert run.after.published == runs.after.published, run.where


def _rows(*tables: Days) -> int:
    return sum(len(rows) for days in tables for rows in days.values())


@pytest.mark.parametrize("marked", [False, True], ids=["as it is", "with a byte order mark"])
def test_a_landing(tmp_path: Path, marked: bool) -> None:
    prepared = prepare(tmp_path, first_export(), settings=ONE_BY_ONE)
    lines = [line(NEW_DAY, f"new{n}", minute=n % 1440, noise="x" * 200, customer_id="c") for n in range(2_000)]
    lines[7] = "no event"
    file = write_export(tmp_path / "second.jsonl", [f"\ufeff{lines[0]}" if marked else lines[0], *lines[1:]])
    writing = ("ALTER TABLE", "INSERT INTO", "COMMIT", "close")
    runs = kill_at_every_point(prepared, tmp_path / "killed", ONE_BY_ONE, land=file, inside=writing)
    assert set(writing) < set(runs.calls)
    assert runs.calls.count("COMMIT") == 1
    assert {place for place, call in enumerate(runs.calls) if call in writing} == {
        run.call for run in runs.runs if run.was_inside
    }
    for run in runs.runs:
        landed = len(run.after_kill.landings) == 2
        expected = runs.after if landed else runs.before
        assert run.after_kill.source == expected.source, run.where
        assert run.after_kill.malformed == expected.malformed, run.where
        assert run.after.source == runs.after.source, run.where
        assert run.after.landings == runs.after.landings, run.where
        assert run.after.malformed == runs.after.malformed, run.where
    assert runs.after.landings[1] == ["second.jsonl", "2000", "1999", "1"]
    assert {len(run.after_kill.landings) for run in runs.runs} == {1, 2}


def test_superseding_whole_days(tmp_path: Path) -> None:
    """Same, restated, new and gone copies and malformed lines of two days, and copies that come back, with a new column."""
    lines = first_export()
    prepared = prepare(tmp_path, [*lines, line(DAYS[0], "back", minute=9)], settings=ONE_BY_ONE, backfilled=1)
    fewer = write_export(tmp_path / "fewer.jsonl", lines)
    held = Settings.model_validate({**ONE_BY_ONE, "warehouse": {"path": prepared}})
    Work(held, fewer, DAYS)("fewer", Calls())
    Work(held, None)("earlier", Calls())

    merged = [text.replace("user-e7", "user-merged") for text in lines if "id-e9" not in text]
    more = [line(DAYS[1], f"new{n}", minute=n, customer_id="c") for n in range(3)]
    file = write_export(tmp_path / "days.jsonl", [line(DAYS[0], "back", minute=9), *merged, *more, "no event"])
    writing = ("UPDATE", "COMMIT", "close")
    runs = kill_at_every_point(prepared, tmp_path / "killed", ONE_BY_ONE, land=file, days=DAYS, inside=writing)
    for run in runs.runs:
        landed = len(run.after_kill.landings) == len(runs.after.landings)
        expected = runs.after if landed else runs.before
        assert run.after_kill.source == expected.source, run.where
        assert run.after_kill.malformed == expected.malformed, run.where
        assert run.after_kill.published == runs.before.published, run.where
        assert run.after.source == runs.after.source, run.where
        assert run.after.landings == runs.after.landings, run.where
        assert run.after.malformed == runs.after.malformed, run.where
    inside = {runs.calls[run.call].split()[0] for run in runs.runs if run.was_inside}
    assert inside == set(writing)
    assert (runs.before.source, runs.before.malformed) != (runs.after.source, runs.after.malformed)
    assert {len(run.after_kill.landings) for run in runs.runs} == {2, 3}
    assert runs.calls.count("COMMIT") == 1
