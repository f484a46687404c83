"""BigQuery on paper: the cost model's answers for growing tables, beside a daily rebuild of everything."""

from pathlib import Path
from typing import Any

from benchmarks.plots import lines
from benchmarks.results import Answer, Table
from harness.on_paper import backfill, daily_run, full_rebuild, tuned_rebuild
from mixflows.costs.model import DayKind, Statement, Workload, day_statements

EVENTS_PER_DAY = (2e5, 2e6, 2e7, 2e8, 2e9)
HISTORY = (30, 90, 365, 730, 1825)
YEAR_OF_3_TB = 2e7
# The design that this replaces: what it takes by the model, and the slot-hours a day and hours that were paid.
PAID = (("rebuilt every day", full_rebuild, 250, 8.0), ("after it was tuned", tuned_rebuild, 20, 0.25))
SHAPES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("as above", {}),
    ("24 columns", {"columns": 24}),
    ("48 columns", {"columns": 48}),
    ("no late rows", {"changed_days": 0}),
    ("0.1 % of a changed day is late", {"late_share": 0.001}),
    ("10 % of a changed day is late", {"late_share": 0.1}),
    ("20 changed days", {"changed_days": 20}),
    ("1 at once", {"concurrency": 1}),
    ("16 at once", {"concurrency": 16}),
    ("2,000 slots", {"slots": 2_000}),
    ("rows not validated", {"row_checks": False}),
)
DAYS = ("mixflows", "dbt, copy_partitions", "dbt, insert_overwrite")


def measure(folder: Path) -> Answer:
    del folder
    points = [
        (name, float(days), run(Workload(YEAR_OF_3_TB, days_of_history=days)).slot_hours)
        for name, run in (("mixflows, daily", daily_run), ("rebuilt every day", full_rebuild))
        for days in HISTORY
    ]
    return Answer(
        "No measurement: what the model of `mixflows/costs/model.py` says of BigQuery with 12 columns of 33 bytes, 500 slots and a"
        " year of history. What it rests on, and where it ends, is in [scale.md](scale.md).",
        tables=[
            Table(
                "By size",
                (
                    "events a day", "TB a year", "daily, 6 late days: slot-hours", "min", "daily, 2 late days: slot-hours",
                    "min", "backfill of the year: slot-hours", "h", "rebuilt daily: slot-hours",
                ),
                [_by_size(events) for events in EVENTS_PER_DAY],
            ),
            Table(
                "A year of 3 TB (20 million events a day), one thing changed at a time",
                (
                    "", "daily, 6 late days: GB read", "GB written", "jobs", "slot-hours", "min",
                    "backfill of the year: slot-hours", "h",
                ),
                [_by_shape(name, Workload(YEAR_OF_3_TB, **changed)) for name, changed in SHAPES],
            ),
            Table(
                "A day of 20 million events; 0.1 % of a changed one is new. By dbt, a day is selected anew whatever changed in it",
                ("", *(f"{name}: {unit}" for name in DAYS for unit in ("GB billed", "slot-hours"))),
                [_by_kind(kind, Workload(YEAR_OF_3_TB, late_share=0.001)) for kind in ("new", "changed", "unchanged")],
            ),
            Table(
                "A year of 3 TB by the design that this replaces: the model beside what was paid",
                ("", "model: slot-hours", "paid", "model : paid", "model: h, with the slots that were used", "took, h"),
                [
                    (name, hours := run(Workload(YEAR_OF_3_TB)).slot_hours, paid, hours / paid, hours / (paid / took), took)
                    for name, run, paid, took in PAID
                ],
            ),
            Table(
                "Quotas of a backfill of ten years, 16 at once",
                ("quota", "used", "allowed"),
                [
                    (limit.what, limit.used, limit.allowed)
                    for limit in backfill(Workload(YEAR_OF_3_TB, days_of_history=3650, concurrency=16)).limits
                ],
            ),
        ],
        plots=[
            lines(
                "bench-on-paper", "Slot-hours of a daily run against the days of history, 20 million events a day",
                points, "days of history", "slot-hours a day", log="xy",
            )
        ],
    )  # fmt: skip


def _by_size(events: float) -> tuple[str | float, ...]:
    load = Workload(events)
    runs = daily_run(load), daily_run(Workload(events, changed_days=2))
    year = backfill(load)
    cells = [cell for run in runs for cell in (run.slot_hours, run.wall_seconds / 60)]
    rebuilt = full_rebuild(load).slot_hours
    return (f"{events:,.0f}", load.day_gb * 365 / 1000, *cells, year.slot_hours, year.wall_seconds / 3600, rebuilt)


def _by_shape(name: str, load: Workload) -> tuple[str | float, ...]:
    day, year = daily_run(load), backfill(load)
    cells = (day.read_gb, day.written_gb, day.jobs, day.slot_hours, day.wall_seconds / 60)
    return (name, *cells, year.slot_hours, year.wall_seconds / 3600)


def _by_kind(kind: DayKind, load: Workload) -> tuple[str | float, ...]:
    wide = load.day_gb
    selected = Statement("select into a temporary table", 1, wide, wide)
    # A copy of the partition is billed nothing; the MERGE reads what it replaces, and writes it anew.
    ways = (day_statements(load, kind), (selected,), (selected, Statement("merge", 1, 2 * wide, wide)))
    figures = [(sum(s.read_gb for s in way), sum(s.slot_seconds for s in way) / 3600) for way in ways]
    return (f"{kind} day", *(value for pair in figures for value in pair))
