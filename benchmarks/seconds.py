"""Where the seconds of `mixflows run` go, imports and work, and how soon the command line answers."""

import sys
from pathlib import Path
from statistics import median

from benchmarks.plots import stacked
from benchmarks.results import Answer, Figure, Table
from benchmarks.server import prefect_server
from benchmarks.source import day_of, project
from benchmarks.timed_run import Span, command, imports, middle, process

REPEATS, SMALL = 3, 2_000
WAYS = {
    "as a flow": (),
    "without Prefect": ("--no-prefect",),
    "without Prefect, rows suite aside": ("--no-prefect", "--set", "quality.row_checks=never"),
}
LIMITS = {
    "--help": 0.3,
    "status": 1.0,
    "plan": 1.0,
    "run --no-prefect": 2.5,
    "report --out report.html": 3.0,
}
"""Seconds of commands where two years are published and nothing is due."""
TWO_YEARS, REPORT_MB = 730, 3.0


def measure(folder: Path, behind: int, rows: int) -> Answer:
    found: list[tuple[str, float, float, float, float]] = []
    with prefect_server(folder):
        for events in (SMALL, rows):
            home = folder / f"{events}"
            project(home, behind + len(WAYS) * (REPEATS + 1), events)
            command("backfill", "--no-prefect", "--end", day_of(behind - 1).isoformat(), folder=home)
            days = iter(day_of(number).isoformat() for number in range(behind, 10_000))
            for way, flags in WAYS.items():
                imported = imports("run", *flags, "--as-of", next(days), folder=home)
                whole = middle([command("run", *flags, "--as-of", next(days), folder=home) for _ in range(REPEATS)])
                name = f"{events:,} events, {way}"
                found.append((name, imported, max(0.0, whole.wall - imported), whole.wall, whole.cpu))
    years = folder / "two-years"
    project(years, TWO_YEARS, 50)
    command("backfill", "--no-prefect", folder=years)
    spans: dict[str, list[Span]] = {words: [] for words in LIMITS}
    for _ in range(5):
        for words in LIMITS:
            spans[words].append(command(*words.split(), folder=years))
    commands = {f"mixflows {words}": middle(several) for words, several in spans.items()}
    commands["python -c pass"] = middle([process([sys.executable, "-c", "pass"], years) for _ in range(5)])
    size = (years / "report.html").stat().st_size / 1e6
    return Answer(
        f"`mixflows run` of one new day with {behind} days behind it, the whole command, a Prefect server running: imports by the"
        f" interpreter's own account (`-X importtime`, a run of its own), and the rest. Medians of {REPEATS} days.",
        [
            *(Figure(name := f"mixflows {words}", commands[name].wall, limit, "s") for words, limit in LIMITS.items()),
            Figure("report of two years", size, REPORT_MB, "MB"),
        ],
        [
            Table("mixflows run", ("", "imports s", "work s", "whole s", "CPU s"), found),
            Table(
                f"Other commands, {TWO_YEARS} days published and nothing due",
                ("", "wall ms", "CPU ms", "peak MB"),
                [(name, s.wall * 1000, s.cpu * 1000, s.peak_mb) for name, s in commands.items()],
            ),
        ],
        [f"Imports are {median(row[1] / row[3] for row in found):.0%} of the whole (median)."],
        [
            stacked(
                "bench-seconds",
                "Where the seconds of a daily run go, by the first table",
                [
                    (name, part, value)
                    for name, *parts in found
                    for part, value in zip(("imports", "work"), parts, strict=False)
                ],
                "seconds",
            )
        ],
    )
