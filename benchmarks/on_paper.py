"""BigQuery on paper: the cost model's answers for growing tables, beside a daily rebuild of everything."""

from benchmarks.answers import Answer, Table
from benchmarks.asking import Asked
from benchmarks.plots import lines
from mixflows.costs.model import Estimate, Statement, Workload, backfill, daily_run, full_rebuild

EVENTS_PER_DAY = (2e5, 2e6, 2e7, 2e8, 2e9)
HISTORY = (30, 90, 365, 730, 1825)
YEAR_OF_3_TB = 2e7
PAID = {"rebuilt every day": (250, 8.0), "after it was tuned": (20, 0.25)}
"""Slot-hours a day and hours of the design that this replaces."""
SHAPES = (
    ("as above", Workload(YEAR_OF_3_TB)),
    ("24 columns", Workload(YEAR_OF_3_TB, columns=24)),
    ("48 columns", Workload(YEAR_OF_3_TB, columns=48)),
    ("no late rows", Workload(YEAR_OF_3_TB, changed_days=0)),
    ("0.1 % of a changed day is late", Workload(YEAR_OF_3_TB, late_share=0.001)),
    ("10 % of a changed day is late", Workload(YEAR_OF_3_TB, late_share=0.1)),
    ("20 changed days", Workload(YEAR_OF_3_TB, changed_days=20)),
    ("1 day in flight", Workload(YEAR_OF_3_TB, concurrency=1)),
    ("16 days in flight", Workload(YEAR_OF_3_TB, concurrency=16)),
    ("2,000 slots", Workload(YEAR_OF_3_TB, slots=2_000)),
    ("rows not judged", Workload(YEAR_OF_3_TB, row_checks=False)),
)


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
        "No measurement: what the model of `mixflows/costs/model.py` says of BigQuery with 12 columns of 33 bytes, 500 slots,"
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
            Table(
                "A year of 3 TB (20 million events a day), one thing changed at a time",
                (
                    "", "daily, 6 late days: GB read", "GB written", "jobs", "slot-hours", "min",
                    "backfill of the year: slot-hours", "h",
                ),
                [_shape(name, load) for name, load in SHAPES],
            ),
            Table(
                "A year of 3 TB by the design that this replaces: the model beside what was paid",
                ("", "model: slot-hours", "paid", "model : paid", "model: h, with the slots that were used", "took, h"),
                [_beside_paid(name, hours) for name, hours in replaced(Workload(YEAR_OF_3_TB)).items()],
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


def _shape(name: str, load: Workload) -> tuple[str | float, ...]:
    day, all_days = daily_run(load), backfill(load)
    return (
        name, day.read_gb, day.written_gb, day.jobs, *_cells(day), all_days.slot_hours, all_days.wall_seconds / 3600,
    )  # fmt: skip


def replaced(load: Workload) -> dict[str, float]:
    """Slot-hours a day of the design that this replaces.

    Once tuned, it takes three days, and looks keys up in the year: how often it does, here three times, is a guess.
    """
    days = 3 * load.day_gb
    statements = [
        Statement("staging of three days", 1, days, days),
        Statement("merge of three days, keys of the year", 1, days + load.key_gb * load.days_of_history, days),
        Statement("rejected of three days, keys of the year", 1, days + load.key_gb * load.days_of_history, 0.0),
        Statement("unique keys, tested on the year", 1, load.key_gb * load.days_of_history, 0.0),
    ]
    tuned = sum(statement.slot_seconds for statement in statements) / 3600
    return dict(zip(PAID, (full_rebuild(load).slot_hours, tuned), strict=True))


def _beside_paid(name: str, slot_hours: float) -> tuple[str | float, ...]:
    paid, took = PAID[name]
    return name, slot_hours, paid, slot_hours / paid, slot_hours / (paid / took), took
