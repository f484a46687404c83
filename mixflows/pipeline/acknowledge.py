"""Acknowledges a blocked day: it stays blocked and visible, and no run complains of it until its source or verdict changes."""

from dataclasses import fields, replace
from datetime import UTC, date, datetime

from mixflows.errors import DayHeldError, NotAcknowledgedError
from mixflows.ledger.runs import record
from mixflows.model import DayOutcome, LedgerRow, PlanReason, Status
from mixflows.pipeline.blocked import decided_on
from mixflows.pipeline.context import RunContext
from mixflows.pipeline.inspect import planned_day


def acknowledge_day(context: RunContext, day: date, because: str) -> LedgerRow:
    """Records that a person lets a blocked day stand; its rows stay held back.

    It holds for the source version that the day was blocked at, and for the expectations that failed.

    Args:
        because: Why; kept in the ledger's note and shown in the report.

    Returns:
        The row of the ledger.

    Raises:
        NotAcknowledgedError: The day is not blocked, or its source has changed since.
        DayHeldError: Another run holds the day.
        UnknownDayError: The source has no row of the day.
    """
    warehouse, run = context.warehouse, context.run
    state, because = decided_on(warehouse, day, because, "acknowledged", NotAcknowledgedError)
    if planned_day(context, day).source_version != state.source_version:
        raise NotAcknowledgedError(
            f"the source of {day} has changed since the day was blocked",
            f"Judge it anew first: {context.settings.command('backfill', f'--start {day} --end {day}')}.",
        )
    if held := warehouse.claim([day], run.run_id):
        raise DayHeldError(f"{day} is held by run {held[day]}", "Acknowledge it when that run is over.")
    try:
        (latest,) = (row for row in warehouse.query("ledger_latest") if row["partition_date"] == day)
        now = datetime.now(UTC)
        failures = latest["note"] if not latest["acknowledged"] else latest["failed_expectations"]
        row = replace(
            LedgerRow(**{column.name: latest[column.name] for column in fields(LedgerRow)}),
            run_id=run.run_id,
            attempt=run.attempt,
            plan_reason=PlanReason.ACKNOWLEDGED,
            status=Status.BLOCKED,
            bytes_processed=None,
            slot_ms=None,
            step_costs="",
            work_seconds=None,
            started_at=now,
            finished_at=now,
            note=f"acknowledged: {because} ({failures})",
            acknowledged=because,
        )
        record(warehouse, [DayOutcome(row)])
        return row
    finally:
        warehouse.release([day], run.run_id)
