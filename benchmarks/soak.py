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
from benchmarks.measuring import ROOT, held_mb
from benchmarks.plots import lines
from benchmarks.source import Execute, add_days, day_of, engine_of, settings_for
from expectations.auditor import GreatExpectationsAuditor
from harness.truth import compare
from mixflows.days import DayRange
from mixflows.errors import SourceColumnsError
from mixflows.model import Run, Status
from mixflows.pipeline.plan import PlanRequest, make_plan
from mixflows.pipeline.run import ThreadSteps, process
from mixflows.settings import Settings
from mixflows.warehouse.duckdb.engine import DuckDBWarehouse

ROWS = 400
KILL_ONE_IN, AGAIN_EVERY = 8, 7
WINDOWS = 6
READY = "ready"
REFUSED = "refused"
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
class Pace:
    """What happens in the simulated time.

    Attributes:
        column_every: After so many days comes a new column.
        late: So many days back, each day brings copies and new events.
        unkilled: So many days at the end in which the worker is left alone, so that its memory can be told.
    """

    days: int
    column_every: int
    late: tuple[int, ...]
    unkilled: int

    @property
    def columns(self) -> int:
        """How many columns come."""
        return (self.days - 1) // self.column_every

    def new_column(self, number: int) -> str:
        """The latest column on the day of this number; empty before the first."""
        return f"property_{number // self.column_every}" if number >= self.column_every else ""

    def changes_type(self, number: int) -> bool:
        """Whether a column's type is changed before the day's run, which has to be refused."""
        return number > self.column_every and number % self.column_every == self.column_every // 2


QUICK = Pace(40, column_every=9, late=(1, 2, 3, 5, 9, 20), unkilled=12)
FULL = Pace(730, column_every=90, late=(1, 2, 3, 5, 9, 30, 60), unkilled=180)


@dataclass(frozen=True)
class Step:
    """One simulated day, as the worker tells it.

    Attributes:
        days: Days that the run took.
        seconds: Of plan and pipeline.
        held_mb: Memory of the worker and of the process that judges for it.
        refused: Whether a column's changed type was refused before it.
        wrong: What does not hold after it; empty if all does.
    """

    number: int
    days: int
    seconds: float
    held_mb: float
    refused: bool
    wrong: str


def answer(asked: Asked) -> Answer:
    pace = FULL if asked.full else QUICK
    steps, kills, after = _simulated(asked, pace)
    wrong = [step for step in steps if step.wrong]
    windows = [steps[i * pace.days // WINDOWS : (i + 1) * pace.days // WINDOWS] for i in range(WINDOWS)]
    per_day = [median(s.seconds / s.days * 1000 for s in window) for window in windows]
    memory = [median(s.held_mb for s in window) for window in windows]
    alone, third = steps[-pace.unkilled :], pace.unkilled // 3
    growth = median(s.held_mb for s in alone[-third:]) / median(s.held_mb for s in alone[:third])
    return Answer(
        f"{pace.days:,} simulated days of {ROWS} events, one daily run each, by the functions under the flows, in a worker that"
        f" was killed with SIGKILL {kills:,} times, at a random moment of a day's delivery, run or check ({after:,} more times"
        f" between two days), and started again; in the last {pace.unkilled} days it was left alone. With each day come copies"
        f" and new events of {len(pace.late)} earlier days, up to {pace.late[-1]} days late; every {AGAIN_EVERY} days a whole"
        f" day once more. {pace.columns} columns came, and {sum(s.refused for s in steps)} times a column's changed type was"
        " refused. After each run plain SQL over the whole source tells whether the published events are the first copies,"
        " every delivered row is whole and once in one of the published tables, and the ledger's latest row of each day tells"
        " what is published.",
        [
            Figure("runs after which something did not hold", len(wrong), 0, "runs"),
            Figure("time per processed day, last sixth : second sixth", per_day[-1] / per_day[1], 1.5),
            Figure(f"memory, last : first third of {pace.unkilled} days without a kill", growth, 1.25),
        ],
        [
            Table(
                "Medians by sixths of the time",
                ("simulated days", "days taken a run", "ms per day taken", "MB, with the process that judges"),
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
                "Milliseconds per processed day, and memory with the process that judges, over the simulated days",
                [
                    *(("ms per day taken", s.number + 1, s.seconds / s.days * 1000) for s in steps[:: max(1, pace.days // 60)]),
                    *(("MB", s.number + 1, s.held_mb) for s in steps[:: max(1, pace.days // 60)]),
                ],
                "simulated days",
                "ms, MB",
                log=None,
            )
        ],
    )  # fmt: skip


def _simulated(asked: Asked, pace: Pace) -> tuple[list[Step], int, int]:
    """Every day's step, how many kills met the worker at work, and how many met it between two days."""
    chance = random.Random(20261101)
    steps: list[Step] = []
    kills = after = 0
    path = asked.folder / "mixflows.duckdb"
    while len(steps) < pace.days:
        with _worker(path, full=asked.full) as worker:
            if _line(worker) != READY:
                raise AssertionError("the worker did not say that it is ready")
            for number in range(len(steps), pace.days):
                print(number, file=worker.stdin, flush=True)
                if number < pace.days - pace.unkilled and chance.randrange(KILL_ONE_IN) == 0:
                    expected = median([s.seconds for s in steps[-20:]] or [1.0])
                    time.sleep(chance.random() * expected * 1.5)
                    worker.send_signal(signal.SIGKILL)
                    if told := worker.stdout.read() if worker.stdout else "":
                        steps.append(Step(**json.loads(told)))
                        after += 1
                    else:
                        kills += 1
                    break
                steps.append(Step(**json.loads(_line(worker))))
    return steps, kills, after


@contextmanager
def _worker(path: Path, *, full: bool) -> "Iterator[subprocess.Popen[str]]":
    words = [sys.executable, "-m", "benchmarks.soak", str(path), *(["--full"] if full else [])]
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


def work(path: Path, pace: Pace) -> None:
    """Takes simulated days by their numbers from stdin, and tells each step on stdout."""
    settings = settings_for(str(path), quality={"duplicate_rate": {"warning": None, "critical": None}})
    warehouse = DuckDBWarehouse(settings)
    execute = engine_of(warehouse)
    auditor = GreatExpectationsAuditor(settings, warehouse.row_access())
    auditor.warm_up()
    print(READY, flush=True)
    for word in sys.stdin:
        number = int(word)
        deliver(execute, number, pace)
        warehouse.close()  # the source's columns may be new
        refused = ""
        if pace.changes_type(number):
            refused = what_a_changed_type_does(settings, pace.new_column(number))
        warehouse = DuckDBWarehouse(settings)
        execute = engine_of(warehouse)
        auditor = GreatExpectationsAuditor(settings, warehouse.row_access())
        started = time.perf_counter()
        run = Run(f"day {number} {time.time_ns()}")
        plan = make_plan(warehouse, settings, PlanRequest(days=DayRange(end=day_of(number)), check_rows=True))
        result = process(warehouse, settings, run, plan, ThreadSteps(warehouse, settings, run, auditor, concurrency=2))
        seconds = time.perf_counter() - started
        held = held_mb(psutil.Process())
        wrong = what_is_wrong(execute, [o.row.status for o in result.outcomes])
        if refused not in ("", REFUSED):
            wrong = f"{wrong} {refused}".strip()
        step = Step(number, max(1, len(plan.days)), seconds, held, refused == REFUSED, wrong)
        print(json.dumps(asdict(step)), flush=True)


def what_a_changed_type_does(settings: Settings, column: str) -> str:
    """Changes the type of a column of the source, plans, and changes it back; `REFUSED` where that is refused as it has to be."""
    warehouse = DuckDBWarehouse(settings)
    execute = engine_of(warehouse)
    execute(f"ALTER TABLE mp_master_event ALTER {column} TYPE BLOB")
    try:
        make_plan(warehouse, settings, PlanRequest())
        return f"the changed type of {column} was not refused"
    except SourceColumnsError as err:
        return REFUSED if column in str(err) else f"the changed type of {column} is not named"
    finally:
        execute(f"ALTER TABLE mp_master_event ALTER {column} TYPE VARCHAR")
        warehouse.close()


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


def deliver(execute: Execute, number: int, pace: Pace) -> None:
    """One day's delivery in one transaction; a worker that was killed may find it there already."""
    add_days(execute, 0, 0, ROWS)  # the table
    column = pace.new_column(number)
    if pace.changes_type(number):  # the worker may have been killed before it changed the type back
        execute(f"ALTER TABLE mp_master_event ALTER {column} TYPE VARCHAR")
    if execute(f"SELECT 1 FROM mp_master_event WHERE source_file = 'export-{number}.jsonl' LIMIT 1").fetchall():
        return
    execute("BEGIN")
    if column and column != pace.new_column(number - 1):
        execute(f"ALTER TABLE mp_master_event ADD COLUMN {column} VARCHAR")
    add_days(execute, number, 1, ROWS)
    if column:
        execute(f"UPDATE mp_master_event SET {column} = 'new' WHERE partition_date = DATE '{day_of(number)}'")
    for back in (back for back in pace.late if back <= number):
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
    work(Path(sys.argv[1]), FULL if "--full" in sys.argv else QUICK)
