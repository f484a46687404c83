"""How soon the command line answers."""

import sys

from benchmarks.answers import Answer, Figure, Table
from benchmarks.asking import Asked
from benchmarks.measuring import MIXFLOWS, Span, middle, process

REPEATS = 11


def answer(asked: Asked) -> Answer:
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "mixflows --help": [*MIXFLOWS, "--help"],
        "mixflows backfill --help": [*MIXFLOWS, "backfill", "--help"],
        "mixflows status": [*MIXFLOWS, "status"],
    }
    spans: dict[str, list[Span]] = {name: [] for name in commands}
    for _ in range(REPEATS):
        for name, words in commands.items():
            spans[name].append(process(words, asked.folder))
    return Answer(
        f"From the start of the process to its end; medians of {REPEATS} in turns. `status` reads an empty warehouse.",
        [Figure("mixflows --help", middle(spans["mixflows --help"]).wall, 0.3, "s")],
        [
            Table(
                "Medians",
                ("", "wall ms", "CPU ms", "peak MB"),
                [
                    (name, m.wall * 1000, m.cpu * 1000, m.peak_mb)
                    for name, m in ((n, middle(s)) for n, s in spans.items())
                ],
            )
        ],
    )
