"""Publishes a staged batch: makes the published days equal to the staged ones, checks them, records them."""

import json
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, date, datetime
from typing import Any

from mixflows.errors import PublishMismatchError
from mixflows.ledger.profiles import day_profile
from mixflows.ledger.runs import record
from mixflows.model import (
    Cost,
    DayOutcome,
    LedgerRow,
    PlannedDay,
    Publication,
    PublishedCounts,
    StagedBatch,
    StagedDay,
    Status,
    StepCost,
)
from mixflows.pipeline.context import RunContext
from mixflows.pipeline.stage import BatchStatements, broken_down, discard_batch, sampled
from mixflows.profile.breakdown import Breakdown
from mixflows.profile.why import why
from mixflows.progress import Step, listener
from mixflows.rates import source_deleted_rows
from mixflows.text import counted, plain_lines
from mixflows.verdict import Verdict
from mixflows.warehouse.base import BatchTables, Billing

REPAIRED = "the published day did not add up and was replaced"
CARRIED = (
    "source_rows", "kept_rows", "rejected_rows", "duplicate_rows", "duplicate_rate", "late_rows", "suppressed_rows",
    "retained_rows",
)  # fmt: skip
"""Figures that the ledger row of a day found unchanged by its keys has from the day's latest published row."""


def publish_batch(
    context: RunContext, batch: StagedBatch, verdicts: Mapping[date, Verdict], *, released: str = ""
) -> list[DayOutcome]:
    """Makes the published days equal to the staged ones, except those that a verdict blocks; then checks and records them.

    The published tables are written and the ledger rows are added in one transaction where the engine has them; else the
    ledger rows come last, so that a day without one is planned again.

    Args:
        released: Why a day that the verdict blocks is published all the same; kept in the ledger, after the plan's reason.

    Returns:
        How each day ended, in the batch's order: published, unchanged, blocked or, for a batch of one day that does not add
        up even after it was replaced, failed.

    Raises:
        PublishMismatchError: A day of several did not add up; nothing is recorded.
        WarehouseError: A statement failed; no day is recorded.
    """
    since = time.perf_counter()
    try:
        publishing = _Publishing(context, batch, verdicts, since, released=released)
        try:
            return publishing.run()
        except PublishMismatchError:
            if len(batch.days) != 1:
                raise
        whole = replace(batch, days=tuple(replace(day, publication=Publication.WHOLE) for day in batch.days))
        try:
            return _Publishing(context, whole, verdicts, since, released=released, note=REPAIRED).run()
        except PublishMismatchError as err:
            return publishing.failed(plain_lines(err))
    finally:
        discard_batch(context, batch)


def record_failures(
    context: RunContext, days: Sequence[PlannedDay], error: BaseException, started_at: datetime
) -> list[DayOutcome]:
    """Records days that could not be processed, with what was billed for them, so that the next plan takes them again."""
    shares = _shares(context, BatchTables.of(days[0].day, context.run), days)
    outcomes = [
        DayOutcome(
            LedgerRow(
                **_head(context, planned, started_at, shares(planned, 0.0).cost),
                status=Status.FAILED,
                error=plain_lines(error),
            )
        )
        for planned in days
    ]
    record(context.warehouse, outcomes)
    return outcomes


class _Publishing:
    """One attempt to publish a batch."""

    def __init__(
        self,
        context: RunContext,
        batch: StagedBatch,
        verdicts: Mapping[date, Verdict],
        since: float,
        *,
        released: str = "",
        note: str = "",
    ) -> None:
        self._context, self._batch, self._verdicts, self._since = context, batch, verdicts, since
        self._released, self._note = released, note
        self._breakdowns: Mapping[date, Breakdown] = {}
        self._statements = BatchStatements.of(context, batch)
        self._keeps = context.settings.pipeline.source_deletes == "keep"

    def run(self) -> list[DayOutcome]:
        """Writes, checks and records."""
        blocked = {s.day for s in self._batch.days if self._verdicts[s.day].failures and not self._released}
        passing = [staged for staged in self._batch.days if staged.day not in blocked]
        whole = [staged for staged in passing if staged.publication is Publication.WHOLE]
        delta = [staged for staged in passing if staged.publication is Publication.DELTA]
        self._prepare_rejected(whole, delta)
        flagged = [day for day, verdict in self._verdicts.items() if verdict.flags]
        samples = sampled(self._context, self._batch, flagged)
        self._breakdowns = broken_down(self._context, self._batch, flagged)
        carried = self._carried()
        with self._context.warehouse.transaction():
            self._write(whole, delta)
            listener().step_done([staged.day for staged in self._batch.days], Step.WRITTEN)
            self._check([*whole, *delta])
            status = dict.fromkeys(blocked, Status.BLOCKED)
            status |= {s.day: Status.PUBLISHED for s in (*whole, *delta)}
            return self._recorded(status, samples, carried)

    def failed(self, error: str) -> list[DayOutcome]:
        """Records the only staged day of the batch as failed, and those found unchanged as they are."""
        (only,) = self._batch.days
        return self._recorded({only.day: Status.FAILED}, {}, self._carried(), error=error)

    def _prepare_rejected(self, whole: Sequence[StagedDay], delta: Sequence[StagedDay]) -> None:
        days = [staged.day for staged in (*whole, *delta)]
        filled = any(staged.published.rejected_rows for staged in (*whole, *delta))
        flags = (*(("published",) if filled else ()), *(("touched",) if delta else ()))
        self._statements.run("rejected_next", days, *flags)

    def _write(self, whole: Sequence[StagedDay], delta: Sequence[StagedDay]) -> None:
        # A copy that the source no longer has may go from one table to the other: cut off in between, it would be in neither.
        retaining = {staged.day for staged in (*whole, *delta) if staged.figures.retained_rows}
        self._write_days([s for s in whole if s.day not in retaining], [s for s in delta if s.day not in retaining])
        if retaining:
            with self._context.warehouse.together():
                self._write_days([s for s in whole if s.day in retaining], [s for s in delta if s.day in retaining])

    def _write_days(self, whole: Sequence[StagedDay], delta: Sequence[StagedDay]) -> None:
        warehouse = self._context.warehouse
        is_empty = not any(staged.published.rows for staged in whole)
        for table, rows in (
            ("events", {staged.day: staged.figures.kept_rows for staged in whole}),
            ("rejected", {staged.day: staged.figures.rejected_rows for staged in whole}),
        ):
            if whole:
                statement = self._statements.statement(f"whole_{table}", list(rows))
                warehouse.replace_days(table, statement, rows, is_empty=is_empty)
        # On BigQuery, what a statement only adds to is neither billed as a whole nor written anew.
        added = [staged.day for staged in delta if _only_gains(staged)]
        self._statements.run("added_events", added)
        self._statements.run("delta_events", [staged.day for staged in delta if staged.day not in added])
        self._statements.run("delta_rejected", [staged.day for staged in delta])

    def _check(self, written: Sequence[StagedDay]) -> None:
        # Of a day that only gains events, each key was found published once when it was compared, and only others were added.
        gained = [staged.day for staged in written if _only_gains(staged)]
        rest = [staged.day for staged in written if staged.day not in gained]
        counts = self._statements.counts(gained) | self._statements.counts(rest, "keys")
        for staged in written:
            _check(counts[staged.day], staged)

    def _carried(self) -> dict[date, Mapping[str, Any]]:
        """The latest rows of the days that are unchanged by their keys."""
        if not self._batch.unchanged:
            return {}
        return {row["partition_date"]: row for row in self._context.warehouse.query("ledger_published")}

    def _recorded(
        self,
        status: Mapping[date, Status],
        samples: Mapping[date, list[dict[str, Any]]],
        carried: Mapping[date, Mapping[str, Any]],
        *,
        error: str = "",
    ) -> list[DayOutcome]:
        planned = [*(staged.planned for staged in self._batch.days), *self._batch.unchanged]
        shares = _shares(self._context, self._statements.tables, planned)
        seconds = self._batch.seconds + time.perf_counter() - self._since
        outcomes: dict[date, DayOutcome] = {}
        for staged in self._batch.days:
            row = self._row(staged, status.get(staged.day, Status.UNCHANGED), shares(staged.planned, seconds), error)
            verdict = self._verdicts[staged.day]
            stored = day_profile(staged, samples.get(staged.day, ()), self._breakdowns.get(staged.day)).to_json()
            outcomes[staged.day] = DayOutcome(row, verdict.findings, stored)
        for day in self._batch.unchanged:
            outcomes[day.day] = DayOutcome(self._unchanged_row(day, carried[day.day], shares(day, seconds)))
        ordered = [outcomes[day] for day in sorted(outcomes)]
        record(self._context.warehouse, ordered)
        return ordered

    def _row(self, staged: StagedDay, status: Status, share: "_Share", error: str) -> LedgerRow:
        f, d = staged.figures, staged.difference
        is_published = status is Status.PUBLISHED
        verdict = self._verdicts[staged.day]
        failed_expectations = ",".join(sorted({finding.expectation for finding in verdict.failures}))
        acknowledged = ""
        about = reason = why(verdict.findings, f.source_rows, self._breakdowns.get(staged.day))
        if status is Status.BLOCKED:
            known = staged.planned.acknowledged
            if known is not None and known.covers(staged.planned.source_version, failed_expectations):
                acknowledged = known.because
            about = f"acknowledged: {acknowledged} ({reason})" if acknowledged else reason
        elif self._released:
            about = f"{staged.planned.reason}: {self._released} ({reason or 'nothing failed'})"
        removed = is_published and not self._keeps
        return LedgerRow(
            **_head(self._context, staged.planned, staged.started_at, share.cost),
            status=status,
            source_rows=f.source_rows,
            kept_rows=f.kept_rows,
            rejected_rows=f.rejected_rows,
            duplicate_rows=f.duplicate_rows,
            duplicate_rate=f.duplicate_rows / f.source_rows if f.source_rows else None,
            late_rows=f.late_rows,
            inserted_rows=d.inserted_events if is_published else 0,
            updated_rows=d.updated_events if is_published else 0,
            deleted_rows=source_deleted_rows(staged) if removed else 0,
            restated_rows=d.restated_rows if is_published else 0,
            suppressed_rows=0,
            retained_rows=f.retained_rows,
            note="; ".join(filter(None, (about, self._note))),
            error=error,
            work_seconds=share.seconds,
            batch_id=self._batch.batch_id,
            failed_expectations=failed_expectations,
            acknowledged=acknowledged,
        )

    def _unchanged_row(self, planned: PlannedDay, latest: Mapping[str, Any], share: "_Share") -> LedgerRow:
        return LedgerRow(
            **_head(self._context, planned, self._batch.started_at, share.cost),
            status=Status.UNCHANGED,
            **{name: latest[name] for name in CARRIED},
            inserted_rows=0,
            updated_rows=0,
            deleted_rows=0,
            restated_rows=0,
            work_seconds=share.seconds,
            batch_id=self._batch.batch_id,
        )


def _only_gains(staged: StagedDay) -> bool:
    difference = staged.difference
    is_delta = staged.publication is Publication.DELTA
    return is_delta and not difference.updated_events and not difference.deleted_events


def _check(counts: PublishedCounts, staged: StagedDay) -> None:
    figures = staged.figures
    if counts.twice_keys:
        raise _mismatch(staged, f"the published events have {counted(counts.twice_keys, 'key')} twice")
    expected = figures.source_rows + figures.retained_rows
    if counts.rows != expected:
        raise _mismatch(staged, f"{expected:,} source rows became {counts.rows:,} published rows")
    if (counts.event_rows, counts.rejected_rows) != (figures.kept_rows, figures.rejected_rows):
        raise _mismatch(staged, f"{figures.kept_rows:,} kept rows became {counts.event_rows:,} published events")


def _mismatch(staged: StagedDay, what: str) -> PublishMismatchError:
    return PublishMismatchError(
        f"day {staged.day}: {what}, and replacing the day did not help",
        "Look for another writer of the published tables or of the source, then run the day again.",
    )


def _head(context: RunContext, planned: PlannedDay, started_at: datetime, cost: Cost) -> dict[str, Any]:
    settings = context.settings
    return {
        "run_id": context.run.run_id,
        "attempt": context.run.attempt,
        "partition_date": planned.day,
        "plan_reason": planned.reason,
        "source_version": planned.source_version,
        "rules_version": settings.rules_version,
        "thresholds_version": settings.thresholds_version,
        "source_columns": context.warehouse.source().columns_version,
        "bytes_processed": cost.bytes_processed,
        "slot_ms": cost.slot_ms,
        "step_costs": json.dumps([asdict(step) for step in cost.steps]) if cost.steps else "",
        "started_at": started_at,
        "finished_at": datetime.now(UTC),
        "engine": context.warehouse.engine,
    }


class _Share:
    """A day's share of what its batch took, by its source rows."""

    def __init__(self, cost: Cost, seconds: float, share: float) -> None:
        self.seconds = round(seconds * share, 3)
        self.cost = Cost(
            _part(cost.bytes_processed, share),
            _part(cost.slot_ms, share),
            tuple(
                StepCost(step.step, step.jobs, _part(step.bytes_billed, share), _part(step.slot_ms, share))
                for step in cost.steps
            ),
        )


def _shares(
    context: RunContext, tables: BatchTables, days: Collection[PlannedDay]
) -> Callable[[PlannedDay, float], _Share]:
    cost = context.warehouse.cost(tables) if isinstance(context.warehouse, Billing) else Cost()
    rows = sum(day.source_rows for day in days)

    def share_of(day: PlannedDay, seconds: float) -> _Share:
        return _Share(cost, seconds, day.source_rows / rows if rows else 1 / len(days))

    return share_of


def _part(value: int | None, share: float) -> int | None:
    return None if value is None else round(value * share)
