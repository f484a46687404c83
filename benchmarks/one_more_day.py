"""What one more day costs with a history behind it: mixflows, the original design, and a tuned dbt project."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.plots import lines
from benchmarks.results import Answer, Figure, Table
from benchmarks.rivals import statements
from benchmarks.rivals.projects import DbtMissingError, build, install, versions
from benchmarks.server import prefect_server
from benchmarks.source import WAREHOUSE, day_of, deliver, opened, project
from benchmarks.timed_run import Span, command, middle, process
from harness.truth import compare

OURS, ORIGINAL, DBT_ORIGINAL, DBT_TUNED = "mixflows run", "original, SQL", "original, dbt", "tuned dbt"
LEFT_OUT = {2_000_000: (ORIGINAL, DBT_ORIGINAL)}
"""By events a day: ways that take many minutes there and tell nothing new."""
REPEATS, MINUTES = 3, 20_000_000
"""From so many rows behind it on, the original design takes minutes a day, and is measured once."""
# The limits: days behind, events a day, beside whom, at most.
LIMITS = (
    (10, 2_000_000, DBT_TUNED, 1 / 3),
    (50, 200_000, DBT_TUNED, 1),
    (365, 200_000, ORIGINAL, 1 / 50),
)
GROWTH = 1.2
"""What a daily run may take with the longest history, beside the shortest one."""


@dataclass(frozen=True)
class Found:
    """What one way took with one history behind it, as the median of further days."""

    days: int
    way: str
    span: Span
    longest: float
    further: int
    right: str


def measure(folder: Path, histories: Sequence[int], rows: int) -> Answer:
    ways: dict[str, Callable[[Path], Callable[[int], Span]]] = {OURS: _ours, ORIGINAL: _original}
    try:
        install()
        ways |= {DBT_ORIGINAL: lambda home: _dbt("original", home), DBT_TUNED: lambda home: _dbt("tuned", home)}
        note = f"dbt: {versions()}."
    except DbtMissingError as err:
        note = f"dbt was not run: it cannot be installed here ({err})."
    found: list[Found] = []
    with prefect_server(folder):
        for days in histories:
            source = project(folder / f"source-{days}", days, rows)
            for way, make in ways.items():
                if way not in LEFT_OUT.get(rows, ()):
                    home = folder / "home"
                    shutil.copytree(source.parent, home)
                    found.append(_further_days(make(home), home / WAREHOUSE, way, days, rows))
                    shutil.rmtree(home)
            shutil.rmtree(source.parent)
    walls = {(one.days, one.way): one.span.wall for one in found}
    first, last = min(histories), max(histories)
    return Answer(
        "One more day with days behind it, the whole command, process start included and a Prefect server running: `mixflows run`"
        " with its validation and row checks; the original design's statements on the same DuckDB; dbt-duckdb with the original"
        " design, and with a tuned project (delete+insert on the last three days, a test of the key on that window). With each day"
        " come copies and new events of the day before and, fewer, of the sixth day before, and rows without insert id.",
        [
            *(
                Figure(f"one more day of {size:,}, {days} days behind", walls[days, OURS] / walls[days, way], limit, beside=way)
                for days, size, way, limit in LIMITS
                if size == rows and (days, way) in walls
            ),
            *([
                Figure(
                    f"one more day of {rows:,}, {last} days behind", walls[last, OURS] / walls[first, OURS], GROWTH,
                    beside=f"{first} days behind",
                )
            ] if last > first else []),
        ],
        [
            Table(
                f"Medians of {REPEATS} further days; of the original design, from {MINUTES:,} rows on, of one",
                (
                    "days behind", "events a day", "", "wall s", "longest", ": mixflows", "CPU s", "peak MB", "GB read",
                    "further days", "right?",
                ),
                [
                    (
                        one.days, rows, one.way, one.span.wall, one.longest, one.span.wall / walls[one.days, OURS],
                        one.span.cpu, one.span.peak_mb, one.span.read_gb, one.further, one.right,
                    )
                    for one in found
                ],
            )
        ],
        [note, *(f"Left out for the minutes that it takes: {way}." for way in LEFT_OUT.get(rows, ()))],
        [
            lines(
                f"bench-one-more-day-{rows}",
                "Seconds for one more day against the days of history behind it, for the ways of the table",
                [(one.way, one.days, one.span.wall) for one in found],
                "days of history", "seconds, the whole command", log="xy",
            )
        ] if len(histories) > 2 else [],
    )  # fmt: skip


def _further_days(daily: Callable[[int], Span], path: Path, way: str, days: int, rows: int) -> Found:
    daily(days - 1)  # publishes the history
    slow = way in (ORIGINAL, DBT_ORIGINAL) and days * rows >= MINUTES
    spans: list[Span] = []
    for number in range(days, days + (1 if slow else REPEATS)):
        deliver(path, number, rows)
        spans.append(daily(number))
    with opened(path) as connection:
        right = str(compare(connection.execute))
    return Found(days, way, middle(spans), max(span.wall for span in spans), len(spans), right)


def _ours(home: Path) -> Callable[[int], Span]:
    command("backfill", "--no-prefect", folder=home)
    return lambda number: command("run", "--as-of", day_of(number).isoformat(), folder=home)


def _original(home: Path) -> Callable[[int], Span]:
    words = [*statements.COMMAND, "original", str(home / WAREHOUSE)]
    return lambda _: process(words, home)


def _dbt(name: str, home: Path) -> Callable[[int], Span]:
    return lambda number: build(name, home / WAREHOUSE, day_of(number).isoformat())
