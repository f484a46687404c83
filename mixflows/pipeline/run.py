"""Processes a plan's days: chunk by chunk, staged side by side, judged together, published side by side."""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Protocol, TypeVar

from mixflows.errors import MixflowsError
from mixflows.ledger.profiles import with_drift
from mixflows.model import DayOutcome, Finding, Plan, PlannedDay, Run, StagedDay, Status, Verdict
from mixflows.pipeline.publish import discard_stage, publish_day, record_failure, stage_day
from mixflows.settings import Settings
from mixflows.warehouse.base import Warehouse

CHUNK_DAYS = 400
"""At most this many days are staged before they are judged: one validation costs the same for 1 and for 400."""
CHUNK_ROWS = 2_000_000
"""At most about this many source rows are staged before they are published, so that a kill loses little."""

T = TypeVar("T")
OnDay = Callable[[DayOutcome], None]


class Auditor(Protocol):
    """Judges staged days; Great Expectations stands behind it."""

    def warm_up(self) -> None:
        """Does what is slow the first time, in the calling thread."""
        ...

    def judge(self, staged: Sequence[StagedDay], *, check_rows: bool) -> Mapping[date, Verdict]:
        """A verdict for every day."""
        ...


class Steps(Protocol):
    """How a chunk's days are mapped; a day that fails comes back as its error, and the others go on."""

    def stage(self, days: Sequence[PlannedDay]) -> list[StagedDay | Exception]:
        """Stages days side by side, in order."""
        ...

    def audit(self, staged: Sequence[StagedDay], *, check_rows: bool) -> Mapping[date, Verdict]:
        """Judges the chunk."""
        ...

    def publish(self, judged: Sequence[tuple[StagedDay, Verdict]]) -> list[DayOutcome | Exception]:
        """Publishes days side by side, in order."""
        ...


@dataclass(frozen=True)
class RunResult:
    """How a run ended.

    Attributes:
        outcomes: One per processed day, in the plan's order.
        held: Planned days that another run holds, each with its holder; they were left alone.
    """

    run: Run
    outcomes: tuple[DayOutcome, ...]
    held: Mapping[date, str]

    def days(self, status: Status) -> list[DayOutcome]:
        """The days that ended so."""
        return [outcome for outcome in self.outcomes if outcome.row.status is status]

    @property
    def exit_code(self) -> int:
        """0 done, 1 a day failed, 3 done but the gate blocked a day."""
        if self.days(Status.FAILED):
            return 1
        return 3 if self.days(Status.BLOCKED) else 0


class DaysLeftError(MixflowsError):
    """Days were blocked or failed, and are not published; carries how the run ended.

    Args:
        message: Which days, and why.
    """

    def __init__(self, message: str, result: RunResult) -> None:
        super().__init__(message)
        self.result = result


def process(
    warehouse: Warehouse, settings: Settings, run: Run, plan: Plan, steps: Steps, on_day: OnDay = lambda _: None
) -> RunResult:
    """Processes the planned days and records each.

    Args:
        on_day: Called after each day, in the calling thread.

    Returns:
        How every day ended. A failed or blocked day never stops the others.
    """
    held = warehouse.claim([d.day for d in plan.days], run.run_id) if plan.days else {}
    mine = left = [d for d in plan.days if d.day not in held]
    outcomes: list[DayOutcome] = []
    try:
        for number, chunk in enumerate(chunks(mine, at_least=settings.backfill.concurrency)):
            if number:
                # Renews the claims, so that a long run does not outlive them; a day that another run took meanwhile is its own.
                held |= warehouse.claim([d.day for d in left], run.run_id)
            left = left[len(chunk) :]
            still_mine = [d for d in chunk if d.day not in held]
            for outcome in _process_chunk(warehouse, settings, run, plan, steps, still_mine):
                outcomes.append(outcome)
                on_day(outcome)
    finally:
        if mine:
            warehouse.release([d.day for d in mine], run.run_id)
    return RunResult(run, tuple(outcomes), held)


def _process_chunk(
    warehouse: Warehouse, settings: Settings, run: Run, plan: Plan, steps: Steps, chunk: Sequence[PlannedDay]
) -> Iterator[DayOutcome]:
    started_at = datetime.now(UTC)

    def failed(planned: PlannedDay, error: Exception) -> DayOutcome:
        discard_stage(warehouse, planned, run)
        return record_failure(warehouse, settings, planned, run, error, started_at)

    staged: list[StagedDay] = []
    for planned, result in zip(chunk, steps.stage(chunk), strict=True):
        if isinstance(result, Exception):
            yield failed(planned, result)
        else:
            staged.append(result)
    try:
        staged = with_drift(warehouse, settings, staged)
        verdicts: Mapping[date, Verdict] = steps.audit(staged, check_rows=plan.check_rows) if staged else {}
    except Exception as err:
        for day in staged:
            yield failed(day.planned, err)
        if not isinstance(err, MixflowsError):
            raise
        return
    judged = [(day, verdicts[day.day]) for day in staged]
    for (day, _), outcome in zip(judged, steps.publish(judged), strict=True):
        yield failed(day.planned, outcome) if isinstance(outcome, Exception) else outcome


def chunks(days: Sequence[PlannedDay], *, at_least: int = 1) -> Iterator[list[PlannedDay]]:
    """Cuts a plan into chunks of at most CHUNK_DAYS days and, from `at_least` days on, about CHUNK_ROWS source rows."""
    chunk: list[PlannedDay] = []
    rows = 0
    for day in days:
        if len(chunk) == CHUNK_DAYS or (len(chunk) >= at_least and rows + day.source_rows > CHUNK_ROWS):
            yield chunk
            chunk, rows = [], 0
        chunk.append(day)
        rows += day.source_rows
    if chunk:
        yield chunk


class ThreadSteps:
    """Maps days over threads of this process, without Prefect.

    Args:
        concurrency: Days in flight.
    """

    def __init__(
        self, warehouse: Warehouse, settings: Settings, run: Run, auditor: Auditor, *, concurrency: int
    ) -> None:
        self._warehouse, self._settings, self._run, self._auditor = warehouse, settings, run, auditor
        self._concurrency = concurrency

    def stage(self, days: Sequence[PlannedDay]) -> list[StagedDay | Exception]:
        """See Steps. The auditor warms up meanwhile."""
        with _threads(self._concurrency) as pool, cancelling(self._warehouse, self._run):
            futures = [pool.submit(stage_day, self._warehouse, self._settings, day, self._run) for day in days]
            self._auditor.warm_up()
            return [_result(future) for future in futures]

    def audit(self, staged: Sequence[StagedDay], *, check_rows: bool) -> Mapping[date, Verdict]:
        """See Steps."""
        return self._auditor.judge(staged, check_rows=check_rows)

    def publish(self, judged: Sequence[tuple[StagedDay, Verdict]]) -> list[DayOutcome | Exception]:
        """See Steps."""
        with _threads(self._concurrency) as pool, cancelling(self._warehouse, self._run):
            futures = [pool.submit(publish_day, self._warehouse, self._settings, *pair) for pair in judged]
            return [_result(future) for future in futures]


@contextmanager
def cancelling(warehouse: Warehouse, run: Run) -> Generator[None]:
    """Cancels the run's statements when its body is left early, as by Ctrl-C: a warehouse elsewhere would go on."""
    try:
        yield
    except BaseException:
        warehouse.cancel(run.run_id)
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


def blocked_reasons(findings: Sequence[Finding]) -> str:
    """The failed critical expectations of a day, in one line."""
    return "; ".join(str(f) for f in Verdict(tuple(findings)).failures)
