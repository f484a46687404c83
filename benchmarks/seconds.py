"""Where the seconds of a daily run go, from the start of its process until the command would print its last line."""

import json
import sys
import time
from collections import defaultdict
from datetime import date
from pathlib import Path
from statistics import median

from benchmarks.answers import Answer, Table
from benchmarks.asking import Asked
from benchmarks.measuring import process
from benchmarks.plots import stacked
from benchmarks.server import PrefectServer
from benchmarks.source import add_days, day_of, engine_of, settings_for
from mixflows.warehouse.duckdb.engine import DuckDBWarehouse

PARTS = ("import", "server", "plan", "stage", "audit", "publish", "record", "artifacts", "Prefect", "other")
REPEATS = 3
BEHIND = 10


def answer(asked: Asked) -> Answer:
    rows: list[tuple[str, str, float]] = []
    asked_at = time.perf_counter()
    with PrefectServer(asked.folder):
        begins = time.perf_counter() - asked_at
        for events in (2_000, 200_000):
            for way in ("flow", "plain"):
                home = asked.folder / f"{way}-{events}"
                home.mkdir()
                name = f"{events:,} events, {'as a flow' if way == 'flow' else 'without Prefect'}"
                rows += [(name, part, seconds) for part, seconds in _medians(home, way, events).items()]
    names = list(dict.fromkeys(name for name, _, _ in rows))
    found = {(name, part): seconds for name, part, seconds in rows}
    return Answer(
        f"A daily run of one new day with {BEHIND} days behind it, in a process of its own, a Prefect server running."
        " Great Expectations is imported by the process that judges, meanwhile: what shows of that import is part of the"
        f" audit. The server is only asked whether it answers; to start this one took {begins:.0f} s. What is left over is"
        f" Prefect's (its engine, its client, its states), and without it stands as other. Medians of {REPEATS} days.",
        [],
        [
            Table(
                "Seconds",
                ("", *names),
                [(part, *(found.get((name, part), 0.0) for name in names)) for part in PARTS]
                + [("all", *(sum(found.get((name, part), 0.0) for part in PARTS) for name in names))],
            )
        ],
        plots=[stacked("bench-seconds", "Where the seconds of a daily run go, by the table above", rows, "seconds")],
    )


def _medians(home: Path, way: str, events: int) -> dict[str, float]:
    warehouse = DuckDBWarehouse(settings_for(str(home / "mixflows.duckdb")))
    add_days(engine_of(warehouse), 0, BEHIND + REPEATS, events)
    warehouse.close()
    _run(home, way, day_of(BEHIND - 1))
    found: dict[str, list[float]] = defaultdict(list)
    for number in range(BEHIND, BEHIND + REPEATS):
        for part, seconds in _run(home, way, day_of(number)).items():
            found[part].append(seconds)
    return {part: median(found[part]) for part in PARTS if part in found}


def _run(home: Path, way: str, last: date) -> dict[str, float]:
    told = home / "seconds.json"
    process([sys.executable, "-m", "benchmarks.watched", way, str(last), str(told)], home, (0, 3))
    return json.loads(told.read_text(encoding="utf-8"))
