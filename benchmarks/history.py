"""Whether a daily run gets slower with the days behind it."""

import os
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.answers import Answer, Figure, Table
from benchmarks.asking import Asked
from benchmarks.measuring import MeteredWarehouse, Span, middle, span
from benchmarks.source import Execute, add_days, day_of, engine_of, settings_for
from mixflows.days import DayRange
from mixflows.ledger.runs import record
from mixflows.model import DayOutcome, LedgerRow, PlanReason, Run, Status, Verdict
from mixflows.pipeline.plan import PlanRequest, make_plan
from mixflows.pipeline.publish import publish_day, stage_day
from mixflows.settings import Settings

SHORT, LONG = 10, 365
REPEATS = 5
STEPS = ("plan", "stage", "publish", "checkpoint")


@dataclass(frozen=True)
class _Past:
    """A warehouse with that many published days of the same rows."""

    settings: Settings
    warehouse: MeteredWarehouse
    execute: Execute
    days: int
    wide: bool
    size_mb: float


def _past(path: Path, days: int, rows: int, *, wide: bool) -> _Past:
    settings = settings_for(str(path))
    warehouse = MeteredWarehouse(settings)
    execute = engine_of(warehouse)
    for first in range(0, days, 5):
        add_days(execute, first, min(5, days - first), rows, wide=wide)
    warehouse.create_tables()
    # Which copy won makes no difference here: the published tables are to be as long as a backfill leaves them.
    execute("INSERT INTO mp_events SELECT * FROM mp_master_event")
    now = datetime.now(UTC)
    with warehouse.transaction():
        for day in warehouse.source_days()[0]:
            row = LedgerRow(
                run_id="past", attempt=1, partition_date=day.day, plan_reason=PlanReason.NEW, status=Status.PUBLISHED,
                source_rows=day.rows, kept_rows=day.rows, rejected_rows=0, duplicate_rows=0, duplicate_rate=0.0,
                late_rows=0, inserted_rows=day.rows, updated_rows=0, deleted_rows=0, source_version=day.version,
                rules_version=settings.rules_version, thresholds_version=settings.thresholds_version,
                bytes_processed=None, slot_ms=None, started_at=now, finished_at=now, engine="duckdb",
            )  # fmt: skip
            record(warehouse, DayOutcome(row))
    warehouse.close()
    os.sync()  # what was written long ago is on disk, and in no process's memory
    warehouse = MeteredWarehouse(settings)
    return _Past(settings, warehouse, engine_of(warehouse), days, wide, path.stat().st_size / 1e6)


def answer(asked: Asked) -> Answer:
    rows = 200_000 if asked.full else 20_000
    pasts = [_past(asked.folder / f"{days}.duckdb", days, rows, wide=asked.full) for days in (SHORT, LONG)]
    spans: dict[tuple[int, str], list[Span]] = defaultdict(list)
    for repeat in range(REPEATS + 1):
        for past in pasts if repeat % 2 else reversed(pasts):
            steps = _one_day(past, past.days + repeat, rows, Run(f"run {repeat}"))
            if repeat:  # the first day after making the past is a warm-up
                for step, measured in steps.items():
                    spans[past.days, step].append(measured)
            else:
                past.warehouse.seconds.clear()
    names = sorted(pasts[1].warehouse.seconds, key=lambda name: -pasts[1].warehouse.seconds[name])
    for past in pasts:
        past.warehouse.close()
    short, long = (middle(spans[days, "whole run"]) for days in (SHORT, LONG))
    return Answer(
        f"A daily run (plan, stage, publish, record, checkpoint) of {rows:,} events with {LONG} days of {rows:,} events"
        f" behind it ({pasts[1].size_mb:,.0f} MB, {LONG * rows / 1e6:.0f} million source rows) beside one with {SHORT};"
        f" medians of {REPEATS} days, in turns."
        + ("" if asked.full else " Properties are short here; a daily run reads only those of its day."),
        [Figure(f"{LONG} days : {SHORT} days behind a daily run", long.wall / short.wall, 1.2)],
        [
            Table(
                "Medians in milliseconds",
                ("", f"{SHORT} days: wall", "CPU", f"{LONG} days: wall", "CPU", "wall ratio", "CPU ratio"),
                [_compared(step, spans) for step in ("whole run", *STEPS)],
            ),
            Table(
                "Milliseconds a run by step (mean)",
                ("step", *(f"{past.days} days" for past in pasts)),
                [(name, *(past.warehouse.seconds[name] * 1000 / REPEATS for past in pasts)) for name in names],
            ),
        ],
    )


def _compared(step: str, spans: dict[tuple[int, str], list[Span]]) -> tuple[str | float, ...]:
    short, long = (middle(spans[days, step]) for days in (SHORT, LONG))
    return (
        step, short.wall * 1000, short.cpu * 1000, long.wall * 1000, long.cpu * 1000,
        long.wall / short.wall, long.cpu / short.cpu,
    )  # fmt: skip


def _one_day(past: _Past, number: int, rows: int, run: Run) -> dict[str, Span]:
    settings, warehouse = past.settings, past.warehouse
    add_days(past.execute, number, 1, rows, wide=past.wide)
    past.execute("CHECKPOINT")
    with span() as whole:
        with span() as plan_span:
            plan = make_plan(warehouse, settings, PlanRequest(days=DayRange(end=day_of(number))))
        (planned,) = plan.days
        with span() as stage_span:
            staged = stage_day(warehouse, settings, planned, run)
        with span() as publish_span:
            outcome = publish_day(warehouse, settings, staged, Verdict())
        with span() as checkpoint_span:
            past.execute("CHECKPOINT")
    if outcome.row.status is not Status.PUBLISHED:
        raise AssertionError(f"{planned.day} ended {outcome.row.status}")
    return {"whole run": whole} | dict(zip(STEPS, (plan_span, stage_span, publish_span, checkpoint_span), strict=True))
