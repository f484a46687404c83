"""What one more day of millions of events costs beside a bare copy of it."""

from collections import defaultdict
from pathlib import Path

from benchmarks.results import Answer, Figure, Table
from benchmarks.source import bare_copy, day_of, deliver, opened, project
from benchmarks.timed_run import Span, command, imports, middle
from harness.truth import compare

LATE = ((1, 300), (3, 5_000))
WITHOUT_ROWS = ("--set", "quality.row_checks=never")
OURS, OURS_WITHOUT, COPY = "mixflows run", "mixflows run, rows suite aside", "bare copy of the new day"
# One day after another, each taken so.
DAYS = (OURS_WITHOUT, OURS, OURS_WITHOUT)


def measure(folder: Path, behind: int, rows: int) -> Answer:
    home = folder / "home"
    path = project(home, behind, rows)
    command("backfill", "--no-prefect", folder=home)
    project(folder / "tiny", 2, 50)
    imported = imports("run", "--no-prefect", *WITHOUT_ROWS, "--as-of", day_of(1).isoformat(), folder=folder / "tiny")
    spans: dict[str, list[Span]] = defaultdict(list)
    for number, way in enumerate(DAYS, behind):
        deliver(path, number, rows, LATE)
        spans[COPY].append(bare_copy(path, number))
        flags = WITHOUT_ROWS if way == OURS_WITHOUT else ()
        spans[way].append(command("run", "--no-prefect", *flags, "--as-of", day_of(number).isoformat(), folder=home))
    with opened(path) as connection:
        right = str(compare(connection.execute))
    medians = {name: middle(several) for name, several in spans.items()}
    copy = medians[COPY].wall
    return Answer(
        f"One more day of {rows:,} events behind {behind} such days, with copies and new events of the day before and of the"
        f" third day before: `mixflows run --no-prefect`, the whole command, of which {imported:.2f} s are imports, beside a"
        " `CREATE TABLE AS SELECT` of the new day alone into a DuckDB file, with its checkpoint. The published tables are right:"
        f" {right}.",
        [
            Figure(
                f"one more day of {rows:,}, two late days, rows suite and imports aside",
                (medians[OURS_WITHOUT].wall - imported) / copy, 2.7, beside=COPY,
            )
        ],
        [
            Table(
                "Medians",
                ("", "wall s", ": bare copy", "CPU s", "peak MB", "days"),
                [
                    (name, s.wall, s.wall / copy, s.cpu, "" if name == COPY else f"{s.peak_mb:,.0f}", len(spans[name]))
                    for name, s in medians.items()
                ],
            )
        ],
    )  # fmt: skip
