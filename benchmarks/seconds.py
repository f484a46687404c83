"""Where the seconds of `mixflows run` go, imports and work, and how soon the command line answers."""

import sys
from statistics import median

from benchmarks.plots import stacked
from benchmarks.registry import Place
from benchmarks.results import Answer, Figure, Table
from benchmarks.server import PrefectServer
from benchmarks.source import day_of, project
from benchmarks.timed_run import MIXFLOWS, Span, command, imports, middle, process

REPEATS, SMALL = 3, 2_000
WAYS = {
    "as a flow": (),
    "without Prefect": ("--no-prefect",),
    "without Prefect, rows suite aside": ("--no-prefect", "--set", "quality.row_checks=never"),
}
COMMANDS = {"python -c pass": ("-c", "pass")} | {
    f"mixflows {word}": (*MIXFLOWS, *word.split()) for word in ("--help", "backfill --help", "status")
}


def measure(place: Place, behind: int, rows: int) -> Answer:
    found: list[tuple[str, float, float, float, float]] = []
    with PrefectServer(place.folder):
        for events in (SMALL, rows):
            home = place.folder / f"{events}"
            project(home, behind + len(WAYS) * (REPEATS + 1), events)
            command("backfill", "--no-prefect", "--end", day_of(behind - 1).isoformat(), folder=home)
            days = iter(day_of(number).isoformat() for number in range(behind, 10_000))
            for way, flags in WAYS.items():
                imported = imports("run", *flags, "--as-of", next(days), folder=home)
                whole = middle([command("run", *flags, "--as-of", next(days), folder=home) for _ in range(REPEATS)])
                name = f"{events:,} events, {way}"
                found.append((name, imported, max(0.0, whole.wall - imported), whole.wall, whole.cpu))
    spans: dict[str, list[Span]] = {name: [] for name in COMMANDS}
    for _ in range(7):
        for name, words in COMMANDS.items():
            spans[name].append(process([sys.executable, *words], place.folder))
    commands = {name: middle(several) for name, several in spans.items()}
    return Answer(
        f"`mixflows run` of one new day with {behind} days behind it, the whole command, a Prefect server running: imports by the"
        f" interpreter's own account (`-X importtime`, a run of its own), and the rest. Medians of {REPEATS} days.",
        [Figure("mixflows --help", commands["mixflows --help"].wall, 0.3, "s")],
        [
            Table("mixflows run", ("", "imports s", "work s", "whole s", "CPU s"), found),
            Table(
                "Other commands; `status` reads an empty warehouse",
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
