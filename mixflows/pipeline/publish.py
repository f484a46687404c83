"""One day: stage it, publish it, check what was published, record it. Idempotent at every point."""

import json
import time
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from mixflows.days import day_bounds, day_start
from mixflows.errors import PublishMismatchError
from mixflows.ledger.profiles import day_profile
from mixflows.ledger.runs import record
from mixflows.model import (
    DayOutcome,
    Difference,
    Figures,
    LedgerRow,
    PlannedDay,
    PublishedCounts,
    Run,
    StagedDay,
    Status,
    Verdict,
)
from mixflows.profile.profile import Profile
from mixflows.profile.samples import day_samples
from mixflows.settings import Settings
from mixflows.warehouse.base import DayStatement, DayTables, Row, Warehouse

REPAIRED = "the published day did not add up and was replaced"


class DayStatements:
    """One day's statements, bound to its tables and values."""

    def __init__(self, warehouse: Warehouse, settings: Settings, planned: PlannedDay, run: Run) -> None:
        self.tables = DayTables.of(planned.day, run.run_id, run.attempt)
        self._since = time.perf_counter()
        self._warehouse = warehouse
        start, end = day_bounds(planned.day, settings.zone)
        late_from = day_start(planned.day + timedelta(days=settings.pipeline.lookback_days + 1), settings.zone)
        self._params: dict[str, Any] = {
            "day": planned.day,
            "day_start": start,
            "day_end": end,
            "day_start_ms": int(start.timestamp() * 1000),
            "late_from_ms": int(late_from.timestamp() * 1000),
            "tolerance_ms": settings.pipeline.future_tolerance_seconds * 1000,
            "run_id": run.run_id,
            "attempt": run.attempt,
            "source_rows": planned.source_rows,
            "now": datetime.now(UTC),
        }

    def statement(self, name: str, *flags: str) -> DayStatement:
        """A statement of `sql/` for this day."""
        return DayStatement(name, self.tables, self._params, flags)

    def run(self, name: str, *flags: str) -> None:
        """Runs a statement."""
        self._warehouse.run(self.statement(name, *flags))

    def rows(self, name: str) -> list[Row]:
        """The rows that a statement returns."""
        return self._warehouse.run(self.statement(name))

    def one_row(self, name: str, *flags: str) -> Mapping[str, int]:
        """The counts that a statement returns."""
        (row,) = self._warehouse.run(self.statement(name, *flags))
        return {key: int(value) for key, value in row.items()}

    @property
    def seconds(self) -> float:
        """Since the first of these statements could run."""
        return time.perf_counter() - self._since

    def counts(self) -> PublishedCounts:
        """What the published tables hold for the day."""
        return PublishedCounts(**self.one_row("published_counts"))


def stage_day(warehouse: Warehouse, settings: Settings, planned: PlannedDay, run: Run) -> StagedDay:
    """Ranks the copies of each key of the source day, counts its figures, and compares it with the published day.

    Returns:
        The staged day; its short-lived tables stay until `publish_day` or `discard_stage`.

    Raises:
        WarehouseError: A statement failed; nothing is published.
    """
    started_at = datetime.now(UTC)
    day = DayStatements(warehouse, settings, planned, run)
    day.run("copies")
    day.run("stage")
    figures = Figures(**day.one_row("figures"))
    counts = day.counts()
    if counts.event_rows or counts.rejected_rows:
        difference = Difference(**day.one_row("compare", *_content_flag(figures)))
    else:
        difference = Difference(inserted_events=figures.kept_rows, rejected_added=figures.rejected_rows)
    types = {column.name: column.type for column in warehouse.shape().columns}
    profile = Profile.of(day.rows("profile"), types, settings.quality)
    return StagedDay(planned, run, figures, counts, difference, day.tables.stage, started_at, day.seconds, profile)


def sampled(warehouse: Warehouse, settings: Settings, staged: StagedDay) -> list[dict[str, Any]]:
    """A few rejected copies of a staged day beside their winners, as they are stored; values masked."""
    if not staged.figures.rejected_rows:
        return []
    return day_samples(DayStatements(warehouse, settings, staged.planned, staged.run).rows("samples"), settings)


def discard_stage(warehouse: Warehouse, planned: PlannedDay, run: Run) -> None:
    """Removes what `stage_day` left."""
    warehouse.drop_stage(DayTables.of(planned.day, run.run_id, run.attempt))


def publish_day(
    warehouse: Warehouse, settings: Settings, staged: StagedDay, verdict: Verdict, *, released: str = ""
) -> DayOutcome:
    """Makes the published day equal to the staged one, unless the verdict blocks it; then checks and records it.

    The published tables are written and the ledger row is added in one transaction where the engine has them; else the
    ledger row comes last, so that a day without it is planned again.

    Args:
        released: Why a day that the verdict blocks is published all the same; kept in the ledger.

    Returns:
        How the day ended: published, unchanged, blocked or, where it does not add up even after it was replaced, failed.

    Raises:
        WarehouseError: A statement failed; the day is not recorded.
    """
    day = DayStatements(warehouse, settings, staged.planned, staged.run)
    try:
        if verdict.failures and not released:
            return _recorded(warehouse, settings, staged, verdict, Status.BLOCKED, day)
        try:
            return _publish(warehouse, settings, staged, verdict, day, released=released)
        except PublishMismatchError:
            pass
        try:
            return _publish(warehouse, settings, staged, verdict, day, replace=True, released=released)
        except PublishMismatchError as err:
            return _recorded(warehouse, settings, staged, verdict, Status.FAILED, day, error=str(err))
    finally:
        warehouse.drop_stage(day.tables)


def record_failure(
    warehouse: Warehouse, settings: Settings, planned: PlannedDay, run: Run, error: BaseException, started_at: datetime
) -> DayOutcome:
    """Records a day that could not be processed, so that the next plan takes it again."""
    outcome = DayOutcome(
        LedgerRow(
            **_head(warehouse, settings, planned, run, started_at),
            status=Status.FAILED,
            source_rows=None,
            kept_rows=None,
            rejected_rows=None,
            duplicate_rows=None,
            duplicate_rate=None,
            late_rows=None,
            inserted_rows=None,
            updated_rows=None,
            deleted_rows=None,
            error=str(error),
        )
    )
    record(warehouse, outcome)
    return outcome


def _publish(  # noqa: PLR0913 - what publishing a day is made of
    warehouse: Warehouse,
    settings: Settings,
    staged: StagedDay,
    verdict: Verdict,
    day: DayStatements,
    *,
    replace: bool = False,
    released: str = "",
) -> DayOutcome:
    keeps_vanished = settings.pipeline.source_deletes == "keep"
    d, counts = staged.difference, staged.published
    damaged = replace or counts.event_keys < counts.event_rows
    events_differ = d.inserted_events or d.updated_events or (d.orphan_events and not keeps_vanished)
    # Under `keep`, rejected rows that the source no longer has are no difference; a beaten winner that it lacks is.
    dropped = d.rejected_dropped and (not keeps_vanished or events_differ)
    write_rejected = bool(d.rejected_added or dropped or (keeps_vanished and d.updated_events) or replace)
    # Where a rejected copy goes away, its key may be uncontested now, and the published event may be a copy that only its
    # content told from the one that is left; uncontested events are not compared by content.
    left_over = bool(d.rejected_dropped and not keeps_vanished)
    write_events = bool(events_differ or damaged or left_over)
    if write_rejected:
        day.run("rejected_next")
    with warehouse.transaction():
        if write_rejected:
            warehouse.replace_day("rejected", day.statement("rejected_rows"))
        if write_events:
            whole = (
                damaged
                or left_over
                or not counts.event_rows
                or (d.orphan_events and not keeps_vanished)
                # Rows without insert id have no key to merge on.
                or staged.figures.kept_without_id_rows
            )
            if whole:
                warehouse.replace_day("events", day.statement("event_rows"))
            else:
                day.run("merge_events", *_content_flag(staged.figures))
        written = write_events or write_rejected
        # What staging counted still stands where nothing was written.
        _check(day.counts() if written else counts, staged, vanished_stay=keeps_vanished)
        status = Status.PUBLISHED if written else Status.UNCHANGED
        return _recorded(
            warehouse, settings, staged, verdict, status, day, note=REPAIRED if replace else "", released=released
        )


def _check(counts: PublishedCounts, staged: StagedDay, *, vanished_stay: bool) -> None:
    figures = staged.figures
    stay = staged.difference.vanished_rows if vanished_stay else 0
    published = counts.event_rows + counts.rejected_rows
    if counts.event_keys != counts.event_rows:
        raise _mismatch(staged, f"{counts.event_rows - counts.event_keys:,} keys are twice in the published events")
    if published != figures.source_rows + stay:
        raise _mismatch(staged, f"{figures.source_rows + stay:,} source rows became {published:,} published rows")
    if not stay and (counts.event_rows, counts.rejected_rows) != (figures.kept_rows, figures.rejected_rows):
        raise _mismatch(staged, f"{figures.kept_rows:,} kept rows became {counts.event_rows:,} published events")


def _mismatch(staged: StagedDay, what: str) -> PublishMismatchError:
    return PublishMismatchError(
        f"day {staged.day}: {what}, and replacing the day did not help",
        "Look for another writer of the published tables or of the source, then run the day again.",
    )


def _content_flag(figures: Figures) -> tuple[str, ...]:
    """Content is compared only where two copies of a key arrived at the same instant with different content."""
    return ("compare_content",) if figures.ambiguous_keys else ()


def _recorded(  # noqa: PLR0913 - what a ledger row is made of
    warehouse: Warehouse,
    settings: Settings,
    staged: StagedDay,
    verdict: Verdict,
    status: Status,
    day: DayStatements,
    *,
    note: str = "",
    error: str = "",
    released: str = "",
) -> DayOutcome:
    f, d = staged.figures, staged.difference
    published = status is Status.PUBLISHED
    applies = settings.pipeline.source_deletes == "apply"
    failures = "; ".join(dict.fromkeys(str(finding) for finding in verdict.failures))
    about = (
        failures
        if status is Status.BLOCKED
        else f"released: {released} ({failures or 'nothing failed'})"
        if released
        else ""
    )
    row = LedgerRow(
        **_head(warehouse, settings, staged.planned, staged.run, staged.started_at),
        status=status,
        source_rows=f.source_rows,
        kept_rows=f.kept_rows,
        rejected_rows=f.rejected_rows,
        duplicate_rows=f.duplicate_rows,
        duplicate_rate=f.duplicate_rows / f.source_rows if f.source_rows else None,
        late_rows=f.late_rows,
        inserted_rows=d.inserted_events if published else 0,
        updated_rows=d.updated_events if published else 0,
        deleted_rows=d.vanished_rows if published and (applies or released) else 0,
        note="; ".join(filter(None, (about, note))),
        error=error,
        work_seconds=round(staged.seconds + day.seconds, 3),
    )
    samples = sampled(warehouse, settings, staged) if verdict.flags else ()
    outcome = DayOutcome(row, verdict.findings, day_profile(staged, samples).to_json())
    record(warehouse, outcome)
    return outcome


def _head(
    warehouse: Warehouse, settings: Settings, planned: PlannedDay, run: Run, started_at: datetime
) -> dict[str, Any]:
    cost = warehouse.cost(planned.day)
    return {
        "run_id": run.run_id,
        "attempt": run.attempt,
        "partition_date": planned.day,
        "plan_reason": planned.reason,
        "source_version": planned.source_version,
        "rules_version": settings.rules_version,
        "thresholds_version": settings.thresholds_version,
        "bytes_processed": cost.bytes_processed,
        "slot_ms": cost.slot_ms,
        "step_costs": json.dumps([asdict(step) for step in cost.steps]) if cost.steps else "",
        "started_at": started_at,
        "finished_at": datetime.now(UTC),
        "engine": warehouse.engine,
    }
