"""Where the seconds of a daily run go, from the start of its process until the command would print its last line."""

import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import date
from functools import wraps
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from benchmarks.answers import Answer, Table
from benchmarks.asking import Asked
from benchmarks.measuring import process
from benchmarks.plots import stacked
from benchmarks.server import PrefectServer
from benchmarks.source import add_days, day_of, engine_of, settings_for
from mixflows.warehouse.duckdb_engine import DuckDBWarehouse

PARTS = ("import", "server", "plan", "stage", "audit", "publish", "record", "artifacts", "Prefect")
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
        f" Prefect's (its engine, its client, its states). Medians of {REPEATS} days.",
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
    process([sys.executable, "-m", "benchmarks.seconds", way, str(last), str(told)], home, (0, 3))
    return json.loads(told.read_text(encoding="utf-8"))


class Watch:
    """Counts the seconds of functions, in whatever thread they run."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)

    def over(self, part: str, module: Any, *names: str) -> None:
        """Lets a module's functions be counted for a part."""
        for name in names:
            setattr(module, name, self._counted(part, getattr(module, name)))

    def _counted(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def counted(*arguments: Any, **named: Any) -> Any:
            started = time.perf_counter()
            try:
                return function(*arguments, **named)
            finally:
                self.seconds[part] += time.perf_counter() - started

        return counted


def _one_run(way: str, last: str) -> dict[str, float]:
    born = psutil.Process().create_time()
    from mixflows.cli import ahead
    from mixflows.collecting import collect_seldom, importing

    collect_seldom()  # as the command does
    ahead.begin(["run"])  # as the command does
    from expectations.auditor import GreatExpectationsAuditor
    from mixflows.cli import running
    from mixflows.pipeline import day

    watch = Watch()
    if way == "flow":
        running.prepare_prefect(verbose=False)
        with importing():
            import flows.daily
            from tasks import days, planning

        watch.over("server", running, "server_must_answer")
        watch.over("plan", planning, "make_plan")
        watch.over("stage", days.one_day, "stage_day")
        watch.over("publish", days.one_day, "publish_day")
        watch.over("artifacts", flows.daily, "leave_artifacts", "materialize_tables", "tell_of_duplicates")
    else:
        from mixflows.pipeline import process as plain

        watch.over("plan", running, "make_plan")
        watch.over("stage", plain, "stage_day")
        watch.over("publish", plain, "publish_day")
    watch.over("audit", GreatExpectationsAuditor, "judge")
    watch.over("record", day, "record")
    imported = time.time() - born
    running.Runner(None, None, use_prefect=way == "flow", verbose=False, as_json=True).daily(last, accept_rules=False)
    whole = time.time() - born
    seconds = dict(watch.seconds)
    seconds["publish"] -= seconds["record"]
    seconds["import"] = imported
    rest = whole - sum(seconds.values())
    seconds["Prefect" if way == "flow" else "import"] = rest if way == "flow" else imported + rest
    return seconds


if __name__ == "__main__":
    mode, until_day, where = sys.argv[1:]
    Path(where).write_text(json.dumps(_one_run(mode, until_day)), encoding="utf-8")
