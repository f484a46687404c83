"""A batch's days are told apart: by how they differ, how they end, and what fails."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, cast

from mixflows.errors import MixflowsError, StatementError
from mixflows.model import PlannedDay, PlanReason, Run, SourceDay, StagedBatch, StagedDay, Status
from mixflows.pipeline.context import RunContext
from mixflows.pipeline.plan import PlanRequest, make_plan
from mixflows.pipeline.publish import publish_batch
from mixflows.pipeline.run import Batch, ThreadSteps, process
from mixflows.pipeline.stage import stage_batch
from mixflows.verdict import Verdict
from mixflows.warehouse.base import Warehouse
from tests.spec.engines import ON_DUCKDB
from tests.spec.project import LetAll, Project
from tests.spec.tables import DAY

NEXT = DAY + timedelta(days=1)
TWO_DAYS = """
    id | time      | arrival
    a  | 10:00     | 10:01
    a  | 10:00     | 10:02
    b  | +1d 10:00 | +1d 10:01
"""


def looked_back(project: Project) -> list[PlannedDay]:
    """All days, as a source that gives no signal of change has them planned."""
    return [replace(planned, reason=PlanReason.LOOKBACK) for planned in project.plan("all").days]


def test_a_day_without_difference_ends_by_its_keys_and_keeps_its_figures(project: Project) -> None:
    project.deliver(TWO_DAYS)
    project.run()
    before = project.everything()
    context = project.context(Run("again"))
    batch = stage_batch(context, looked_back(project))
    assert ([planned.day for planned in batch.unchanged], batch.days) == ([DAY, NEXT], ())
    outcomes = publish_batch(context, batch, {})
    assert [
        (row.partition_date, row.status, row.source_rows, row.kept_rows, row.rejected_rows)
        for row in (outcome.row for outcome in outcomes)
    ] == [(DAY, Status.UNCHANGED, 2, 1, 1), (NEXT, Status.UNCHANGED, 1, 1, 0)]
    assert project.everything() == before


def test_few_late_rows_replace_only_the_events_that_they_touch(project: Project) -> None:
    project.deliver("id | time | arrival\n" + "\n".join(f"e{n} | 10:00 | 10:01" for n in range(10)))
    project.run()
    project.deliver("id | time | arrival\ne3 | 10:00 | 10:00")
    context = project.context(Run("late"))
    batch = stage_batch(context, looked_back(project))
    (staged,) = batch.days
    assert staged.publication.value == "delta"
    (outcome,) = publish_batch(context, batch, {DAY: Verdict()})
    assert (outcome.row.status, outcome.row.updated_rows, outcome.row.inserted_rows) == (Status.PUBLISHED, 1, 0)
    assert len(project.events()) == 10
    project.has_rejected("""
        id | arrival | num
        e3 | 10:01   | 2
    """)


class SecondFails(ThreadSteps):
    """Of two batches the second cannot be staged."""

    def stage(self, batches: Sequence[Batch]) -> list[StagedBatch | Exception]:
        first, *_ = super().stage(batches)
        return [first, *(StatementError("no such row", "Look.") for _ in batches[1:])]


class CannotJudge(LetAll):
    def judge(self, staged: Sequence[StagedDay], *, check_rows: bool) -> Mapping[date, Verdict]:
        raise MixflowsError("a suite is broken", "Mend it.")


@ON_DUCKDB
def test_every_day_of_a_window_is_recorded_whichever_step_fails(project: Project) -> None:
    project.set(backfill={"batch_days": 1, "concurrency": 2})
    project.deliver(TWO_DAYS)
    context = project.context(Run("broken"))
    result = process(context, project.plan(), SecondFails(context, CannotJudge()))
    told = {outcome.row.partition_date: (outcome.row.status, outcome.row.error) for outcome in result.outcomes}
    assert set(told) == {DAY, NEXT}
    assert {status for status, _ in told.values()} == {Status.FAILED}
    assert "a suite is broken" in told[DAY][1]
    assert "no such row" in told[NEXT][1]
    assert project.planned() == {DAY: "failed", NEXT: "failed"}


def test_rows_that_come_between_plan_and_staging_are_planned_anew_or_left_to_the_next_run(project: Project) -> None:
    project.deliver(TWO_DAYS)
    plan = project.plan()
    project.deliver("id | time | arrival\nc | 12:00 | 12:01")
    context = project.context(Run("between"))
    result = process(context, plan, ThreadSteps(context, LetAll()))
    # BigQuery reads the source as it was when it was planned; the server on loopback, like DuckDB, as it is.
    assert [o.row.source_rows for o in result.days(Status.PUBLISHED)] in ([3, 1], [2, 1])
    project.run()
    assert len(project.events()) == 3
    assert project.planned() == {}


class CountsAnother:
    """A warehouse whose metadata count a row more on the first day than a statement finds."""

    def __init__(self, real: Warehouse) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def source_days(self, days: Sequence[date] | None = None) -> tuple[list[SourceDay], int]:
        listed, without_day = self._real.source_days(days)
        return [replace(d, rows=d.rows + 1) if d.day == DAY else d for d in listed], without_day


@ON_DUCKDB
def test_a_day_of_which_other_rows_are_staged_than_planned_fails_alone(project: Project) -> None:
    project.deliver(TWO_DAYS)
    warehouse = cast("Warehouse", CountsAnother(project.warehouse))
    context = RunContext(warehouse, project.settings, Run("miscounted"))
    plan = make_plan(warehouse, project.settings, PlanRequest())
    result = process(context, plan, ThreadSteps(context, LetAll()))
    (failed,) = result.days(Status.FAILED)
    assert failed.row.partition_date == DAY
    assert "3 source rows were planned, and 2 staged" in failed.row.error
    assert [o.row.partition_date for o in result.days(Status.PUBLISHED)] == [NEXT]
    assert [row["mp_insert_id"] for row in project.events()] == ["b"]
