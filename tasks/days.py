"""The steps of a day as mapped tasks, and a chunk's way through them."""

import time
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from prefect import get_run_logger, task, unmapped
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.futures import PrefectFuture
from prefect.states import Failed
from prefect.task_runners import ThreadPoolTaskRunner

from expectations.auditor import GreatExpectationsAuditor
from mixflows.model import DayOutcome, PlannedDay, Run, StagedDay, Status, Verdict
from mixflows.pipeline import publish as one_day
from mixflows.pipeline.run import cancelling
from mixflows.settings import Settings
from mixflows.warehouse import open_warehouse


@task(name="stage", task_run_name="stage-{planned.day}", cache_policy=NO_CACHE, retries=0)
def stage_day(settings: Settings, planned: PlannedDay, run: Run) -> StagedDay:
    """Stages one day; see `mixflows.pipeline.publish.stage_day`."""
    started = time.perf_counter()
    staged = one_day.stage_day(open_warehouse(settings), settings, planned, run)
    figures = staged.figures
    get_run_logger().info(
        "%s staged: %s rows, %s kept, %s rejected, %.2f s",
        planned.day, figures.source_rows, figures.kept_rows, figures.rejected_rows, time.perf_counter() - started,
    )  # fmt: skip
    return staged


@task(name="audit", cache_policy=NO_CACHE, retries=0)
def audit_days(settings: Settings, staged: Sequence[StagedDay], check_rows: bool) -> Mapping[date, Verdict]:
    """Judges a chunk of staged days; see `expectations.gate.judge`."""
    started = time.perf_counter()
    auditor = GreatExpectationsAuditor(settings, open_warehouse(settings).row_access())
    verdicts = auditor.judge(staged, check_rows=check_rows)
    blocked = sum(bool(verdict.failures) for verdict in verdicts.values())
    warned = sum(bool(verdict.warnings) for verdict in verdicts.values())
    get_run_logger().info(
        "%s days audited: %s blocked, %s with warnings, %.2f s",
        len(verdicts), blocked, warned, time.perf_counter() - started,
    )  # fmt: skip
    return verdicts


@task(name="publish", task_run_name="publish-{staged.day}", cache_policy=NO_CACHE, retries=0)
def publish_day(settings: Settings, staged: StagedDay, verdict: Verdict) -> DayOutcome | State[Any]:
    """Publishes one day; see `mixflows.pipeline.publish.publish_day`. A blocked day's task ends `Blocked`."""
    started = time.perf_counter()
    outcome = one_day.publish_day(open_warehouse(settings), settings, staged, verdict)
    row = outcome.row
    get_run_logger().info(
        "%s %s: %s inserted, %s updated, %.2f s%s",
        row.partition_date, row.status, row.inserted_rows, row.updated_rows, time.perf_counter() - started,
        f" ({row.note or row.error})" if row.note or row.error else "",
    )  # fmt: skip
    if row.status is Status.BLOCKED:
        return Failed(name="Blocked", message=row.note, data=_DayLeftError(outcome))
    if row.status is Status.FAILED:
        return Failed(message=row.error, data=_DayLeftError(outcome))
    return outcome


class _DayLeftError(Exception):
    """A day that was blocked or failed. Prefect logs a failed state's data whole, and an error says little of itself."""

    def __init__(self, outcome: DayOutcome) -> None:
        super().__init__(str(outcome.row.partition_date))
        self.outcome = outcome


class PrefectSteps:
    """Maps a chunk's days over Prefect tasks in threads of this process; see `mixflows.pipeline.run.Steps`.

    Args:
        concurrency: Days in flight.
    """

    def __init__(self, settings: Settings, run: Run, *, concurrency: int) -> None:
        self._settings, self._run, self._concurrency = settings, run, concurrency
        self._warehouse = open_warehouse(settings)
        self._auditor = GreatExpectationsAuditor(settings, self._warehouse.row_access())

    def stage(self, days: Sequence[PlannedDay]) -> list[StagedDay | Exception]:
        """Maps `stage_day`; Great Expectations is imported meanwhile."""
        with ThreadPoolTaskRunner(max_workers=self._concurrency) as runner, cancelling(self._warehouse, self._run):
            parameters = {"settings": unmapped(self._settings), "planned": days, "run": unmapped(self._run)}
            futures = runner.map(stage_day, parameters)
            self._auditor.warm_up()
            return [_result(future) for future in futures]

    def audit(self, staged: Sequence[StagedDay], *, check_rows: bool) -> Mapping[date, Verdict]:
        """Runs `audit_days` once for the chunk."""
        return audit_days(self._settings, staged, check_rows)

    def publish(self, judged: Sequence[tuple[StagedDay, Verdict]]) -> list[DayOutcome | Exception]:
        """Maps `publish_day`."""
        with ThreadPoolTaskRunner(max_workers=self._concurrency) as runner, cancelling(self._warehouse, self._run):
            parameters = {
                "settings": unmapped(self._settings),
                "staged": [staged for staged, _ in judged],
                "verdict": [verdict for _, verdict in judged],
            }
            return [_result(future) for future in runner.map(publish_day, parameters)]


def _result(future: PrefectFuture[Any]) -> Any:
    """A day's result, or its error; a cancelled or crashed task counts as an error too."""
    try:
        result = future.result(raise_on_failure=False)
    except Exception as err:  # noqa: BLE001 - whatever a day's task raised belongs to that day
        return err
    return result.outcome if isinstance(result, _DayLeftError) else result
