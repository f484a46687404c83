"""A day is looked at, and a blocked one is released. Plain functions; no Prefect, no Great Expectations."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from mixflows.days import DayRange
from mixflows.errors import DayHeldError, NotReleasedError, UnknownDayError
from mixflows.ledger.profiles import with_drift
from mixflows.ledger.runs import DayState, day_states
from mixflows.model import DayOutcome, Mode, PlannedDay, PlanReason, Run, StagedDay, Status, Verdict
from mixflows.pipeline.plan import PlanRequest, make_plan
from mixflows.pipeline.publish import discard_stage, publish_day, sampled, stage_day
from mixflows.pipeline.run import Auditor
from mixflows.profile.samples import Sample
from mixflows.settings import Settings
from mixflows.warehouse.base import Warehouse

INTEGRITY = frozenset({
    "kept_keys_unique", "no_null_key_parts", "kept_rows_in_day", "figures_add_up",
    "kept_insert_id_not_null", "kept_time_not_null", "kept_time_in_day", "kept_without_reason",
    "rejected_with_reason", "rejection_reason_known", "rows_audited",
})  # fmt: skip
"""Expectations that no one can release a day from: without them, an event could be published twice, or lost."""


@dataclass(frozen=True)
class Inspection:
    """A day as it would be published now.

    Attributes:
        state: What the ledger says of it; None if no run has taken it.
        staged: Its figures, its profile, and what publishing would change.
        samples: Rejected copies beside their winners; values masked unless the settings allow them.
        changed_since: Whether the source day is another than the one that was judged last.
    """

    state: DayState | None
    staged: StagedDay
    verdict: Verdict
    samples: tuple[Sample, ...]
    changed_since: bool


def inspect_day(warehouse: Warehouse, settings: Settings, day: date, auditor: Auditor, run: Run) -> Inspection:
    """Stages a day, judges it and looks at samples. Publishes nothing, records nothing.

    Raises:
        UnknownDayError: The source has no row of the day.
    """
    planned = _planned(warehouse, settings, day, accept_rules=True)
    state = day_states(warehouse).get(day)
    staged = stage_day(warehouse, settings, planned, run)
    try:
        (staged,) = with_drift(warehouse, settings, [staged])
        auditor.warm_up()
        verdict = auditor.judge([staged], check_rows=settings.quality.row_checks != "never")[day]
        samples = tuple(Sample.of_record(record) for record in sampled(warehouse, settings, staged))
    finally:
        discard_stage(warehouse, planned, run)
    changed = state is not None and planned.source_version != state.source_version
    return Inspection(state, staged, verdict, samples, changed)


def release_day(
    warehouse: Warehouse, settings: Settings, day: date, because: str, auditor: Auditor, run: Run
) -> DayOutcome:
    """Publishes a blocked day as it is, and keeps the reason in the ledger.

    It is bound to the source version that the day was blocked at, which is what the report and `inspect` showed: rows
    that came since were looked at by no one.

    Args:
        because: Why; kept in the ledger's note and shown in the report.

    Raises:
        NotReleasedError: The day is not blocked, its source or the rules have changed since, or an expectation failed that
            no one can release a day from.
        DayHeldError: Another run holds the day.
        UnknownDayError: The source has no row of the day.
    """
    because = " ".join(because.split())
    if not because:
        raise NotReleasedError(f"{day} is not released without a reason", 'Say why: --because "…".')
    state = day_states(warehouse).get(day)
    if state is None or state.status is not Status.BLOCKED:
        how = f"it is {state.status.value}" if state else "no run has taken it"
        raise NotReleasedError(f"{day} is not blocked: {how}", "Only blocked days are released.")
    planned = _planned(warehouse, settings, day, accept_rules=True)
    if state.rules_version != settings.rules_version:
        raise NotReleasedError(f"{day} was blocked under other rules", f"Judge it anew first: {_again(day)}.")
    _refuse_another_source(planned, state)
    if held := warehouse.claim([day], run.run_id):
        raise DayHeldError(f"{day} is held by run {held[day]}", "Release it when that run is over.")
    try:
        return _released(
            warehouse, settings, replace(planned, reason=PlanReason.RELEASED), because, auditor, run, state
        )
    finally:
        warehouse.release([day], run.run_id)


def _released(  # noqa: PLR0913, PLR0917 - what a release is made of
    warehouse: Warehouse,
    settings: Settings,
    planned: PlannedDay,
    because: str,
    auditor: Auditor,
    run: Run,
    state: DayState,
) -> DayOutcome:
    staged = stage_day(warehouse, settings, planned, run)
    try:
        # Once more: rows may have arrived while the day was staged.
        _refuse_another_source(_planned(warehouse, settings, planned.day, accept_rules=True), state)
        (staged,) = with_drift(warehouse, settings, [staged])
        auditor.warm_up()
        verdict = auditor.judge([staged], check_rows=settings.quality.row_checks != "never")[planned.day]
        if broken := sorted({f.expectation for f in verdict.failures} & INTEGRITY):
            raise NotReleasedError(
                f"{planned.day} cannot be released: {', '.join(broken)} failed, and what is published would be wrong",
                f"Look closer: mixflows inspect {planned.day}.",
            )
    except BaseException:
        discard_stage(warehouse, planned, run)
        raise
    return publish_day(warehouse, settings, staged, verdict, released=because)


def _planned(warehouse: Warehouse, settings: Settings, day: date, *, accept_rules: bool) -> PlannedDay:
    request = PlanRequest(Mode.ALL, DayRange(day, day), accept_rules=accept_rules)
    days = make_plan(warehouse, settings, request).days
    if not days:
        raise UnknownDayError(f"the source has no row of {day}", "Look at the days that it has: mixflows status.")
    return days[0]


def _refuse_another_source(planned: PlannedDay, state: DayState) -> None:
    if planned.source_version != state.source_version:
        raise NotReleasedError(
            f"the source of {planned.day} has changed since the day was blocked ({state.source_version} became"
            f" {planned.source_version})",
            f"Judge it anew and look at it first: {_again(planned.day)}.",
        )


def _again(day: date) -> str:
    return f"mixflows backfill --mode blocked --start {day} --end {day}"


def facts(inspection: Inspection) -> Mapping[str, Any]:
    """The counts that a person looks at first, by what they are called."""
    f, d = inspection.staged.figures, inspection.staged.difference
    return {
        "source rows": f.source_rows,
        "would be kept": f.kept_rows,
        "would be rejected": f.rejected_rows,
        "exact duplicates": f.duplicate_rows - f.conflicting_duplicate_rows,
        "duplicates with other content": f.conflicting_duplicate_rows,
        "without insert id": f.missing_insert_id_rows,
        "in the future": f.future_rows,
        "late": f.late_rows,
        "published now": inspection.staged.published.event_rows,
        "events to insert": d.inserted_events,
        "events to update": d.updated_events,
        "published copies that the source no longer has": d.vanished_rows,
    }
