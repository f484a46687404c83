"""BigQuery on paper: the cost model's answers for growing tables, beside a daily rebuild of everything."""

from benchmarks.answers import Answer, Table
from benchmarks.asking import Asked
from benchmarks.plots import lines
from mixflows.scale import Estimate, Workload, backfill, daily_run, full_rebuild

EVENTS_PER_DAY = (2e5, 2e6, 2e7, 2e8, 2e9)
HISTORY = (30, 90, 365, 730, 1825)


def answer(asked: Asked) -> Answer:
    del asked
    sizes: list[tuple[str | float, ...]] = []
    for events in EVENTS_PER_DAY:
        load = Workload(events_per_day=events)
        day, three, all_days, rebuild = (
            daily_run(load), daily_run(Workload(events, changed_days=2)), backfill(load), full_rebuild(load)
        )  # fmt: skip
        sizes.append((
            f"{events:,.0f}", load.day_gb * 365 / 1000, *_cells(day), *_cells(three), all_days.slot_hours,
            all_days.wall_seconds / 3600, rebuild.slot_hours,
        ))  # fmt: skip
    points = [
        (name, float(days), run(Workload(2e7, days_of_history=days)).slot_hours)
        for name, run in (("mixflows, daily", daily_run), ("rebuilt every day", full_rebuild))
        for days in HISTORY
    ]
    limits = [
        (limit.what, limit.used, limit.allowed)
        for limit in backfill(Workload(2e7, days_of_history=3650, concurrency=16)).limits
    ]
    return Answer(
        "No measurement: what the model of `mixflows/scale.py` says of BigQuery with 12 columns of 33 bytes, 500 slots,"
        " four days in flight and a year of history. What it rests on, and where it ends, is in [scale.md](scale.md).",
        [],
        [
            Table(
                "By size",
                (
                    "events a day", "TB a year", "daily, 6 late days: slot-hours", "min", "daily, 2 late days: slot-hours",
                    "min", "backfill of the year: slot-hours", "h", "rebuilt daily: slot-hours",
                ),
                sizes,
            ),
            Table("Quotas of a backfill of ten years, 16 days in flight", ("quota", "used", "allowed"), limits),
        ],
        plots=[
            lines(
                "bench-on-paper", "Slot-hours of a daily run against the days of history, 20 million events a day",
                points, "days of history", "slot-hours a day", log="xy",
            )
        ],
    )  # fmt: skip


def _cells(run: Estimate) -> tuple[float, float]:
    return run.slot_hours, run.wall_seconds / 60
