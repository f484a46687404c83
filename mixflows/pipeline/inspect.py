"""Inspects a day: stages and judges it, and looks at samples. Plain functions; no Prefect, no Great Expectations."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from mixflows.days import DayRange
from mixflows.errors import UnknownDayError
from mixflows.ledger.profiles import with_drift
from mixflows.ledger.runs import DayState, day_states
from mixflows.model import Mode, PlannedDay, StagedDay, Status
from mixflows.pipeline.context import RunContext
from mixflows.pipeline.plan import PlanRequest, make_plan
from mixflows.pipeline.run import Auditor
from mixflows.pipeline.stage import broken_down, discard_batch, sampled, stage_batch
from mixflows.profile.breakdown import Breakdown
from mixflows.profile.samples import Sample
from mixflows.profile.why import why
from mixflows.verdict import Verdict
from mixflows.warehouse.base import Warehouse


@dataclass(frozen=True)
class Inspection:
    """A day as it would be published now.

    Attributes:
        state: What the ledger says of it; None if no run has processed it.
        staged: Its figures, its profile, and what publishing would change.
        samples: Rejected copies beside their winners; values masked unless the settings allow them.
        changed_since: Whether the source day is another than the one that was judged last.
        breakdown: Where its rows come from, and what is wrong with them.
        rejected_sql: The statement that selects its rejected rows; see `rejected_sql`.
    """

    state: DayState | None
    staged: StagedDay
    verdict: Verdict
    samples: tuple[Sample, ...]
    changed_since: bool
    breakdown: Breakdown
    rejected_sql: str

    @property
    def why(self) -> str:
        """Why it would be blocked or flagged, in one sentence; empty if every expectation passes."""
        return why(self.verdict.findings, self.staged.figures.source_rows, self.breakdown)


def inspect_day(context: RunContext, day: date, auditor: Auditor) -> Inspection:
    """Stages a day, judges it and looks at samples. Publishes nothing, records nothing.

    Raises:
        MissingTableError: There is no ledger.
        UnknownDayError: The source has no row of the day.
    """
    state = day_states(context.warehouse).get(day)  # first: where there is no ledger, nothing is created
    planned = planned_day(context, day)
    batch = stage_batch(context, [planned], by_keys=False)
    try:
        (staged,) = with_drift(context.warehouse, context.settings, batch.days)
        auditor.warm_up()
        verdict = auditor.judge([staged], check_rows=context.settings.quality.row_checks != "never")[day]
        samples = tuple(Sample.of_record(record) for record in sampled(context, batch, [day]).get(day, ()))
        breakdown = broken_down(context, batch, [day]).get(day, Breakdown())
    finally:
        discard_batch(context, batch)
    held_back = state is None or state.status in (Status.BLOCKED, Status.FAILED)
    sql = rejected_sql(context.warehouse, day, is_held_back=held_back)
    changed = state is not None and planned.source_version != state.source_version
    return Inspection(state, staged, verdict, samples, changed, breakdown, sql)


def rejected_sql(warehouse: Warehouse, day: date, *, is_held_back: bool) -> str:
    """A statement for people that selects a day's rejected rows, in the engine's words.

    Args:
        is_held_back: Whether the day's rows are held back, and its rejected ones are found in the source.

    Raises:
        MissingTableError: There is no source.
        SourceColumnsError: It lacks a column that the settings name.
    """
    warehouse.source()  # says so where there is none
    return warehouse.text("held_back_of_days" if is_held_back else "rejected_of_days", [day])


def planned_day(context: RunContext, day: date) -> PlannedDay:
    """A day as a run would plan it, whatever the ledger says.

    Raises:
        UnknownDayError: The source has no row of it.
    """
    request = PlanRequest(Mode.ALL, DayRange(day, day), accept_rules=True)
    context.warehouse.create_tables()
    days = make_plan(context.warehouse, context.settings, request, only_reads=True).days
    if not days:
        raise UnknownDayError(
            f"the source has no row of {day}", f"See which days it has: {context.settings.command('status')}."
        )
    return days[0]


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
        "restated copies": d.restated_rows,
        "published copies that the source no longer has": d.vanished_rows,
    }
