"""Kills runs and runs them again: `python -m tests.failure.kill_driver JOB_FILE`; prints one JSON document.

Every run that is killed is a process of its own, forked from this one, which has everything imported and holds no warehouse.
Between two calls the folder is copied, as a process that is killed there leaves its files just so.
"""

import hashlib
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
        tries: A kill that came after the call is tried again, earlier, until it has been tried so often.
    """

    boundaries: bool
    inside: tuple[str, ...]
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
    """Kills one piece of work at every point, and does it again.

    Args:
        prepared: The warehouse as it is before the work; it stays as it is.
        work: What is killed, on a warehouse in a folder of its own.
        copies: Where the folder is copied to.
    """

    def __init__(self, prepared: Path, work: Work, copies: Path) -> None:
        self._work, self._copies = work, copies
        self._path = work.settings.warehouse.path
        self._folder = self._path.parent
        self._ends: dict[str, int] = {}
        self._tables: list[dict[str, Any]] = []
        (copies / "prepared").mkdir(parents=True)
        shutil.copy(prepared, copies / "prepared" / self._path.name)

    def warm_up(self) -> None:
        """Does the work once here, so that every forked process has imported and rendered what it needs."""
        self._put("prepared")
        self._work("warm up", Calls())
        if len(os.listdir("/proc/self/task")) > 1:  # noqa: PTH208 - entries of a running process
            raise RuntimeError("a process with threads cannot be forked safely")

    def results(self, wanted: Wanted) -> dict[str, Any]:
        """The names of the calls, the tables before and after the work, and every run that was killed, with how it ended."""
        self._put("prepared")
        before = Tables.of(self._path).to_json()
        names, seconds = self._calls(copied=wanted.boundaries)
        after = Tables.of(self._path).to_json()
        runs: list[dict[str, Any]] = []
        for call, name in enumerate(names):
            if wanted.boundaries:
                self._put(str(call))
                runs.append(self._done_again(call, "before"))
            if name.startswith(wanted.inside):
                runs += self._killed_inside(call, seconds[call], wanted)
        if wanted.boundaries:
            self._put("after")
            runs.append(self._done_again(len(names) - 1, "after"))
        return {"calls": names, "before": before, "after": after, "runs": runs, "ends": self._tables}

    def _calls(self, *, copied: bool) -> tuple[list[str], list[float]]:
        """Does the work without a kill: the names of its calls, and how long each took. The folder is copied before each."""

        def copy(told: str) -> None:
            event, call = told.split()
            if copied and event == "began":
                shutil.copytree(self._folder, self._copies / call)

        def run(announce: Callable[[str], None]) -> None:
            calls = Calls(announce=copy)
            self._work("first", calls)
            announce(json.dumps(calls.seconds))

        made = json.loads(child(run)[1])
        shutil.copytree(self._folder, self._copies / "after")
        return [name for name, _ in made], [seconds for _, seconds in made]

    def _killed_inside(self, call: int, seconds: float, wanted: Wanted) -> list[dict[str, Any]]:
        """Killed after a third of the call's time; where that came after the call, again and earlier."""
        runs: list[dict[str, Any]] = []
        delay = seconds / 3
        while not any(run["was_inside"] for run in runs) and len(runs) < wanted.tries:
            point = KillPoint(call, "inside", 0.0 if len(runs) == wanted.tries - 1 else delay)
            self._put("prepared")
            was_killed, announced = child(lambda announce, at=point: self._work("first", Calls(at, announce)))
            if not was_killed:
                raise RuntimeError(f"the work ended before {point}")
            was_inside = announced.count("began") > announced.count("ended")
            runs.append(self._done_again(call, "inside", was_inside=was_inside))
            delay /= 3
        return runs

    def _done_again(self, call: int, when: str, *, was_inside: bool = False) -> dict[str, Any]:
        """What a kill left, and the tables after the work was done again on it: once for each content of the folder."""
        content = hashlib.sha256()
        for file in sorted(path for path in self._folder.rglob("*") if path.is_file()):
            content.update(f"{file} {file.stat().st_size} ".encode() + file.read_bytes())
        if content.hexdigest() not in self._ends:
            self._ends[content.hexdigest()] = len(self._tables)
            after_kill = Tables.of(self._path, only_reads=True)
            if not self._is_done(after_kill):
                self._work("again", Calls())
            self._tables.append({"after_kill": after_kill.to_json(), "after": Tables.of(self._path).to_json()})
        return {"call": call, "when": when, "was_inside": was_inside, "end": self._ends[content.hexdigest()]}

    def _is_done(self, tables: Tables) -> bool:
        """A file that was landed is refused when it is landed again; whole days are not."""
        if self._work.land is None or self._work.days is not None:
            return False
        return any(name == self._work.land.name for name, *_ in tables.landings)

    def _put(self, copy: str) -> None:
        """Puts a copy in the folder's place."""
        shutil.rmtree(self._folder, ignore_errors=True)
        shutil.copytree(self._copies / copy, self._folder)


def main() -> None:
    """Does what the job file says."""
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    folder = Path(job["folder"])
    warehouse = {**job["settings"].get("warehouse", {}), "path": folder / "killed" / "warehouse.duckdb"}
    settings = Settings.model_validate({**job["settings"], "warehouse": warehouse})
    days = (date.fromisoformat(job["days"][0]), date.fromisoformat(job["days"][1])) if job["days"] else None
    work = Work(settings, Path(job["land"]) if job["land"] else None, days)
    driver = Driver(Path(job["prepared"]), work, folder / "copies")
    driver.warm_up()
    json.dump(driver.results(Wanted(job["boundaries"], tuple(job["inside"]))), sys.stdout)


if __name__ == "__main__":
    main()
