"""Simulated months, a day at a time: late data, deliveries again, new columns, and kills at any moment."""

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import psutil

from benchmarks.plots import lines
from benchmarks.results import Answer, Figure, Table
from benchmarks.server import held_mb
from benchmarks.source import WAREHOUSE, Execute, add_copies, add_days, add_without_id, day_of, opened, project
from benchmarks.timed_run import ROOT, here
from harness.truth import damage
from mixflows.errors import MixflowsError

KILL_ONE_IN, AGAIN_EVERY = 8, 7
WINDOWS = 6
# The deliveries of a day that lies so many days back: which events, and what is changed of them.
LATE_DELIVERIES = (
    ("hash(mp_insert_id, 1) % 50 = 0", {}),
    ("hash(mp_insert_id, 2) % 50 = 0", {"mp_insert_id": "'late ' || mp_insert_id"}),
)
EARLIER = "hash(mp_insert_id, 3) % 80 = 0", {"mp_processing_time_ms": "mp_processing_time_ms - 1000"}
"""Copies that arrived before the ones that were published."""
FLAGS = (
    "--no-prefect", "--json", "--set", "quality.duplicate_rate.warning=none", "--set", "quality.duplicate_rate.critical=none"
)  # fmt: skip


@dataclass(frozen=True)
class Pace:
    """What happens in the simulated time.

    Attributes:
        rows: Events of a day.
        column_every: After so many days comes a new column.
        late: So many days back, each day brings copies and new events.
    """

    rows: int
    column_every: int
    late: Sequence[int]

    def new_column(self, number: int) -> str:
        """The latest column on the day of this number; empty before the first."""
        return f"property_{number // self.column_every}" if number >= self.column_every else ""


@dataclass(frozen=True)
class Step:
    """One simulated day, as the worker reports it.

    Attributes:
        days: Days that the run processed.
        wrong: What does not hold after it; empty if all does.
    """

    number: int
    days: int
    seconds: float
    held_mb: float
    wrong: str


def measure(folder: Path, days: int, rows: int, column_every: int, late: Sequence[int], unkilled: int) -> Answer:
    pace = Pace(rows, column_every, late)
    unkilled = min(unkilled, days // 2)
    steps, kills, between = _simulated(folder / "home", days, days - unkilled, pace)
    wrong = [step for step in steps if step.wrong]
    windows = [steps[i * days // WINDOWS : (i + 1) * days // WINDOWS] for i in range(WINDOWS)]
    per_day = [median(s.seconds / s.days * 1000 for s in window) for window in windows]
    alone, third = steps[-unkilled:], unkilled // 3
    growth = median(s.held_mb for s in alone[-third:]) / median(s.held_mb for s in alone[:third])
    shown = steps[:: max(1, days // 60)]
    return Answer(
        f"{days:,} simulated days of {rows} events, one `mixflows run` each, in a worker that was killed with SIGKILL {kills:,} times"
        f" at a random moment of a day's delivery, run or check ({between:,} more times between two days), and started again; in the"
        f" last {unkilled} days it was left alone. With each day come copies and new events of {len(late)} earlier days, up to"
        f" {late[-1]} days late; every {AGAIN_EVERY} days a whole day once more. {(days - 1) // column_every} columns came. After"
        " each run plain SQL over the whole source checks that the published events are the first copies, that every delivered row"
        " is whole and once in one of the published tables, and that the ledger's latest row of each day has their counts.",
        [
            Figure("runs after which something did not hold", len(wrong), 0, "runs"),
            Figure("time per processed day, last sixth", per_day[-1] / per_day[1], 1.5, beside="second sixth"),
            Figure(f"memory in {unkilled} days without a kill, last third", growth, 1.25, beside="first third"),
        ],
        [
            Table(
                "Medians by sixths of the time",
                ("simulated days", "days a run", "ms a processed day", "MB"),
                [
                    (
                        f"{window[0].number + 1:,} to {window[-1].number + 1:,}",
                        median(s.days for s in window), milliseconds, median(s.held_mb for s in window),
                    )
                    for window, milliseconds in zip(windows, per_day, strict=True)
                ],
            )
        ],
        [f"Day {step.number + 1}: {step.wrong}" for step in wrong[:10]],
        [
            lines(
                f"bench-soak-{days}",
                "Milliseconds per processed day, and memory, over the simulated days",
                [
                    *(("ms a processed day", s.number + 1, s.seconds / s.days * 1000) for s in shown),
                    *(("MB", s.number + 1, s.held_mb) for s in shown),
                ],
                "simulated days", "ms, MB", log=None,
            )
        ],
    )  # fmt: skip


def _simulated(home: Path, days: int, killed: int, pace: Pace) -> tuple[list[Step], int, int]:
    """Every day's step, how many kills met the worker at work, and how many met it between two days."""
    chance = random.Random(20261101)
    steps: list[Step] = []
    kills = between = 0
    project(home, 0, pace.rows)
    words = [sys.executable, "-m", "benchmarks.soak", str(home), json.dumps(asdict(pace))]
    while len(steps) < days:
        with subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as worker:
            _line(worker)  # it is ready
            for number in range(len(steps), days):
                print(number, file=worker.stdin, flush=True)
                if number < killed and chance.randrange(KILL_ONE_IN) == 0:
                    expected = median([s.seconds for s in steps[-20:]] or [1.0])
                    time.sleep(chance.random() * expected * 1.5)
                    worker.send_signal(signal.SIGKILL)
                    if told := worker.stdout.read() if worker.stdout else "":
                        steps.append(Step(**json.loads(told)))
                        between += 1
                    else:
                        kills += 1
                    break
                steps.append(Step(**json.loads(_line(worker))))
    return steps, kills, between


def _line(worker: "subprocess.Popen[str]") -> str:
    line = worker.stdout.readline() if worker.stdout else ""
    if not line:
        raise MixflowsError(f"the worker ended with {worker.wait()}")
    return line


def work(home: Path, pace: Pace) -> None:
    """Processes simulated days by their numbers from stdin, and reports each step on stdout."""
    path = home / WAREHOUSE
    print("ready", flush=True)
    for word in sys.stdin:
        number = int(word)
        with opened(path) as connection:
            deliver(connection.execute, number, pace)
        ended = here("run", *FLAGS, "--as-of", day_of(number).isoformat(), folder=home)
        held = held_mb(psutil.Process())
        with opened(path) as connection:
            wrong = [damage(connection.execute)]
        days = json.loads(ended.out)["days"] if ended.code in (0, 3) else []
        if ended.code:
            wrong.append(f"exit code {ended.code}: {ended.err[-500:]}")
        found = " ".join(filter(None, wrong))
        step = Step(number, max(1, len(days)), ended.span.wall, held, found)
        print(json.dumps(asdict(step)), flush=True)


def deliver(execute: Execute, number: int, pace: Pace) -> None:
    """One day's delivery in one transaction; a worker that was killed may find it there already."""
    add_days(execute, 0, 0, pace.rows)  # the table
    column = pace.new_column(number)
    if execute(f"SELECT 1 FROM mp_master_event WHERE source_file = 'export-{number}.jsonl' LIMIT 1").fetchall():
        return
    execute("BEGIN")
    if column and column != pace.new_column(number - 1):
        execute(f"ALTER TABLE mp_master_event ADD COLUMN {column} VARCHAR")
    add_days(execute, number, 1, pace.rows)
    if column:
        execute(f"UPDATE mp_master_event SET {column} = 'new' WHERE partition_date = DATE '{day_of(number)}'")
    for back in (back for back in pace.late if back <= number):
        for which, changed in LATE_DELIVERIES:
            add_copies(execute, number - back, back, which, **changed)
    if number >= 3:
        which, changed = EARLIER
        add_copies(execute, number - 3, 3, which, **changed)
    if number and number % AGAIN_EVERY == 0:
        add_copies(execute, number - AGAIN_EVERY, AGAIN_EVERY, "true")
    add_without_id(execute, number, 100)
    execute("COMMIT")


if __name__ == "__main__":
    work(Path(sys.argv[1]), Pace(**json.loads(sys.argv[2])))
