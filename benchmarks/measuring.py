"""Stop watches, and processes of their own. CPU seconds stand beside wall-clock seconds, which other work stretches."""

import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from statistics import median
from threading import local

import psutil

from mixflows.errors import MixflowsError
from mixflows.model import SourceDay
from mixflows.warehouse.base import DayStatement, DayTables, Params, Row
from mixflows.warehouse.duckdb.engine import DuckDBWarehouse

ROOT = Path(__file__).parent.parent
MIXFLOWS = (sys.executable, "-c", "from mixflows.cli import main; main()")
# A child's peak memory begins with that of the process that starts it: a small one has to.
LAUNCHER = """
import json, os, sys, time
started = time.perf_counter()
redirect = [(os.POSIX_SPAWN_DUP2, 2, 1)]
_, status, used = os.wait4(os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=redirect), 0)
wall = time.perf_counter() - started
print(json.dumps([os.waitstatus_to_exitcode(status), wall, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024 / 1e6]))
"""


@dataclass
class Span:
    """Seconds of one measured stretch; `cpu` of all threads. Of a command: with all processes that it starts."""

    wall: float = 0.0
    cpu: float = 0.0
    peak_mb: float = 0.0


@contextmanager
def span() -> Iterator[Span]:
    """Measures its body."""
    measured = Span()
    wall, cpu = time.perf_counter(), time.process_time()
    yield measured
    measured.wall, measured.cpu = time.perf_counter() - wall, time.process_time() - cpu


@contextmanager
def span_with_children() -> Iterator[Span]:
    """Measures its body, in which other processes work for this one, such as the one that judges; theirs in hundredths."""
    before = _cpu_of_children()
    with span() as measured:
        yield measured
    measured.cpu += _cpu_of_children() - before


def _cpu_of_children() -> float:
    ended = os.times()
    running = sum(map(_cpu, psutil.Process().children(recursive=True)))
    return ended.children_user + ended.children_system + running


def _cpu(process: psutil.Process) -> float:
    with suppress(psutil.NoSuchProcess):
        used = process.cpu_times()
        return float(used.user + used.system)
    return 0.0


def held_mb(process: psutil.Process) -> float:
    """Memory that a process and those that it started hold together.

    Raises:
        NoSuchProcess: The process has ended.
    """
    return sum(map(_megabytes, (process, *process.children(recursive=True))))


def middle(spans: Sequence[Span]) -> Span:
    """The medians."""
    return Span(*(median(getattr(s, name) for s in spans) for name in ("wall", "cpu", "peak_mb")))


def command(*words: str, folder: Path, expected: Sequence[int] = (0,)) -> Span:
    """Runs `mixflows WORD…` in a process of its own, with its peak memory."""
    return process([*MIXFLOWS, *words], folder, expected)


def process(
    words: Sequence[str], folder: Path, expected: Sequence[int] = (0,), environment: Mapping[str, str] | None = None
) -> Span:
    """Runs a command in a process of its own."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)} | dict(environment or {})
    with (folder / "output.txt").open("w+") as output:
        launched = [sys.executable, "-S", "-c", LAUNCHER, *words]
        with subprocess.Popen(
            launched, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=output, text=True
        ) as launcher:
            together = _peak_together(launcher)
            code, wall, cpu, alone = json.loads(launcher.communicate()[0])
        if code not in expected:
            output.seek(0)
            raise MixflowsError(f"{' '.join(words)} ended with {code}: {output.read()[-2000:]}")
    return Span(wall, cpu, max(alone, together))


def _peak_together(launcher: "subprocess.Popen[str]") -> float:
    """The most memory that the launched processes held together, looked at five times a second until they end."""
    most = 0.0
    root = psutil.Process(launcher.pid)
    while launcher.poll() is None:
        with suppress(psutil.NoSuchProcess):
            most = max(most, sum(map(_megabytes, root.children(recursive=True))))
        time.sleep(0.2)
    return most


def _megabytes(process: psutil.Process) -> float:
    with suppress(psutil.NoSuchProcess):
        return float(process.memory_info().rss / 1e6)
    return 0.0


class MeteredWarehouse(DuckDBWarehouse):
    """The embedded engine, with the time of each verb; what one verb does within another counts for the outer."""

    def __init__(self, *arguments: object) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.cpu = 0.0  # of the whole process: tells the engine's only where one thread works
        self._meter = local()
        super().__init__(*arguments)  # type: ignore[arg-type]

    @contextmanager
    def metered(self, name: str) -> Iterator[None]:
        """Counts its body's time under a name."""
        if getattr(self._meter, "running", False):
            yield
            return
        self._meter.running = True
        started, cpu = time.perf_counter(), time.process_time()
        try:
            yield
        finally:
            self._meter.running = False
            self.seconds[name] += time.perf_counter() - started
            self.cpu += time.process_time() - cpu

    def query(self, name: str, params: Params | None = None) -> list[Row]:
        with self.metered(name):
            return super().query(name, params)

    def source_days(self, days: Sequence[date] | None = None) -> tuple[list[SourceDay], int]:
        with self.metered("source_days"):
            return super().source_days(days)

    def run(self, statement: DayStatement) -> list[Row]:
        with self.metered(statement.name):
            return super().run(statement)

    def replace_day(self, table: str, statement: DayStatement) -> None:
        with self.metered(f"write {table}"):
            super().replace_day(table, statement)

    def append(self, table: str, rows: Sequence[Row]) -> None:
        with self.metered(f"append {table}"):
            super().append(table, rows)

    def drop_stage(self, tables: DayTables) -> None:
        with self.metered("drop stage"):
            super().drop_stage(tables)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        transaction = super().transaction()
        with self.metered("begin"):
            transaction.__enter__()
        try:
            yield
        except BaseException as err:
            transaction.__exit__(type(err), err, err.__traceback__)
            raise
        with self.metered("commit"):
            transaction.__exit__(None, None, None)
