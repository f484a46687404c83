"""What looking at a day costs: its profile, the suites and samples beside the day itself, and the report of 2,000 days."""

import time
from dataclasses import asdict, replace
from datetime import UTC, date, datetime, timedelta
from statistics import median

from benchmarks.answers import Answer, Figure, Table
from benchmarks.asking import Asked
from benchmarks.measuring import MeteredWarehouse
from benchmarks.source import add_days, day_of, engine_of, settings_for
from expectations.auditor import GreatExpectationsAuditor
from expectations.gate import judge_rows_of_figures, stored_rows
from mixflows.errors import MixflowsError
from mixflows.ledger.profiles import DayProfile, day_profile, read_profiles, with_drift
from mixflows.model import Finding, LedgerRow, PlannedDay, PlanReason, Run, Severity, StagedDay, Status
from mixflows.pipeline.publish import publish_day, stage_day
from mixflows.report.data import collect
from mixflows.report.page import render_html

ROWS = 1_000_000
DAYS = 4
PAST = 2_000
TWO_YEARS = 731
RESULTS = 30
FLAGS_ALL = {"duplicate_rate": {"warning": 0.001}}
"""A bound below the share of copies in the source: samples are read of flagged days alone."""
LOOKING = ("profile", "samples", "append profiles", "append quality")


def answer(asked: Asked) -> Answer:
    settings = settings_for(str(asked.folder / "days.duckdb"), quality=FLAGS_ALL)
    warehouse = MeteredWarehouse(settings)
    add_days(engine_of(warehouse), 0, DAYS, ROWS)
    engine_of(warehouse)("CHECKPOINT")
    warehouse.create_tables()
    auditor = GreatExpectationsAuditor(settings, warehouse.row_access())
    auditor.warm_up()
    shares: list[float] = []
    with_rows: list[float] = []
    steps: dict[str, list[float]] = {}
    looked: list[StagedDay] = []
    for number in range(DAYS):
        warehouse.seconds.clear()
        planned = PlannedDay(day_of(number), PlanReason.NEW, ROWS, "benchmark")
        staged = stage_day(warehouse, settings, planned, Run("benchmark"))
        (staged,) = with_drift(warehouse, settings, [staged])
        started = time.perf_counter()
        auditor.judge([staged], check_rows=False)
        alone = time.perf_counter() - started
        started = time.perf_counter()
        verdict = auditor.judge([staged], check_rows=True)[staged.day]
        if not verdict.flags:
            raise MixflowsError("no expectation flagged the day, so that its samples were not read")
        rows_suite = max(0.0, time.perf_counter() - started - alone)
        publish_day(warehouse, settings, staged, verdict)
        looked.append(staged)
        if not number:  # the first day warms up
            continue
        looking = sum(warehouse.seconds.get(name, 0.0) for name in LOOKING)
        day = sum(warehouse.seconds.values()) - looking
        shares.append(looking / day)
        with_rows.append((looking + rows_suite) / day)
        for name, seconds in {**warehouse.seconds, "rows suite": rows_suite}.items():
            steps.setdefault(name, []).append(seconds * 1000)
    report = _report(asked, looked[-1])
    warehouse.close()
    return Answer(
        f"Looking at a day of {ROWS:,} events beside staging and publishing it: profile, samples and what is recorded,"
        f" medians of {DAYS - 1} days, each flagged, as samples are read of flagged days alone; with Great Expectations on"
        f" the rows, as in `run`, and without, as in `backfill`. Then {PAST:,} days of such profiles: reading them, holding"
        " each against its past and judging it, and the report.",
        [
            Figure("looking at a day : the day", median(shares), 0.25),
            Figure("the same with the rows suite", median(with_rows), 0.25),
            *report,
        ],
        [
            Table(
                "Milliseconds a day by step (median)",
                ("step", "ms"),
                [(name, median(ms)) for name, ms in sorted(steps.items(), key=lambda pair: -median(pair[1]))],
            )
        ],
    )


def _report(asked: Asked, staged: StagedDay) -> list[Figure]:
    settings = settings_for(str(asked.folder / "past.duckdb"))
    warehouse = MeteredWarehouse(settings)
    add_days(engine_of(warehouse), 0, 1, 10)
    warehouse.create_tables()
    told = day_profile(staged)
    days = [day_of(0) + timedelta(days=n) for n in range(PAST)]
    for day in days:
        _write(warehouse, day, told)
    started = time.perf_counter()
    judge_rows_of_figures(settings, stored_rows(settings, read_profiles(warehouse), set(days)))
    judging = (time.perf_counter() - started) / PAST
    started = time.perf_counter()
    data = collect(warehouse, settings)
    render_html(data)
    building = time.perf_counter() - started
    warehouse.close()
    two_years = render_html(replace(data, days=data.days[-TWO_YEARS:]))
    return [
        Figure(f"Python a day at {PAST:,} days", judging * 1000, 30, "ms"),
        Figure(f"report of {PAST:,} days", building, 10, "s"),
        Figure("report of two years", len(two_years.encode()) / 1e6, 5, "MB"),
    ]


def _write(warehouse: MeteredWarehouse, day: date, told: DayProfile) -> None:
    """A day's ledger row, its results and its profile, as a run leaves them."""
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=(day - day_of(0)).days)
    figures, head = told.figures, {"run_id": f"run-{day:%Y%m}", "attempt": 1, "partition_date": day}
    ledger = dict.fromkeys(LedgerRow.columns()) | head
    ledger |= {"plan_reason": "new", "status": Status.PUBLISHED, "note": "", "error": "", "engine": "duckdb"}
    ledger |= {
        "source_rows": figures.source_rows,
        "kept_rows": figures.kept_rows,
        "rejected_rows": figures.rejected_rows,
    }
    ledger |= {"duplicate_rows": figures.duplicate_rows, "duplicate_rate": 0.0011, "late_rows": 0}
    ledger |= {"started_at": at, "finished_at": at + timedelta(seconds=1)}
    found = [Finding("figures", f"expectation_{n}", Severity.WARNING, True, n / 1000, 0.5) for n in range(RESULTS)]
    with warehouse.transaction():
        warehouse.append("ledger", [ledger])
        warehouse.append("quality", [{**head, **asdict(f), "checked_at": at} for f in found])
        warehouse.append("profiles", [{**head, "profile": told.to_json(), "profiled_at": at}])
