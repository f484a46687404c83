"""What a day costs that is delivered again: how long, beside reading its file, and in how much memory."""

import sys
from pathlib import Path

from benchmarks.landing import write_events
from benchmarks.results import Answer, Figure, Table
from benchmarks.source import WAREHOUSE, opened
from benchmarks.timed_run import Span, command, middle, process

SOURCE, DAY, CHANGED, REPEATS = "mp_master_event", "2024-06-01", 700, 3
READ = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from mixflows.intake.content import inspect_file
from mixflows.settings import Settings
from mixflows.warehouse.duckdb.landing import land_lines, opened
from mixflows.warehouse.duckdb.memory import reader
settings = Settings()
content = inspect_file(Path(sys.argv[1]), settings.landing)
with reader(settings, "reading") as (cursor, _), opened(cursor, settings, content, None) as lines:
    land_lines(cursor, settings, content, lines, datetime.now(UTC))
"""


def measure(folder: Path, rows: int) -> Answer:
    found: list[tuple[str | float, ...]] = []
    delivered: dict[int, Span] = {}
    reading: dict[int, Span] = {}
    written = 0
    few = _versions(folder, 1)
    for size in (rows // 2, rows, 2 * rows, 4 * rows):
        first, again = _versions(folder, size)
        spans: dict[str, list[Span]] = {"first delivery": [], "delivered again": [], "reading": []}
        nothing: dict[str, list[Span]] = {"delivered again": [], "reading": []}
        for repeat in range(REPEATS if size == rows else 1):
            home, empty = folder / f"{size}-{repeat}", folder / f"{size}-{repeat}-few"
            home.mkdir()
            empty.mkdir()
            spans["first delivery"].append(_deliver(home, first))
            spans["delivered again"].append(_deliver(home, again))
            spans["reading"].append(process([sys.executable, "-c", READ, str(again)], home))
            _deliver(empty, few[0])
            nothing["delivered again"].append(_deliver(empty, few[1]))
            nothing["reading"].append(process([sys.executable, "-c", READ, str(few[1])], empty))
            if size == rows:
                written = _rows_of_last_landing(home)
        for name, several in spans.items():
            took = middle(several)
            base = middle(nothing[name]).wall if name in nothing else 0.0
            found.append((f"{size:,} lines", name, took.wall, base, took.cpu, took.peak_mb))
        delivered[size], reading[size] = (
            Span(middle(spans[name]).wall - middle(nothing[name]).wall) for name in ("delivered again", "reading")
        )
    peaks = [row[-1] for row in found if row[1] == "delivered again"]
    return Answer(
        f"A day of which {CHANGED} lines changed or are new, delivered again by `mixflows land --whole-days`, less the same"
        " command on one line; beside it its file is inspected, read and typed in memory, likewise. Each in a process of its own.",
        [
            Figure(
                f"{rows:,} lines, {CHANGED} changed, delivered again", delivered[rows].wall / reading[rows].wall, 1.5,
                beside="reading the file",
            ),
            Figure(f"rows written beyond the {CHANGED}", abs(written - CHANGED), 0, "rows"),
            Figure(f"peak memory, {4 * rows:,} lines, delivered again", float(peaks[-1]), 1_200, "MB"),
        ],
        [
            Table(
                "Memory is bounded by `warehouse.memory_limit` (1 GB) and what Python holds besides",
                ("", "", "wall s", "of one line, s", "CPU s", "peak MB"),
                found,
            )
        ],
    )  # fmt: skip


def _deliver(home: Path, file: Path) -> Span:
    return command("land", str(file), "--whole-days", DAY, folder=home)


def _versions(folder: Path, rows: int) -> tuple[Path, Path]:
    """A day's file, and one of the same day in which half of the changed lines are restated and half are late."""
    first, again = folder / f"{rows}-first.jsonl", folder / f"{rows}-again.jsonl"
    write_events(again, rows, days=1)
    lines = again.read_text(encoding="utf-8").splitlines(keepends=True)
    late = min(CHANGED // 2, rows - 1)
    restated = [line.replace('"plan":"', '"plan":"old ', 1) for line in lines[: CHANGED - late]]
    first.write_text("".join([*restated, *lines[len(restated) : rows - late]]), encoding="utf-8")
    return first, again


def _rows_of_last_landing(home: Path) -> int:
    with opened(home / WAREHOUSE, read_only=True) as connection:
        last = f"SELECT count(*) FROM {SOURCE} WHERE loaded_at = (SELECT max(loaded_at) FROM {SOURCE})"
        [(rows,)] = connection.execute(last).fetchall()
    return int(rows)
