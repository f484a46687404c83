"""What a day costs beside a bare copy of its rows: new, without difference, or changed."""

from collections import defaultdict
from pathlib import Path
from statistics import median

from benchmarks.results import Answer, Figure, Table
from benchmarks.source import WAREHOUSE, bare_copy, day_of, opened, project
from benchmarks.timed_run import Span, here, middle
from mixflows.errors import MixflowsError

TINY = 20
COPY, COPY_LATE = "bare copy", "bare copy with late rows"
OTHER_VERSION = "UPDATE mp_partition_runs SET source_version = 'another' WHERE partition_date = $day"
"""The ledger then says that the source changed, and the day is compared."""
LATE_ROWS = """
INSERT INTO mp_master_event
SELECT * REPLACE (
  'late ' || mp_insert_id AS mp_insert_id, mp_processing_time_ms + 345600000 AS mp_processing_time_ms,
  loaded_at + INTERVAL 4 DAY AS loaded_at
)
FROM mp_master_event
WHERE partition_date = $day AND (hash(mp_insert_id, 1) % 200 = 0 OR hour(time) = 0 AND minute(time) = 0 AND second(time) = 0)
"""
# What is measured: what is done to the day before, the command's flags, how the day ends, beside which copy, and the limit.
Case = tuple[str, str | None, tuple[str, ...], str, str, float | None]
BY_CONTENT = ("--set", "pipeline.restatements=content")
CASES: tuple[Case, ...] = (
    ("new day", None, (), "published", COPY, 1.5),
    ("unchanged day, by its keys", OTHER_VERSION, (), "unchanged", COPY, 0.15),
    ("unchanged day, by content", OTHER_VERSION, BY_CONTENT, "unchanged", COPY, 0.3),
    ("unchanged day, compared row by row (`--mode all`)", None, ("--mode", "all"), "unchanged", COPY, None),
    ("changed day, 0.5 % late rows", LATE_ROWS, (), "published", COPY_LATE, 0.55),
)


def measure(folder: Path, days: int, rows: int) -> Answer:
    homes = {rows: folder / "large", TINY: folder / "tiny"}
    for size, home in homes.items():
        project(home, days, size)
    copies: dict[str, list[Span]] = defaultdict(list)
    ours: dict[tuple[str, int], list[Span]] = defaultdict(list)
    # Late rows come last: a day's delta leaves small row groups, which a later checkpoint joins to larger ones.
    for cases in (CASES[:4], CASES[4:]):
        for number in range(days):
            for case in cases:
                for size, home in homes.items():
                    measured = _processed(home, number, case)
                    if number:  # the first day warms up
                        ours[case[0], size].append(measured)
            copied = bare_copy(homes[rows] / WAREHOUSE, number)
            if number:
                copies[cases[0][4]].append(copied)
    ratios = {
        name: median(
            (large.wall - tiny.wall) / copy.wall
            for large, tiny, copy in zip(ours[name, rows], ours[name, TINY], copies[beside], strict=True)
        )
        for name, _, _, _, beside, _ in CASES
    }
    return Answer(
        f"`mixflows backfill --no-prefect` of one day of {rows:,} events in a process that has imported everything,"
        f" until its file is closed, less the same command on a day of {TINY} events: that is its plan, its validation"
        " and what it records, whatever the day's size. Beside it a `CREATE TABLE AS SELECT` of the day into a DuckDB file,"
        f" with its checkpoint. Medians of {days - 1} days and of their ratios; the day's profile is included.",
        [Figure(name, ratios[name], limit, beside=beside) for name, _, _, _, beside, limit in CASES if limit is not None],
        [
            Table(
                "Medians",
                ("", "wall ms", "CPU ms", f"wall ms, day of {TINY}", "difference : bare copy"),
                [
                    *((name, m.wall * 1000, m.cpu * 1000, "", 1.0) for name, m in ((n, middle(s)) for n, s in copies.items())),
                    *(
                        (name, large.wall * 1000, large.cpu * 1000, f"{tiny.wall * 1000:.0f}", ratios[name])
                        for name, large, tiny in ((n, middle(ours[n, rows]), middle(ours[n, TINY])) for n in ratios)
                    ),
                ],
            )
        ],
    )  # fmt: skip


def _processed(home: Path, number: int, case: Case) -> Span:
    name, before, flags, status, _, _ = case
    day = day_of(number).isoformat()
    if before:
        with opened(home / WAREHOUSE) as connection:
            connection.execute(before, {"day": day})
            connection.execute("CHECKPOINT")
    ended = here("backfill", "--no-prefect", "--start", day, "--end", day, *flags, folder=home)
    if ended.code:
        raise MixflowsError(f"{name}, {day}: ended with {ended.code}: {ended.err[-2000:]}")
    with opened(home / WAREHOUSE, read_only=True) as connection:
        (found,) = connection.execute(
            "SELECT arg_max(status, finished_at) FROM mp_partition_runs WHERE partition_date = ?", [day]
        ).fetchall()
    if found != (status,):
        raise MixflowsError(f"{name}, {day}: the day is {found[0]}, not {status}")
    return ended.span
