"""Releases a blocked day: publishes it as it is, with the reason. Plain functions; no Prefect, no Great Expectations."""

from dataclasses import replace
from datetime import date

from mixflows.errors import DayHeldError, NotReleasedError
from mixflows.ledger.profiles import with_drift
from mixflows.ledger.runs import DayState
from mixflows.model import DayOutcome, PlannedDay, PlanReason
from mixflows.pipeline.blocked import decided_on
from mixflows.pipeline.context import RunContext
from mixflows.pipeline.inspect import planned_day
from mixflows.pipeline.publish import publish_batch, record_failures
from mixflows.pipeline.run import OF_A_DAY, Auditor, Waiting
from mixflows.pipeline.stage import discard_batch, stage_batch
from mixflows.settings import Settings


def release_day(context: RunContext, day: date, because: str, auditor: Auditor) -> DayOutcome:
    """Publishes a blocked day as it is, and keeps the reason in the ledger.

    It is bound to the source version that the day was blocked at, which is what the report and `inspect` showed: rows
    that came since were looked at by no one.

    Args:
        because: Why; kept in the ledger's note and shown in the report.

    Raises:
        NotReleasedError: The day is not blocked, its source or the rules have changed since, or an expectation failed that
            no one can release a day from.
        DayHeldError: Another run holds the day, and still did after `pipeline.wait_minutes`.
        UnknownDayError: The source has no row of the day.
    """
    settings, warehouse, run = context.settings, context.warehouse, context.run
    state, because = decided_on(warehouse, day, because, "released", NotReleasedError)
    planned = planned_day(context, day)
    if state.rules_version != settings.rules_version:
        raise NotReleasedError(f"{day} was blocked under other rules", f"Judge it anew first: {_again(settings, day)}.")
    _refuse_another_source(settings, planned, state)
    waiting = Waiting(settings)
    while (held := warehouse.claim([day], run.run_id)) and waiting.for_a_while(held):
        pass
    if held:
        raise DayHeldError(f"{day} is held by run {held[day]}", "Release it when that run is over.", held[day])
    try:
        return _released(context, replace(planned, reason=PlanReason.RELEASED), because, auditor, state)
    finally:
        warehouse.release([day], run.run_id)


def _released(context: RunContext, planned: PlannedDay, because: str, auditor: Auditor, state: DayState) -> DayOutcome:
    batch = stage_batch(context, [planned], by_keys=False)
    try:
        # Once more: rows may have arrived while the day was staged.
        _refuse_another_source(context.settings, planned_day(context, planned.day), state)
        compared = replace(batch, days=tuple(with_drift(context.warehouse, context.settings, batch.days)))
        auditor.warm_up()
        verdicts = auditor.judge(compared.days, check_rows=context.settings.quality.row_checks != "never")
        if broken := verdicts[planned.day].broken_integrity:
            raise NotReleasedError(
                f"{planned.day} cannot be released: {', '.join(broken)} failed, and what is published would be wrong",
                f"Look closer: {context.settings.command('inspect', str(planned.day))}.",
            )
        context.warehouse.fence([planned.day], context.run.run_id)
    except BaseException:
        discard_batch(context, batch)
        raise
    try:
        (outcome,) = publish_batch(context, compared, verdicts, released=because)
    except OF_A_DAY as error:
        (outcome,) = record_failures(context, [planned], error, batch.started_at)
    return outcome


def _refuse_another_source(settings: Settings, planned: PlannedDay, state: DayState) -> None:
    if planned.source_version != state.source_version:
        raise NotReleasedError(
            f"the source of {planned.day} has changed since the day was blocked ({state.source_version} became"
            f" {planned.source_version})",
            f"Judge it anew and look at it first: {_again(settings, planned.day)}.",
        )


def _again(settings: Settings, day: date) -> str:
    return settings.command("backfill --mode blocked", f"--start {day} --end {day}")
