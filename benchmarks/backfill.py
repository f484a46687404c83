"""How long a whole history takes beside global statements, and beside the original backfill script."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import duckdb

from benchmarks.plots import bars
from benchmarks.registry import Place
from benchmarks.results import Answer, Figure, Table
from benchmarks.rivals import statements
from benchmarks.source import WAREHOUSE, opened, project
from benchmarks.timed_run import Span, command, process
from harness.truth import compare

OURS, CONTESTED = "as shipped", "contested keys"
# Each way: its words after `mixflows backfill --no-prefect`, or the name of the rival's statements.
WAYS: dict[str, tuple[str, tuple[str, ...] | str]] = {
    OURS: ("mixflows backfill", ()),
    "1 at once": ("mixflows backfill, 1 batch at once", ("--concurrency", "1")),
    "4 at once": ("mixflows backfill, 4 batches at once", ("--concurrency", "4")),
    CONTESTED: ("global statements, contested keys ranked", "contested"),
    "every row": ("global statements, every row ranked", "global"),
    "original script": ("original script", "keys"),
}


def measure(
    place: Place, days: int, rows: int, limit: float, peak_mb: float | None = None, ways: Sequence[str] = (CONTESTED,)
) -> Answer:
    source = project(place.folder / "source", days, rows)
    spans: dict[str, Span] = {}
    right: dict[str, str] = {}
    for way in (OURS, *ways):
        home = place.folder / "home"
        shutil.copytree(source.parent, home)
        spans[way] = _taken(home, way, days)
        with opened(home / WAREHOUSE) as connection:
            right[way] = _right(connection, events_only=way == "original script")
        shutil.rmtree(home)
    ours = spans[OURS]
    size = f"{days:,} days × {rows:,}"
    return Answer(
        f"A history of {size} events that nobody has published yet ({source.stat().st_size / 1e9:.1f} GB), each way once in a"
        " process of its own, process start included, without Prefect: `mixflows backfill` with its validation, figures and"
        " ledger; global statements that rank every row, or as ours only the copies of contested keys; the original script has"
        " two statements a day and a table of processed keys, writes no rejected rows, and is compared by its events alone.",
        [
            Figure(f"{size}, whole command", ours.wall / spans[CONTESTED].wall, limit, beside=WAYS[CONTESTED][0]),
            *([Figure(f"{size}, peak memory", ours.peak_mb, peak_mb, "MB")] if peak_mb else []),
        ],
        [
            Table(
                "Each once",
                ("", "wall s", "mixflows : this", "CPU s", "peak MB", "GB read", "right?"),
                [
                    (WAYS[way][0], s.wall, ours.wall / s.wall, s.cpu, s.peak_mb, s.read_gb, right[way])
                    for way, s in spans.items()
                ],
            )
        ],
        plots=[
            bars(
                "bench-backfill-ways",
                "Seconds for a whole history, by the ways of the table",
                [(size, WAYS[way][0], s.wall) for way, s in spans.items()],
                "seconds",
            )
        ] if len(ways) > 1 else [],
    )  # fmt: skip


def _taken(home: Path, way: str, days: int) -> Span:
    words = WAYS[way][1]
    if isinstance(words, str):
        return process([*statements.COMMAND, words, str(home / WAREHOUSE), str(days)], home)
    return command("backfill", "--no-prefect", *words, folder=home)


def _right(connection: duckdb.DuckDBPyConnection, *, events_only: bool) -> str:
    if events_only:
        connection.execute("CREATE TABLE mp_rejected_events AS SELECT * FROM mp_master_event LIMIT 0")
    wrong = compare(connection.execute)
    return str(replace(wrong, rejected=0) if events_only else wrong)
