import json
from datetime import date, timedelta
from pathlib import Path

import pytest

from mixflows.model import Status
from mixflows.report.answer import Level, answer
from mixflows.report.data import collect, to_json
from mixflows.report.figures import DayState, LandingFigures, Outcome, ReportData
from mixflows.settings import QualitySettings, Settings
from mixflows.verdict import Severity
from tests.report.history import FIRST_RUN_AT, MARKER, History, duplicate_rate, not_judged

DAY = date(2026, 3, 10)
NEXT = DAY + timedelta(days=1)
LATER = FIRST_RUN_AT + timedelta(hours=1)


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path)


def read(history: History) -> ReportData:
    warehouse = history.write()
    try:
        return collect(warehouse, history.settings)
    finally:
        warehouse.close()


def test_published_days_add_up_with_rows_counted_in_the_published_tables(history: History) -> None:
    history.published(DAY, 1000, {"Duplicate event": 7, "Missing insert id": 2})
    history.published(NEXT, 500, {})
    data = read(history)
    figures = [(d.day, p.source_rows, p.kept_rows, p.rejected_rows, p.holds) for d in data.days if (p := d.published)]
    assert figures == [(DAY, 1000, 991, 9, True), (NEXT, 500, 500, 0, True)]
    assert data.days[0].rejected_by_reason == (("Duplicate event", 7), ("Missing insert id", 2))
    assert data.rejection_reasons == (("Duplicate event", 7), ("Missing insert id", 2))
    assert answer(data).headline == "The table is right up to Wed 11 Mar 2026."
    assert answer(data).level is Level.RIGHT


@pytest.mark.parametrize(("kept", "surplus"), [(98, -1), (100, 1)])
def test_rows_lost_or_added_behind_the_ledgers_back_are_seen(history: History, kept: int, surplus: int) -> None:
    history.ran(DAY, Status.PUBLISHED, source_rows=100, rejected_rows=1, duplicate_rows=1)
    history.holds(DAY, kept, {"Duplicate event": 1})
    data = read(history)
    ((day, figures),) = data.not_holding
    assert (day, figures.surplus_rows) == (DAY, surplus)
    assert answer(data).level is Level.WRONG
    assert answer(data).headline == "The table reaches Tue 10 Mar 2026, and 1 day cannot be trusted."
    assert answer(data).reasons[0] == "Tue 10 Mar 2026 does not add up: source is not kept + rejected."


def test_rows_that_policy_keeps_without_a_copy_in_the_source_are_left_out_of_the_equation(history: History) -> None:
    history.ran(DAY, Status.PUBLISHED, source_rows=90, retained_rows=10)
    history.holds(DAY, 100)
    ((_, figures),) = read(history).published
    assert (figures.left_out_rows, figures.holds) == (10, True)


def test_the_latest_run_decides_the_state_and_the_latest_published_one_the_figures(history: History) -> None:
    history.published(DAY, 100, {})
    blocking = duplicate_rate(0.12, Severity.CRITICAL)
    history.ran(DAY, Status.BLOCKED, blocking, source_rows=120, duplicate_rows=14, run_id="run-2", started_at=LATER)
    (day,) = read(history).days
    assert (day.state, day.run_id, day.source_rows) == (DayState.BLOCKED, "run-2", 120)
    assert day.duplicate_rate == pytest.approx(14 / 120)
    assert day.published is not None
    assert (day.published.source_rows, day.published.kept_rows) == (100, 100)
    assert [f.outcome for f in day.findings] == [Outcome.FAIL]


def test_a_retry_that_finishes_at_the_same_instant_counts_as_the_later_one(history: History) -> None:
    history.ran(DAY, Status.FAILED, error="no space left")
    history.ran(DAY, Status.PUBLISHED, duplicate_rate(0.001), source_rows=10, attempt=2)
    history.holds(DAY, 10)
    (day,) = read(history).days
    assert (day.state, day.attempt, len(day.findings)) == (DayState.PUBLISHED, 2, 1)


def test_a_days_history_is_the_first_run_that_published_it_and_the_latest_nine(history: History) -> None:
    history.ran(DAY, Status.BLOCKED, source_rows=10, run_id="run-0", note="duplicate_rate 50 %")
    for n in range(1, 13):
        at = FIRST_RUN_AT + timedelta(hours=n)
        status = Status.FAILED if n == 12 else Status.PUBLISHED
        rows = None if n == 12 else 100 + n
        error = "disk full" if n == 12 else ""
        history.ran(DAY, status, source_rows=rows, rejected_rows=n, run_id=f"run-{n}", started_at=at, error=error)
    history.ran(NEXT, Status.BLOCKED, source_rows=10, note="duplicate_rate 50 %")
    day, other = read(history).days
    assert [past.run_id for past in day.history] == ["run-1", *(f"run-{n}" for n in range(4, 13))]
    first, *_, last = day.history
    assert (first.source_rows, first.rejected_rows, first.late_rows, first.note) == (101, 1, 0, "")
    assert (last.status, last.source_rows, last.rejected_rows, last.note) == (Status.FAILED, None, None, "disk full")
    assert [past.note for past in other.history] == ["duplicate_rate 50 %"]


def test_findings_of_an_earlier_run_are_not_shown(history: History) -> None:
    history.ran(DAY, Status.BLOCKED, duplicate_rate(0.12, Severity.CRITICAL), source_rows=100)
    history.ran(DAY, Status.FAILED, run_id="run-2", started_at=LATER, error="disk full")
    (day,) = read(history).days
    assert (day.state, day.findings, day.error) == (DayState.FAILED, (), "disk full")


def test_a_failed_warning_flags_a_published_day(history: History) -> None:
    history.published(DAY, 1000, {"Duplicate event": 7}, duplicate_rate(0.007), not_judged("volume_change", "young"))
    (day,) = read(history).days
    assert day.state is DayState.WARNED
    assert [(f.expectation, f.outcome) for f in day.findings] == [
        ("duplicate_rate", Outcome.WARN),
        ("volume_change", Outcome.NOT_JUDGED),
    ]


def test_a_landed_day_that_no_run_has_taken_waits(history: History) -> None:
    history.landed(FIRST_RUN_AT - timedelta(hours=1), {DAY: 100, NEXT: 40}, malformed=3)
    history.published(DAY, 100, {})
    data = read(history)
    assert [(d.day, d.state, d.source_rows, d.changed_since) for d in data.days] == [
        (DAY, DayState.PUBLISHED, 100, False),
        (NEXT, DayState.WAITING, 40, True),
    ]
    assert answer(data).headline == "The table is right up to Tue 10 Mar 2026, except for 1 day."
    assert answer(data).reasons[0] == "Wed 11 Mar 2026 was landed and not yet taken by a run."
    assert data.landings == LandingFigures(1, 143, 140, 3, FIRST_RUN_AT - timedelta(hours=1))


def test_rows_landed_after_the_run_had_started_make_a_published_day_outdated(history: History) -> None:
    history.landed(LATER, {DAY: 5})
    history.published(DAY, 100, {})
    data = read(history)
    assert data.days[0].changed_since
    assert answer(data).level is Level.LOOK
    assert answer(data).reasons[0] == "Tue 10 Mar 2026 got more rows after it was published."


def test_runs_come_latest_first_with_their_days_by_status(history: History) -> None:
    history.ran(DAY, Status.PUBLISHED, source_rows=100)
    history.ran(NEXT, Status.FAILED)
    history.ran(DAY, Status.UNCHANGED, source_rows=100, run_id="run-2", started_at=LATER)
    history.ran(NEXT, Status.BLOCKED, source_rows=50, run_id="run-2", started_at=LATER + timedelta(seconds=3))
    runs = read(history).runs
    assert [(r.run_id, r.seconds, r.source_rows, r.changed_rows) for r in runs] == [
        ("run-2", 5.0, 150, 0),
        ("run-1", 2.0, 100, 100),
    ]
    assert [(r.published_days, r.unchanged_days, r.blocked_days, r.failed_days) for r in runs] == [
        (0, 1, 1, 0),
        (1, 0, 0, 1),
    ]


def test_an_empty_warehouse_has_nothing_published(history: History) -> None:
    data = read(history)
    assert (data.days, data.runs, data.landings) == ((), (), LandingFigures())
    assert answer(data).level is Level.EMPTY


def test_the_bounds_are_those_in_force(tmp_path: Path) -> None:
    quality = QualitySettings.model_validate({"duplicate_rate": {"warning": 0.02, "critical": None}, "min_rows": 10})
    data = read(History(tmp_path, Settings(quality=quality)))
    assert (data.duplicate_rate.warning, data.duplicate_rate.critical, data.min_rows) == (0.02, None, 10)


def test_json_holds_the_same_figures_and_no_value_of_a_property(history: History) -> None:
    history.published(DAY, 10, {"Duplicate event": 1}, duplicate_rate(0.1))
    data = read(history)
    text = to_json(data)
    (day,) = json.loads(text)["days"]
    assert (day["day"], day["state"], day["published"]["kept_rows"]) == ("2026-03-10", "warned", 9)
    assert day["rejected_by_reason"] == [["Duplicate event", 1]]
    assert MARKER not in text


def test_days_are_ascending_whatever_the_order_in_the_ledger(history: History) -> None:
    for offset in (3, 0, 2, 1):
        history.ran(DAY + timedelta(days=offset), Status.PUBLISHED, source_rows=1)
    assert [day.day for day in read(history).days] == [DAY + timedelta(days=n) for n in range(4)]
