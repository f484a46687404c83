"""Two simulated years, a day at a time: late data, deliveries again, new columns, and kills at any moment."""

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import psutil

from benchmarks.answers import Answer, Figure, Table
from benchmarks.asking import Asked
from benchmarks.measuring import ROOT
from benchmarks.plots import lines
from benchmarks.rivals.truth import compare
from benchmarks.source import Execute, add_days, day_of, engine_of, settings_for
from expectations.auditor import GreatExpectationsAuditor
from mixflows.days import DayRange
from mixflows.model import Run, Status
from mixflows.pipeline.plan import PlanRequest, make_plan
from mixflows.pipeline.process import ThreadSteps, process
from mixflows.warehouse.duckdb_engine import DuckDBWarehouse

QUICK_DAYS, FULL_DAYS = 40, 730
ROWS = 400
KILL_ONE_IN, AGAIN_EVERY, COLUMN_EVERY = 8, 7, 90
LATE_DAYS = (1, 2, 3, 5, 9, 30, 60)
WINDOWS = 6
READY = "ready"
CONTENT = """
SELECT (SELECT (count(*), sum(hash({columns})::HUGEINT)) FROM mp_master_event)
  = (SELECT (count(*), sum(hash({columns})::HUGEINT)) FROM (
      SELECT {columns} FROM mp_events UNION ALL SELECT {columns} FROM mp_rejected_events
    ))
"""
"""Whether every delivered row, whole, is once in one of the published tables."""
LEDGER = """
WITH told AS (
  SELECT arg_max((source_rows, kept_rows, rejected_rows), finished_at) AS counts, partition_date FROM mp_partition_runs
  GROUP BY partition_date
),
is_so AS (
  SELECT partition_date, (count(*), sum(kept::BIGINT), sum(1 - kept::BIGINT)) AS counts
  FROM (
    SELECT partition_date, true AS kept FROM mp_events
    UNION ALL SELECT partition_date, false FROM mp_rejected_events
  )
  GROUP BY partition_date
)
SELECT count(*) FROM told FULL JOIN is_so USING (partition_date) WHERE told.counts IS DISTINCT FROM is_so.counts
"""
"""Days of which the ledger does not tell what is published."""


@dataclass(frozen=True)
class Step:
    """One simulated day, as the worker tells it.

    Attributes:
        days: Days that the run took.
        seconds: Of plan and pipeline.
        wrong: What does not hold after it; empty if all does.
    """

    number: int
    days: int
    seconds: float
    rss_mb: float
    wrong: str


def answer(asked: Asked) -> Answer:
    days = FULL_DAYS if asked.full else QUICK_DAYS
    chance = random.Random(20261101)
    steps: list[Step] = []
    kills = 0
    path = asked.folder / "mixflows.duckdb"
    while len(steps) < days:
        with _worker(path) as worker:
            if _line(worker) != READY:
                raise AssertionError("the worker did not say that it is ready")
            for number in range(len(steps), days):
                print(number, file=worker.stdin, flush=True)
                if chance.randrange(KILL_ONE_IN) == 0:
                    expected = median([s.seconds for s in steps[-20:]] or [1.0])
                    time.sleep(chance.random() * expected * 1.5)
                    worker.send_signal(signal.SIGKILL)
                    kills += 1
                    break
                steps.append(Step(**json.loads(_line(worker))))
    wrong = [step for step in steps if step.wrong]
    windows = [steps[i * days // WINDOWS : (i + 1) * days // WINDOWS] for i in range(WINDOWS)]
    per_day = [median(s.seconds / s.days * 1000 for s in window) for window in windows]
    memory = [median(s.rss_mb for s in window) for window in windows]
    return Answer(
        f"{days:,} simulated days of {ROWS} events, one daily run each, by the functions under the flows, in a worker that"
        f" was killed with SIGKILL {kills:,} times, at a random moment of a run, and started again. With each day come"
        f" copies and new events of {len(LATE_DAYS)} earlier days, up to {LATE_DAYS[-1]} days late; every"
        f" {AGAIN_EVERY} days a whole day once more, every {COLUMN_EVERY} days a new column. After each run plain SQL"
        " over the whole source tells whether the published events are the first copies, every delivered row is whole and once"
        " in one of the published tables, and the ledger's latest row of each day tells what is published.",
        [
            Figure("soak: runs after which something did not hold", len(wrong), 0, "runs"),
            Figure("soak: time per processed day, last sixth : second sixth", per_day[-1] / per_day[1], 1.5),
            Figure("soak: memory of the worker, last sixth : second sixth", memory[-1] / memory[1], 1.25),
        ],
        [
            Table(
                "Medians by sixths of the time",
                ("simulated days", "days taken a run", "ms per day taken", "worker MB"),
                [
                    (
                        f"{window[0].number + 1:,} to {window[-1].number + 1:,}",
                        median(s.days for s in window), milliseconds, megabytes,
                    )
                    for window, milliseconds, megabytes in zip(windows, per_day, memory, strict=True)
                ],
            )
        ],
        [f"Day {step.number + 1}: {step.wrong}" for step in wrong[:10]],
        [
            lines(
                f"bench-soak{'-long' if asked.full else ''}",
                "Milliseconds per processed day and memory of the worker over the simulated days: flat",
                [
                    *(("ms per day taken", s.number + 1, s.seconds / s.days * 1000) for s in steps[:: max(1, days // 60)]),
                    *(("worker MB", s.number + 1, s.rss_mb) for s in steps[:: max(1, days // 60)]),
                ],
                "simulated days",
                "ms, MB",
                log=None,
            )
        ],
    )  # fmt: skip


@contextmanager
def _worker(path: Path) -> "Iterator[subprocess.Popen[str]]":
    words = [sys.executable, "-m", "benchmarks.soak", str(path)]
    with subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as worker:
        try:
            yield worker
        finally:
            worker.kill()


def _line(worker: "subprocess.Popen[str]") -> str:
    line = worker.stdout.readline() if worker.stdout else ""
    if not line:
        raise AssertionError(f"the worker ended with {worker.wait()}")
    return line.strip()


def work(path: Path) -> None:
    """Takes simulated days by their numbers from stdin, and tells each step on stdout."""
    settings = settings_for(str(path), quality={"duplicate_rate": {"warning": None, "critical": None}})
    warehouse = DuckDBWarehouse(settings)
    execute = engine_of(warehouse)
    auditor = GreatExpectationsAuditor(settings, warehouse.row_access())
    auditor.warm_up()
    print(READY, flush=True)
    for word in sys.stdin:
        number = int(word)
        _deliver(execute, number)
        warehouse.close()  # the source's columns may be new
        warehouse = DuckDBWarehouse(settings)
        execute = engine_of(warehouse)
        auditor = GreatExpectationsAuditor(settings, warehouse.row_access())
        started = time.perf_counter()
        run = Run(f"day {number} {time.time_ns()}")
        plan = make_plan(warehouse, settings, PlanRequest(days=DayRange(end=day_of(number)), check_rows=True))
        result = process(warehouse, settings, run, plan, ThreadSteps(warehouse, settings, run, auditor, concurrency=2))
        seconds = time.perf_counter() - started
        rss = psutil.Process().memory_info().rss / 1e6
        wrong = what_is_wrong(execute, [o.row.status for o in result.outcomes])
        print(json.dumps(asdict(Step(number, max(1, len(plan.days)), seconds, rss, wrong))), flush=True)


def what_is_wrong(execute: Execute, statuses: Sequence[Status]) -> str:
    """What does not hold after a run whose days ended so; empty if all does."""
    found = str(compare(execute))
    names = execute("SELECT column_name FROM duckdb_columns() WHERE table_name = 'mp_master_event'").fetchall()
    ((whole,),) = execute(CONTENT.format(columns=", ".join(name for (name,) in names))).fetchall()
    ((days,),) = execute(LEDGER).fetchall()
    left = [status for status in statuses if status in (Status.FAILED, Status.BLOCKED)]
    return " ".join(
        [
            *([found] if found != "yes" else []),
            *([] if whole else ["rows are not as they were delivered"]),
            *([f"the ledger tells {days:,} days wrong"] if days else []),
            *left,
        ]
    )


def _deliver(execute: Execute, number: int) -> None:
    """One day's delivery in one transaction; a worker that was killed may find it there already."""
    add_days(execute, 0, 0, ROWS)  # the table
    if execute(f"SELECT 1 FROM mp_master_event WHERE source_file = 'export-{number}.jsonl' LIMIT 1").fetchall():
        return
    execute("BEGIN")
    if number and number % COLUMN_EVERY == 0:
        execute(f"ALTER TABLE mp_master_event ADD COLUMN property_{number // COLUMN_EVERY} VARCHAR")
    add_days(execute, number, 1, ROWS)
    if number >= COLUMN_EVERY:
        column = f"property_{number // COLUMN_EVERY}"
        execute(f"UPDATE mp_master_event SET {column} = 'new' WHERE partition_date = DATE '{day_of(number)}'")
    for back in (back for back in LATE_DAYS if back <= number):
        _again(execute, number, back, "hash(mp_insert_id, 1) % 50 = 0", {})
        _again(execute, number, back, "hash(mp_insert_id, 2) % 50 = 0", {"mp_insert_id": "'late ' || mp_insert_id"})
    if number >= 3:  # a copy that arrived before the one that was published
        earlier = {"mp_processing_time_ms": "mp_processing_time_ms - 1000"}
        _again(execute, number, 3, "hash(mp_insert_id, 3) % 80 = 0", earlier)
    if number and number % AGAIN_EVERY == 0:
        _again(execute, number, AGAIN_EVERY, "true", {})
    execute(
        "INSERT INTO mp_master_event SELECT * REPLACE (NULL AS mp_insert_id) FROM mp_master_event"
        f" WHERE partition_date = DATE '{day_of(number)}' AND hash(mp_insert_id, 4) % 100 = 0"
    )
    execute("COMMIT")


def _again(execute: Execute, number: int, back: int, which: str, changed: Mapping[str, str]) -> None:
    """Delivers some of an earlier day's events once more, changed or not."""
    values: dict[str, str] = {
        "mp_processing_time_ms": f"mp_processing_time_ms + {back * 86_400_000}",
        "loaded_at": f"TIMESTAMPTZ '{day_of(number + 1)} 03:00:00+00'",
        "source_file": f"'export-{number}.jsonl'",
        **changed,
    }
    replaced = ", ".join(f"{value} AS {column}" for column, value in values.items())
    execute(
        f"INSERT INTO mp_master_event SELECT * REPLACE ({replaced}) FROM mp_master_event"
        f" WHERE partition_date = DATE '{day_of(number - back)}' AND {which}"
    )


if __name__ == "__main__":
    work(Path(sys.argv[1]))
