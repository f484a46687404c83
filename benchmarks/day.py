"""What a day costs beside a bare copy of its rows, when it is new, has nothing to do, or has changed."""

from collections import defaultdict
from statistics import median

from benchmarks.answers import Answer, Figure, Table
from benchmarks.asking import Asked
from benchmarks.measuring import MeteredWarehouse, Span, middle, span
from benchmarks.source import Execute, add_days, add_late_rows, day_of, engine_of, settings_for
from mixflows.model import PlannedDay, PlanReason, Run, Status, Verdict
from mixflows.pipeline.publish import publish_day, stage_day
from mixflows.settings import Settings

ROWS = 200_000
DAYS = 10
BARE, NEW, AGAIN = "bare copy", "new day", "nothing to do"
BARE_LATE, LATE = "bare copy with late rows", "0.5 % late rows"
BARE_BESIDE = {BARE: BARE, NEW: BARE, AGAIN: BARE, BARE_LATE: BARE_LATE, LATE: BARE_LATE}
ENDS = {NEW: Status.PUBLISHED, AGAIN: Status.UNCHANGED, LATE: Status.PUBLISHED}


def answer(asked: Asked) -> Answer:
    settings = settings_for(str(asked.folder / "days.duckdb"))
    warehouse = MeteredWarehouse(settings)
    execute = engine_of(warehouse)
    add_days(execute, 0, DAYS + 1, ROWS)
    execute("CHECKPOINT")
    warehouse.create_tables()
    execute(f"ATTACH '{asked.folder / 'bare.duckdb'}' AS bare")
    spans: dict[str, list[Span]] = defaultdict(list)
    steps: dict[str, dict[str, float]] = {}
    looked: list[float] = []
    # Late rows come last: merging them leaves small row groups, which the next checkpoint joins to larger ones.
    rounds = [(number, sides) for sides in ((BARE, NEW, AGAIN), (BARE_LATE, LATE)) for number in range(DAYS + 1)]
    for number, sides in rounds:
        if LATE in sides:
            add_late_rows(execute, number)
            execute("CHECKPOINT")
        for side in (*sides[:2][:: -1 if number % 2 else 1], *sides[2:]):
            warehouse.seconds.clear()
            copies = side in (BARE, BARE_LATE)
            measured = _copied(execute, number, side) if copies else _processed(settings, warehouse, number, side)
            if number:  # the first day warms up
                profile = warehouse.seconds.get("profile", 0.0)
                measured.wall -= profile
                if side == NEW:
                    looked.append(profile / measured.wall)
                spans[side].append(measured)
                so_far = steps.setdefault(side, defaultdict(float))
                for step, seconds in warehouse.seconds.items():
                    so_far[step] += seconds * 1000 / DAYS
    warehouse.close()
    names = sorted({name for side in ENDS for name in steps[side]}, key=lambda name: -steps[NEW].get(name, 0.0))
    return Answer(
        f"A day of {ROWS:,} events, staged, published, checked, recorded and checkpointed, beside a bare `CREATE TABLE"
        f" AS SELECT` of its rows into a DuckDB file with its checkpoint; medians of {DAYS} days, and of their ratios. The"
        " day's profile, for the report and the drift of figures, is a statement of its"
        " own: its wall-clock time is left out of the ratios, and stands below.",
        [
            Figure("new day, without its profile : bare copy", _ratio(spans, NEW, "wall"), 1.5),
            Figure(
                "forced rerun with nothing to do, without its profile : bare copy", _ratio(spans, AGAIN, "wall"), 0.5
            ),
            Figure("the profile beside all else of a new day", median(looked), 0.25),
        ],
        [
            Table(
                "Medians",
                ("", "wall ms", "CPU ms", "wall ratio", "CPU ratio"),
                [
                    (side, m.wall * 1000, m.cpu * 1000, _ratio(spans, side, "wall"), _ratio(spans, side, "cpu"))
                    for side, m in ((side, middle(spans[side])) for side in BARE_BESIDE)
                ],
            ),
            Table(
                "Milliseconds a day by step (mean)",
                ("step", *ENDS),
                [(name, *(steps[side].get(name, 0.0) for side in ENDS)) for name in names],
            ),
        ],
    )


def _ratio(spans: dict[str, list[Span]], side: str, what: str) -> float:
    """The median of the days' ratios: a day's sides ran one after the other, under the same load."""
    pairs = zip(spans[side], spans[BARE_BESIDE[side]], strict=True)
    return median(getattr(ours, what) / getattr(bare, what) for ours, bare in pairs)


def _copied(execute: Execute, number: int, side: str) -> Span:
    with span() as measured:
        execute(
            f'CREATE TABLE bare."{side} {number}" AS SELECT * FROM mp_master_event'
            f" WHERE partition_date = DATE '{day_of(number)}'"
        )
        execute("CHECKPOINT bare")
    return measured


def _processed(settings: Settings, warehouse: MeteredWarehouse, number: int, side: str) -> Span:
    planned = PlannedDay(day_of(number), PlanReason.REQUESTED, ROWS, "benchmark")
    execute = engine_of(warehouse)
    with span() as measured:
        staged = stage_day(warehouse, settings, planned, Run(side))
        outcome = publish_day(warehouse, settings, staged, Verdict())
        with warehouse.metered("checkpoint"):
            execute("CHECKPOINT")
    if outcome.row.status is not ENDS[side]:
        raise AssertionError(f"{outcome.row.partition_date} ended {outcome.row.status}, not {ENDS[side]}")
    return measured
