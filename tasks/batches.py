"""The steps of a batch as mapped tasks, and a window's way through them."""

import time
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, TypeVar, cast

from prefect import get_run_logger, task, unmapped
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.futures import PrefectFuture
from prefect.states import Failed
from prefect.task_runners import ThreadPoolTaskRunner
from prefect.utilities.annotations import quote

from expectations.gate import GreatExpectationsAuditor
from mixflows.days import days_words
from mixflows.model import DayOutcome, StagedBatch, StagedDay, Status
from mixflows.pipeline import publish, stage
from mixflows.pipeline.context import RunContext
from mixflows.pipeline.run import Batch, Judged, cancelling
from mixflows.verdict import Verdict

T = TypeVar("T")


@task(name="stage", task_run_name="stage {days}", cache_policy=NO_CACHE, retries=0, persist_result=False)
def stage_batch(context: RunContext, batch: Batch, days: str) -> StagedBatch:
    """Stages a batch; see `mixflows.pipeline.stage.stage_batch`."""
    del days  # the task run's name
    started = time.perf_counter()
    staged = stage.stage_batch(context, batch)
    get_run_logger().info(
        "%s days staged, %s of them unchanged by their keys, in %.2f s",
        len(batch), len(staged.unchanged), time.perf_counter() - started,
    )  # fmt: skip
    return staged


@task(name="audit", task_run_name="audit {days}", cache_policy=NO_CACHE, retries=0, persist_result=False)
def audit_days(context: RunContext, staged: Sequence[StagedDay], check_rows: bool, days: str) -> Mapping[date, Verdict]:
    """Judges staged days; see `expectations.gate.GreatExpectationsAuditor`."""
    del days  # the task run's name
    started = time.perf_counter()
    auditor = GreatExpectationsAuditor(context.settings, context.warehouse.row_access())
    verdicts = auditor.judge(staged, check_rows=check_rows)
    blocked = sum(bool(verdict.failures) for verdict in verdicts.values())
    warned = sum(bool(verdict.warnings) for verdict in verdicts.values())
    get_run_logger().info(
        "%s days audited: %s blocked, %s with warnings, %.2f s",
        len(verdicts), blocked, warned, time.perf_counter() - started,
    )  # fmt: skip
    return verdicts


@task(name="publish", task_run_name="publish {days}", cache_policy=NO_CACHE, retries=0, persist_result=False)
def publish_batch(context: RunContext, judged: Judged, days: str) -> list[DayOutcome]:
    """Publishes a batch; see `mixflows.pipeline.publish.publish_batch`."""
    del days  # the task run's name
    started, log = time.perf_counter(), get_run_logger()
    outcomes = publish.publish_batch(context, *judged)
    for outcome in outcomes:
        row = outcome.row
        note = f" ({row.note or row.error})" if row.note or row.error else ""
        figures = {
            "rows": row.source_rows, "kept": row.kept_rows, "rejected": row.rejected_rows,
            "inserted": row.inserted_rows, "updated": row.updated_rows,
        }  # fmt: skip
        counts = ", ".join(f"{rows} {name}" for name, rows in figures.items() if rows is not None)
        log.info("%s %s: %s", row.partition_date, row.status, f"{counts}{note}".strip())
    log.info("%s days recorded in %.2f s", len(outcomes), time.perf_counter() - started)
    return outcomes


@task(name="publish day", task_run_name="publish {day}", cache_policy=NO_CACHE, retries=0, persist_result=False)
def leave_day(day: date, outcome: DayOutcome) -> State[Any]:
    """A blocked or failed day as a task run of its own, in that state, so that the run's graph shows it."""
    row = outcome.row
    if row.status is Status.BLOCKED:
        return Failed(name="Blocked", message=row.note)
    return Failed(message=f"{day}: {row.error}")


class PrefectSteps:
    """Maps a window's batches over Prefect tasks in threads of this process; see `mixflows.pipeline.run.Steps`."""

    def __init__(self, context: RunContext) -> None:
        self._context = context
        self._auditor = GreatExpectationsAuditor(context.settings, context.warehouse.row_access())

    def stage(self, batches: Sequence[Batch]) -> list[StagedBatch | Exception]:
        """Maps `stage_batch`; Great Expectations is imported meanwhile."""
        days = [named(batch) for batch in batches]
        parameters = {"context": unmapped(_whole(self._context)), "batch": _whole(batches), "days": days}
        with self._runner() as runner, cancelling(self._context):
            futures = runner.map(stage_batch, parameters)
            self._auditor.warm_up()
            return [_result(future) for future in futures]

    def audit(self, staged: Sequence[StagedDay], *, check_rows: bool) -> Mapping[date, Verdict]:
        """Runs `audit_days` once for the window."""
        return audit_days(_whole(self._context), _whole(staged), check_rows, named(staged))

    def publish(self, judged: Sequence[Judged]) -> list[list[DayOutcome] | Exception]:
        """Maps `publish_batch`; a day that is blocked or failed gets a task run of its own besides."""
        days = [named([*batch.days, *batch.unchanged]) for batch, _ in judged]
        parameters = {"context": unmapped(_whole(self._context)), "judged": _whole(judged), "days": days}
        with self._runner() as runner, cancelling(self._context):
            results = [_result(future) for future in runner.map(publish_batch, parameters)]
        for outcome in (o for outcomes in results if isinstance(outcomes, list) for o in outcomes):
            if outcome.row.status in (Status.BLOCKED, Status.FAILED):
                leave_day(outcome.row.partition_date, outcome, return_state=True)
        return results

    def _runner(self) -> ThreadPoolTaskRunner[Any]:
        return ThreadPoolTaskRunner(max_workers=self._context.settings.backfill.concurrency)


def named(days: Sequence[Any]) -> str:
    """The days of a batch in the name of a task run: the first and the last."""
    known = sorted(day.day for day in days)
    return days_words(known[0], known[-1])


def _whole(value: T) -> T:
    """A task's parameter in which Prefect looks for no futures; it would look at every figure of every day."""
    return cast("T", quote(value))


def _result(future: PrefectFuture[Any]) -> Any:
    """A batch's result, or its error; a cancelled or crashed task counts as an error too."""
    try:
        return future.result(raise_on_failure=False)
    except Exception as err:  # noqa: BLE001 - whatever a batch's task raised belongs to that batch
        return err
