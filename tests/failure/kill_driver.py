"""Kills runs and runs them again: `python -m tests.failure.kill_driver JOB_FILE`; prints one JSON document.

Every run is a process of its own, forked from this one, which has everything imported and holds no warehouse.
"""

import json
import os
import shutil
import signal
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from mixflows.intake.content import inspect_file
from mixflows.intake.slots import Delivery
from mixflows.model import Run, StagedDay
from mixflows.pipeline.context import RunContext
from mixflows.pipeline.plan import PlanRequest, make_plan
from mixflows.pipeline.run import ThreadSteps, process
from mixflows.settings import Settings
from mixflows.verdict import Finding, Severity, Verdict
from mixflows.warehouse.base import Warehouse
from mixflows.warehouse.duckdb.connection import open_file
from mixflows.warehouse.duckdb.engine import DuckDBWarehouse
from mixflows.warehouse.duckdb.landing import land_file
from mixflows.warehouse.duckdb.slots import supersede
from tests.failure.killing import Calls, KillPoint, mortal, mortal_connection
from tests.failure.tables import Tables


@dataclass(frozen=True)
class Wanted:
    """Where to kill.

    Attributes:
        boundaries: Whether between any two calls.
        inside: Names, or beginnings of names, of the calls to kill inside.
        fractions: Where inside a call, as shares of the time that it takes.
        tries: A kill that came after the call is tried again, earlier, until it has been tried so often.
    """

    boundaries: bool
    inside: tuple[str, ...]
    fractions: tuple[float, ...]
    tries: int = 6


class Content:
    """Finds every day fit to be published, in one finding."""

    def warm_up(self) -> None:
        """Needs nothing."""

    def judge(self, staged: Sequence[StagedDay], *, check_rows: bool) -> Mapping[date, Verdict]:
        """One finding a day."""
        return {day.day: Verdict((Finding("figures", "content", Severity.CRITICAL, True, 0.0),)) for day in staged}


@dataclass(frozen=True)
class Work:
    """What a run does: lands a file, as whole days where they are named, or backfills what is due.

    Attributes:
        landed_at: When the file is landed; None for now.
    """

    settings: Settings
    land: Path | None
    days: tuple[date, date] | None = None
    landed_at: datetime | None = None

    def __call__(self, run_id: str, calls: Calls) -> None:
        if self.land is not None:
            self._land(self.land, calls)
            return
        warehouse = mortal(DuckDBWarehouse(self.settings), calls)
        try:
            self._backfill(warehouse, Run(run_id))
        finally:
            warehouse.close()

    def _land(self, file: Path, calls: Calls) -> None:
        """Statement by statement: a warehouse lands a file in one call."""
        content, now = inspect_file(file, self.settings.landing), self.landed_at or datetime.now(UTC)
        connection = mortal_connection(open_file(self.settings, must_exist=True), calls)
        if self.days is None:
            land_file(connection, self.settings, content, again=False, landed_at=now, on_progress=None)
        else:
            delivery = Delivery(file, content.name, *self.days, accept_shrink=frozenset(self.days))
            supersede(connection, self.settings, content, delivery, landed_at=now, on_progress=None)
        connection.close()

    def _backfill(self, warehouse: Warehouse, run: Run) -> None:
        warehouse.create_tables()
        plan = make_plan(warehouse, self.settings, PlanRequest(accept_rules=True))
        context = RunContext(warehouse, self.settings, run)
        process(context, plan, ThreadSteps(context, Content()))


def child(work: Callable[[Callable[[str], None]], None]) -> tuple[bool, str]:
    """Runs work in a forked process.

    Returns:
        Whether it was killed by SIGKILL, and what it announced until then.
    """
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.close(reading)
            work(lambda text: _write(writing, text))
            code = 0
        except BaseException:  # noqa: BLE001 - it must not return into the parent's code
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as announced:
        text = announced.read()
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        if os.WTERMSIG(status) != signal.SIGKILL:
            raise RuntimeError(f"a run ended by signal {os.WTERMSIG(status)}")
        return True, text
    if os.waitstatus_to_exitcode(status) != 0:
        raise RuntimeError("a run that was not killed failed; see standard error")
    return False, text


def _write(pipe: int, text: str) -> None:
    data = text.encode()
    while data:
        data = data[os.write(pipe, data) :]


class Driver:
    """Kills one piece of work at every point.

    Args:
        prepared: The warehouse as it is before the work; it stays as it is.
        land: The file to land; None for a backfill.
        days: The first and last of the whole days that the file is; None where it only adds rows.
        path: Where each run's copy of the warehouse is.
    """

    def __init__(
        self,
        prepared: Path,
        land: Path | None,
        days: tuple[date, date] | None,
        path: Path,
        settings: Mapping[str, Any],
    ) -> None:
        self._prepared, self._path = prepared, path
        merged = {**settings, "warehouse": {**settings.get("warehouse", {}), "path": path}}
        self._work = Work(Settings.model_validate(merged), land, days)

    def warm_up(self) -> None:
        """Does the work once here, so that every forked process has imported and rendered what it needs."""
        self._reset()
        self._work("warm up", Calls())
        Tables.of(self._path)
        if len(os.listdir("/proc/self/task")) > 1:  # noqa: PTH208 - entries of a running process
            raise RuntimeError("a process with threads cannot be forked safely")

    def reference(self) -> dict[str, Any]:
        """The work without a kill: the calls it makes, and the tables before and after."""
        self._reset()
        before = self._tables()

        def run(announce: Callable[[str], None]) -> None:
            calls = Calls()
            self._work("reference", calls)
            announce(json.dumps(calls.seconds))

        names, seconds = zip(*json.loads(child(run)[1]), strict=True)
        return {"calls": names, "seconds": seconds, "before": before, "after": self._tables()}

    def killed(self, point: KillPoint) -> dict[str, Any]:
        """The work killed at one point, then done again: the tables after each."""
        self._reset()

        def run(announce: Callable[[str], None]) -> None:
            calls = Calls(point, announce)
            self._work("killed", calls)

        was_killed, announced = child(run)
        began, ended = announced.count("began"), announced.count("ended")
        left = sorted(p.name for p in self._path.parent.iterdir() if p.name.startswith("."))

        def run_again(announce: Callable[[str], None]) -> None:
            after_kill = Tables.of(self._path)
            if not self._is_done(after_kill):
                self._work("again", Calls())
            announce(json.dumps([after_kill.to_json(), Tables.of(self._path).to_json()]))

        after_kill, after = json.loads(child(run_again)[1])
        return {
            "call": point.call,
            "when": point.when,
            "was_killed": was_killed,
            "was_inside": point.when == "inside" and began > ended,
            "left": left,
            "after_kill": after_kill,
            "after": after,
        }

    def every_point(self, calls: Sequence[str], seconds: Sequence[float], wanted: "Wanted") -> list[dict[str, Any]]:
        """Before every call, inside the wanted calls, and after the last.

        Args:
            calls: The names of the calls that the work makes.
            seconds: How long each takes.
        """
        results: list[dict[str, Any]] = []
        for call, name in enumerate(calls):
            if wanted.boundaries:
                results.append(self.killed(KillPoint(call, "before")))
            if not name.startswith(wanted.inside):
                continue
            inside = [self.killed(KillPoint(call, "inside", seconds[call] * part)) for part in wanted.fractions]
            earlier = seconds[call] * wanted.fractions[0]
            while not any(run["was_inside"] for run in inside) and len(inside) < wanted.tries:
                earlier = 0.0 if len(inside) == wanted.tries - 1 else earlier / 3
                inside.append(self.killed(KillPoint(call, "inside", earlier)))
            results += inside
        if wanted.boundaries:
            results.append(self.killed(KillPoint(len(calls) - 1, "after")))
        return results

    def _is_done(self, tables: Tables) -> bool:
        """A file that was landed is refused when it is landed again; whole days are not."""
        if self._work.land is None or self._work.days is not None:
            return False
        return any(name == self._work.land.name for name, *_ in tables.landings)

    def _reset(self) -> None:
        for file in self._path.parent.iterdir():
            shutil.rmtree(file) if file.is_dir() else file.unlink()
        shutil.copy(self._prepared, self._path)

    def _tables(self) -> dict[str, Any]:
        return json.loads(child(lambda announce: announce(json.dumps(Tables.of(self._path).to_json())))[1])


def main() -> None:
    """Does what the job file says."""
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    land = Path(job["land"]) if job["land"] else None
    first_day, last_day = map(date.fromisoformat, job["days"]) if job["days"] else (None, None)
    days = (first_day, last_day) if first_day and last_day else None
    driver = Driver(Path(job["prepared"]), land, days, Path(job["path"]), job["settings"])
    driver.warm_up()
    reference = driver.reference()
    wanted = Wanted(job["boundaries"], tuple(job["inside"]), tuple(job["fractions"]))
    runs = driver.every_point(reference["calls"], reference.pop("seconds"), wanted)
    json.dump({**reference, "runs": runs}, sys.stdout)


if __name__ == "__main__":
    main()
