"""Processes a plan: windows of batches, each staged, audited and published."""

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Protocol, TypeVar

from mixflows.errors import LEFT_TO_ANOTHER, DayError, DayHeldError, MixflowsError, StatementError
from mixflows.ledger.profiles import with_drift
from mixflows.ledger.standing import BLOCKED, FAILED, StandingDay, exit_code_of, standing_days
from mixflows.model import DayOutcome, Plan, PlannedDay, Run, StagedBatch, StagedDay, Status
from mixflows.pipeline.context import RunContext
from mixflows.pipeline.publish import publish_batch, record_failures
from mixflows.pipeline.stage import discard_batch, stage_batch
from mixflows.progress import Step, listener
from mixflows.settings import Settings
from mixflows.verdict import Verdict

T = TypeVar("T")
Batch = tuple[PlannedDay, ...]
Judged = tuple[StagedBatch, Mapping[date, Verdict]]
OnDay = Callable[[DayOutcome], None]

ROUNDING = 1e-9
"""Days that fill a batch exactly still do when their shares are added up."""
POLL_SECONDS = 10.0
"""How often a run that waits for another one looks whether its days are free."""
OF_A_DAY = (StatementError, DayError)
"""Errors that a day's data may be the reason of: what fails so for a batch is tried day by day. All others end the run."""


class Auditor(Protocol):
    """Judges staged days; Great Expectations stands behind it."""

    def warm_up(self) -> None:
        """Does what is slow the first time, in the calling thread."""
        ...

    def judge(self, staged: Sequence[StagedDay], *, check_rows: bool) -> Mapping[date, Verdict]:
        """A verdict for every day."""
        ...


class Steps(Protocol):
    """How a window's batches are mapped; a batch that fails comes back as its error, and the others go on."""

    def stage(self, batches: Sequence[Batch]) -> list[StagedBatch | Exception]:
        """Stages batches side by side, in order."""
        ...

    def audit(self, staged: Sequence[StagedDay], *, check_rows: bool) -> Mapping[date, Verdict]:
        """Judges days, one audit at a time."""
        ...

    def publish(self, judged: Sequence[Judged]) -> list[list[DayOutcome] | Exception]:
        """Publishes batches side by side, in order."""
        ...


@dataclass(frozen=True)
class RunResult:
    """How a run ended.

    Attributes:
        outcomes: One per processed day, in the order in which they ended, with the findings that failed.
        held: Planned days that another run holds, each with its holder; they were left alone.
        nothing: See `Plan.nothing`.
        standing: The blocked and failed days of the range that was asked for, of this run and of those before.
        not_fetched: Why days could not be fetched before the run.
    """

    run: Run
    outcomes: tuple[DayOutcome, ...]
    held: Mapping[date, str]
    nothing: str = ""
    standing: tuple[StandingDay, ...] = ()
    not_fetched: tuple[MixflowsError, ...] = ()

    @property
    def nothing_to_do(self) -> str:
        """One sentence, for a run that had no day to process."""
        return f"Nothing to do: {self.nothing or 'no day that was asked for is new or has changed'}."

    def days(self, status: Status) -> list[DayOutcome]:
        """The days that ended so."""
        return [outcome for outcome in self.outcomes if outcome.row.status is status]

    @property
    def exit_code(self) -> int:
        """0 done, 1 a day or a fetch failed, 4 left to another run, 3 days are blocked; the first that holds, from 1 on."""
        standing = exit_code_of(self.standing)
        fetch_failed = any(err.exit_code != LEFT_TO_ANOTHER for err in self.not_fetched)
        if standing == FAILED or self.days(Status.FAILED) or fetch_failed:
            return FAILED
        if self.held or self.not_fetched:
            return LEFT_TO_ANOTHER
        is_blocked = any(not outcome.row.acknowledged for outcome in self.days(Status.BLOCKED))
        return BLOCKED if is_blocked else standing

    @property
    def standing_before(self) -> tuple[StandingDay, ...]:
        """Those of the standing days that this run did not take."""
        taken = {outcome.row.partition_date for outcome in self.outcomes}
        return tuple(day for day in self.standing if day.day not in taken)


class DaysLeftError(MixflowsError):
    """Days were blocked or failed, and are not published; carries how the run ended.

    Args:
        message: Which days, and why.
    """

    def __init__(self, message: str, result: RunResult) -> None:
        super().__init__(message)
        self.result = result


def process(
    context: RunContext,
    plan: Plan,
    steps: Steps,
    on_day: OnDay = lambda _: None,
    plan_again: Callable[[], Plan] | None = None,
) -> RunResult:
    """Processes the planned days and records each. Days that another run holds are waited for, `pipeline.wait_minutes` at most.

    Args:
        on_day: Called after each day, in the calling thread.
        plan_again: Plans the same request anew: what the other run has done meanwhile is not done twice. By default the
            days that were waited for are processed as they were planned first.

    Returns:
        How every day ended. A failed or blocked day never stops the others.

    Raises:
        WarehouseError: The warehouse cannot go on: a full disk, a missing right. Days without a ledger row are planned again.
    """
    processing = _Processing(context, plan, steps, on_day)
    held = processing.take(plan.days, lambda: plan)
    waiting = Waiting(context.settings)
    while held and waiting.for_a_while(held):
        held = processing.take([day for day in plan.days if day.day in held], plan_again or (lambda: plan))
    standing = standing_days(context.warehouse, plan.asked)
    return RunResult(context.run, tuple(processing.outcomes), held, plan.nothing, standing)


class Waiting:
    """Waits for other runs until `pipeline.wait_minutes` have passed, and tells the listener so once."""

    def __init__(self, settings: Settings) -> None:
        self._minutes = settings.pipeline.wait_minutes
        self._until = time.monotonic() + 60 * self._minutes
        self._is_told = False

    def for_a_while(self, held: Mapping[date, str]) -> bool:
        """Waits for days, each with its holder, or says that the time is over."""
        if (left := self._until - time.monotonic()) <= 0:
            return False
        if not self._is_told:
            days = str(min(held)) if len(held) == 1 else f"{len(held):,} days, {min(held)} among them,"
            why = f"{days} held by run {', '.join(sorted(set(held.values())))}"
            listener().waiting(f"{why}; waiting for up to {self._minutes:g} minutes (pipeline.wait_minutes)")
            self._is_told = True
        time.sleep(min(left, POLL_SECONDS))
        return True


class _Processing:
    """The windows of a run, one after the other, as far as it gets their days."""

    def __init__(self, context: RunContext, plan: Plan, steps: Steps, on_day: OnDay) -> None:
        self._context, self._plan, self._steps, self._on_day = context, plan, steps, on_day
        self.outcomes: list[DayOutcome] = []

    def take(self, days: Sequence[PlannedDay], plan: Callable[[], Plan]) -> dict[date, str]:
        """Processes days.

        Args:
            days: In the order of the plan.
            plan: The plan that holds for a window's days, once they are claimed.

        Returns:
            The days that were left to other runs, each with its holder.
        """
        settings, run_id = self._context.settings, self._context.run.run_id
        left: dict[date, str] = {}
        for window in windows(batches(days, settings), settings.backfill.concurrency):
            wanted = [planned.day for batch in window for planned in batch]
            held = self._context.warehouse.claim(wanted, run_id)
            mine = set(wanted) - held.keys()
            left |= held
            if not mine:
                continue
            try:
                still = [planned for planned in plan().days if planned.day in mine]
                self._process(list(batches(still, settings)), left)
            finally:
                self._context.warehouse.release(sorted(mine), run_id)
        return left

    def _process(self, window: Sequence[Batch], left: dict[date, str]) -> None:
        undone = {planned.day for batch in window for planned in batch}
        try:
            for outcome in _Window(self._context, self._plan, self._steps).outcomes(window):
                undone.discard(outcome.row.partition_date)
                # What passed is recorded; thousands of days of it are not kept in memory, nor handed through a flow's state.
                failed = tuple(finding for finding in outcome.findings if not finding.success)
                self.outcomes.append(replace(outcome, findings=failed))
                self._on_day(outcome)
        except DayHeldError as err:
            left |= dict.fromkeys(undone, err.holder)


def batches(days: Iterable[PlannedDay], settings: Settings) -> Iterator[Batch]:
    """Cuts a plan into batches of at most `backfill.batch_days` days that fill no more than one; a larger day is its own."""
    batch: list[PlannedDay] = []
    filled = 0.0
    for day in days:
        if batch and (len(batch) == settings.backfill.batch_days or filled + day.share > 1 + ROUNDING):
            yield tuple(batch)
            batch, filled = [], 0.0
        batch.append(day)
        filled += day.share
    if batch:
        yield tuple(batch)


def windows(cut: Iterable[Batch], size: int) -> Iterator[list[Batch]]:
    """Batches that are in flight together."""
    window: list[Batch] = []
    for batch in cut:
        window.append(batch)
        if len(window) == size:
            yield window
            window = []
    if window:
        yield window


class _Window:
    """Batches that are staged side by side, judged, and published side by side."""

    def __init__(self, context: RunContext, plan: Plan, steps: Steps) -> None:
        self._context, self._plan, self._steps = context, plan, steps
        self._started_at = datetime.now(UTC)

    def outcomes(self, window: Sequence[Batch]) -> Iterator[DayOutcome]:
        """How each day of some batches ended. What fails for a batch is done day by day, so that only the bad day fails."""
        staged: list[StagedBatch] = []
        again: list[tuple[Batch, Exception]] = []
        for batch, result in zip(window, self._steps.stage(window), strict=True):
            if isinstance(result, Exception):
                discard_batch(self._context, batch)
                again.append((batch, result))
            else:
                staged.append(result)
        by_first_day = {batch[0].day: batch for batch in window}
        judged: list[Judged] = []
        try:
            judged = self._judged(staged) if staged else []
        except MixflowsError as err:
            # Any other error ends the run, and its days are planned again: DuckDB tells of a signal as of a RuntimeError.
            for batch in staged:
                discard_batch(self._context, batch)
                yield from self._failed(by_first_day[batch.first_day], err)
        published = self._publish(judged) if judged else []
        for (batch, _), result in zip(judged, published, strict=True):
            if isinstance(result, Exception):
                again.append((by_first_day[batch.first_day], result))
            else:
                yield from result
        for batch, error in again:
            yield from self._again(batch, error)

    def _publish(self, judged: Sequence[Judged]) -> list[list[DayOutcome] | Exception]:
        days = [planned.day for batch, _ in judged for planned in (*(s.planned for s in batch.days), *batch.unchanged)]
        try:
            self._context.warehouse.fence(days, self._context.run.run_id)
        except DayHeldError:
            for batch, _ in judged:
                discard_batch(self._context, batch)
            raise
        return self._steps.publish(judged)

    def _again(self, batch: Batch, error: Exception) -> Iterator[DayOutcome]:
        if isinstance(error, DayHeldError) or (isinstance(error, MixflowsError) and not isinstance(error, OF_A_DAY)):
            raise error
        if len(batch) == 1:
            yield from self._failed(batch, error)
            return
        for day in batch:
            yield from self.outcomes([(day,)])

    def _judged(self, staged: Sequence[StagedBatch]) -> list[Judged]:
        days = [day for batch in staged for day in batch.days]
        compared = {day.day: day for day in with_drift(self._context.warehouse, self._context.settings, days)}
        verdicts: Mapping[date, Verdict] = {}
        if compared:
            verdicts = self._steps.audit(list(compared.values()), check_rows=self._plan.check_rows)
            listener().step_done(compared, Step.JUDGED)
        return [
            (
                replace(batch, days=tuple(compared[day.day] for day in batch.days)),
                {day.day: verdicts[day.day] for day in batch.days},
            )
            for batch in staged
        ]

    def _failed(self, batch: Batch, error: Exception) -> list[DayOutcome]:
        return record_failures(self._context, batch, error, self._started_at)


class ThreadSteps:
    """Maps batches over threads of this process, without Prefect. Each thread has the caller's listener."""

    def __init__(self, context: RunContext, auditor: Auditor) -> None:
        self._context, self._auditor = context, auditor

    def stage(self, batches: Sequence[Batch]) -> list[StagedBatch | Exception]:
        """See Steps. The auditor warms up meanwhile."""
        with self._threads() as pool:
            futures = [pool.submit(copy_context().run, stage_batch, self._context, batch) for batch in batches]
            self._auditor.warm_up()
            return [_result(future) for future in futures]

    def audit(self, staged: Sequence[StagedDay], *, check_rows: bool) -> Mapping[date, Verdict]:
        """See Steps."""
        return self._auditor.judge(staged, check_rows=check_rows)

    def publish(self, judged: Sequence[Judged]) -> list[list[DayOutcome] | Exception]:
        """See Steps."""
        with self._threads() as pool:
            futures = [pool.submit(copy_context().run, publish_batch, self._context, *pair) for pair in judged]
            return [_result(future) for future in futures]

    @contextmanager
    def _threads(self) -> Generator[ThreadPoolExecutor]:
        with _threads(self._context.settings.backfill.concurrency) as pool, cancelling(self._context):
            yield pool


@contextmanager
def cancelling(context: RunContext) -> Generator[None]:
    """Cancels the run's statements when its body is left early, as by Ctrl-C: a warehouse elsewhere would go on."""
    try:
        yield
    except BaseException:
        context.warehouse.cancel(context.run.run_id)
        raise


@contextmanager
def _threads(count: int) -> Generator[ThreadPoolExecutor]:
    """A pool that forgets what is still queued when its body is left early, as by Ctrl-C."""
    pool = ThreadPoolExecutor(count)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _result(future: "Future[T]") -> T | Exception:
    error = future.exception()
    if error is None:
        return future.result()
    if isinstance(error, Exception):
        return error
    raise error
