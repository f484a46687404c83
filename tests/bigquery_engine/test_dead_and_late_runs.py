"""A run that is killed, or that stalls until its lease ends, at every step, with another run right behind it.

The other run takes the days at once, and the tables end as those of one run that nothing happened to.
"""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mixflows.model import Run
from mixflows.pipeline.context import RunContext
from mixflows.pipeline.plan import PlanRequest, make_plan
from mixflows.pipeline.run import RunResult, ThreadSteps, process
from mixflows.warehouse.base import BatchStatement
from mixflows.warehouse.bigquery.claims import LEASE
from mixflows.warehouse.bigquery.engine import BigQueryWarehouse
from tests.bigquery_engine.place import Place
from tests.spec.project import LetAll, Project

STEPS = ("claim", "fence", "release", "run", "replace_days", "append", "drop_batch")
"""What a run does from its claim on."""
READS = ("touched", "touched_days", "stage", "profile", "changes", "restated", "published_counts", "samples")
"""Statements after which nothing is different for another run; `copies` stands for them."""
TABLES = (
    "mp_events",
    "mp_rejected_events",
    "mp_partition_runs",
    "mp_quality_results",
    "mp_day_profiles",
    "mp_day_claims",
)
DELIVERED = """
    id | time      | arrival
    a  | 10:00     | 10:05
    a  | 10:00     | 10:06
    b  | 11:00     | 11:01
    c  | 12:00     | 12:01
    d  | 13:00     | 13:01
    e  | 14:00     | 14:01
    f  | 15:00     | 15:01
"""
DELIVERED_THEN = """
    id | time      | arrival
    a  | 10:00     | 10:01
    -  | +1d 11:00 | +1d 11:01
    n  | +1d 10:00 | +1d 10:05
    n  | +1d 10:00 | +1d 10:06
"""


class KilledError(BaseException):
    """The process is gone."""


class Stepwise:
    """A warehouse that does something before one of its steps.

    Args:
        inner: The warehouse.
        at: Which step, from 0.
        then: What is done before it.
        is_over: Whether the process ends with it: then no further step is done.
    """

    def __init__(self, inner: BigQueryWarehouse, at: int, then: Callable[[], None], *, is_over: bool = False) -> None:
        self._inner, self._at, self._then, self._is_over = inner, at, then, is_over
        self._lock = threading.Lock()
        self.done: list[str] = []

    def __getattr__(self, name: str) -> Any:
        verb = getattr(self._inner, name)
        if name == "cancel" and len(self.done) > self._at and self._is_over:
            raise KilledError
        return self._step(name, verb) if name in STEPS else verb

    def _step(self, name: str, verb: Any) -> Any:
        def done(*args: Any, **named: Any) -> Any:
            statement = next((arg.name for arg in args if isinstance(arg, BatchStatement)), "")
            if name == "run" and statement in READS:
                return verb(*args, **named)
            with self._lock:
                number = len(self.done)
                self.done.append(name)
            if number == self._at:
                self._then()
            if number >= self._at and self._is_over:
                raise KilledError
            return verb(*args, **named)

        return done


class Machines:
    """Processes of one installation, whose clock the test sets.

    Args:
        project: The installation.
        place: Where it is.
    """

    def __init__(self, project: Project, place: Place) -> None:
        self._project, self._place = project, place
        self._opened: list[BigQueryWarehouse] = []
        self.now = datetime(2026, 4, 1, tzinfo=UTC)

    def keep_tables(self) -> None:
        """Remembers the tables as they are."""
        self._for_all("CREATE TABLE `{table}_before` AS SELECT * FROM `{table}`")

    def reset_tables(self) -> None:
        """Gives them back what they had."""
        self._for_all("DELETE FROM `{table}` WHERE TRUE; INSERT INTO `{table}` SELECT * FROM `{table}_before`")

    def _for_all(self, sql: str) -> None:
        self._place.sql(";\n".join(sql.format(table=self._place.table(name)) for name in TABLES))

    def lease_ends(self) -> None:
        self.now += LEASE + timedelta(seconds=1)

    def run(
        self, name: str, at: int = -1, then: Callable[[], None] = lambda: None, *, is_over: bool = False
    ) -> tuple[RunResult, list[str]]:
        """Runs what is due in a process of its own; how it ended, and the steps that it did."""
        settings = self._project.settings
        warehouse = BigQueryWarehouse(settings, lambda: self.now)
        self._opened.append(warehouse)
        plan = make_plan(warehouse, settings, PlanRequest())
        stepwise: Any = Stepwise(warehouse, at, then, is_over=is_over)
        context = RunContext(stepwise, settings, Run(f"{name}{self._place.dataset}"))
        try:
            return process(context, plan, ThreadSteps(context, LetAll())), stepwise.done
        finally:
            warehouse.close()


@pytest.fixture
def machines(project: Project, place: Place) -> Machines:
    """A day that changed and a new one are due."""
    project.set(pipeline={"wait_minutes": 0, "restatements": "content"})
    project.deliver(DELIVERED)
    project.run()
    project.deliver(DELIVERED_THEN)
    machines = Machines(project, place)
    machines.keep_tables()
    return machines


@pytest.mark.timeout(1200)
def test_whoever_is_killed_and_wherever_the_next_run_takes_its_days_at_once(
    machines: Machines, project: Project
) -> None:
    _, steps = machines.run("reference")
    expected = project.content()
    assert {"claim", "fence", "replace_days", "append", "release"} < set(steps)
    for at, step in enumerate(steps):
        machines.reset_tables()
        with pytest.raises(KilledError):
            machines.run(f"killed{at}", at, is_over=True)
        machines.lease_ends()
        after, _ = machines.run(f"next{at}")
        assert (after.exit_code, dict(after.held)) == (0, {}), f"killed before {step}"
        assert project.content() == expected, f"killed before {step}"
        assert project.planned() == {}, f"killed before {step}"


def test_while_the_lease_of_a_killed_run_lasts_no_run_ends_as_if_its_days_were_done(
    machines: Machines, project: Project
) -> None:
    with pytest.raises(KilledError):
        machines.run("killed", 3, is_over=True)
    early, _ = machines.run("early")
    assert (early.exit_code, early.outcomes, set(early.held)) == (4, (), set(project.planned()))


@pytest.mark.timeout(1200)
def test_a_run_that_stalls_leaves_its_days_to_the_run_that_took_them(machines: Machines, project: Project) -> None:
    """The other run does all of its work while the first one stands still, and its lease with it."""
    _, steps = machines.run("reference")
    expected = project.content()
    for at in [at for at, step in enumerate(steps) if step in ("fence", "replace_days", "append", "release")]:
        machines.reset_tables()
        others: list[RunResult] = []

        def taken(others: list[RunResult] = others, name: str = f"other{at}") -> None:
            machines.lease_ends()
            others.append(machines.run(name)[0])

        late, _ = machines.run(f"late{at}", at, taken)
        where = f"stalled before {steps[at]}"
        is_done = steps[at] == "release"
        assert [(other.exit_code, len(other.outcomes)) for other in others] == [(0, 0 if is_done else 2)], where
        assert (late.exit_code, len(late.held)) == ((0, 0) if is_done else (4, 2)), where
        assert project.content() == expected, where
        assert project.planned() == {}, where
