"""How long a whole history takes beside global statements."""

import shutil
from pathlib import Path

from benchmarks.results import Answer, Figure, Table
from benchmarks.rivals import statements
from benchmarks.source import WAREHOUSE, opened, project
from benchmarks.timed_run import Span, command, process
from harness.truth import compare

OURS, RIVAL = "mixflows backfill", "global statements, contested keys ranked"


def measure(folder: Path, days: int, rows: int, limit: float, peak_mb: float | None = None) -> Answer:
    source = project(folder / "source", days, rows)
    spans: dict[str, Span] = {}
    right: dict[str, str] = {}
    for way in (OURS, RIVAL):
        home = folder / "home"
        shutil.copytree(source.parent, home)
        if way == OURS:
            spans[way] = command("backfill", "--no-prefect", folder=home)
        else:
            spans[way] = process([*statements.COMMAND, "global", str(home / WAREHOUSE)], home)
        with opened(home / WAREHOUSE) as connection:
            right[way] = str(compare(connection.execute))
        shutil.rmtree(home)
    ours = spans[OURS]
    size = f"{days:,} days × {rows:,}"
    return Answer(
        f"A history of {size} events that nobody has published yet ({source.stat().st_size / 1e9:.1f} GB), each way once in a"
        " process of its own, process start included, without Prefect: `mixflows backfill` with its validation, figures and"
        " ledger; global statements that rank, as ours, only the copies of contested keys.",
        [
            Figure(f"{size}, whole command", ours.wall / spans[RIVAL].wall, limit, beside=RIVAL),
            *([Figure(f"{size}, peak memory", ours.peak_mb, peak_mb, "MB")] if peak_mb else []),
        ],
        [
            Table(
                "Each once",
                ("", "wall s", "mixflows : this", "CPU s", "peak MB", "GB read", "right?"),
                [
                    (way, span.wall, ours.wall / span.wall, span.cpu, span.peak_mb, span.read_gb, right[way])
                    for way, span in spans.items()
                ],
            )
        ],
    )
