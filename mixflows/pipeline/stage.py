"""Stages a batch of days: keys first, then what is contested, ranked; figures and profile per day. Publishes nothing."""

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime
from typing import Any, Self

from mixflows.errors import DayError
from mixflows.model import (
    Difference,
    Figures,
    PlannedDay,
    PlanReason,
    Publication,
    PublishedCounts,
    StagedBatch,
    StagedDay,
)
from mixflows.pipeline.context import RunContext
from mixflows.profile.breakdown import Breakdown
from mixflows.profile.profile import Profile
from mixflows.profile.samples import day_samples
from mixflows.progress import Step, listener
from mixflows.warehouse.base import BatchDay, BatchStatement, BatchTables, Row

DELTA_SHARE = 0.2
"""A day of which more of the published ids are touched is replaced whole."""
BY_KEYS = (PlanReason.CHANGED, PlanReason.LOOKBACK)
"""Reasons under which a day may be found unchanged, or published as a delta, by its keys alone."""


class BatchStatements:
    """One batch's statements: its tables, and the constants of its days."""

    def __init__(self, context: RunContext, first_day: date, days: Sequence[PlannedDay]) -> None:
        self.tables = BatchTables.of(first_day, context.run)
        self._context = context
        self._days = {
            day.day: BatchDay.of(day.day, context.settings, repairs_surplus=day.surplus_is_damage) for day in days
        }
        self.created_at = datetime.now(UTC)
        self._params = {"run_id": context.run.run_id, "now": self.created_at}
        self._as_of = min((day.read_at for day in days if day.read_at is not None), default=None)

    @classmethod
    def of(cls, context: RunContext, batch: StagedBatch) -> Self:
        """The statements of a batch that is staged."""
        statements = cls(context, batch.first_day, [staged.planned for staged in batch.days])
        statements.as_delta(staged.day for staged in batch.days if staged.is_delta)
        return statements

    def as_delta(self, days: Iterable[date]) -> None:
        """Marks days that are staged as a delta."""
        self._days |= {day: replace(self._days[day], is_delta=True) for day in days}

    def statement(self, name: str, days: Collection[date], *flags: str) -> BatchStatement:
        """A statement of `sql/` over days of the batch."""
        constants: tuple[BatchDay, ...] = tuple(self._days[day] for day in days)
        return BatchStatement(name, self.tables, constants, self._context.run, self._params, flags, self._as_of)

    def run(self, name: str, days: Collection[date], *flags: str) -> list[Row]:
        """Runs a statement; nothing where there are no days."""
        return self._context.warehouse.run(self.statement(name, days, *flags)) if days else []

    def by_day(self, name: str, days: Collection[date], *flags: str) -> dict[date, Row]:
        """The rows of a statement that has at most one for each day."""
        return {row["day"]: row for row in self.run(name, days, *flags)}

    def counts(self, days: Collection[date], *flags: str) -> dict[date, PublishedCounts]:
        """What the published tables hold of days; with the flag `keys`, whether each key is there once."""
        found = self.by_day("published_counts", days, *flags)
        return {day: _from(PublishedCounts, found.get(day)) for day in days}


@dataclass(frozen=True)
class _Touched:
    """How the source and the published rows of a day differ on the columns that were compared; see touched_days.sql."""

    touched_ids: int = 0
    pairs_without_id: int = 0
    new_copies: int = 0
    paired_copies: int = 0
    vanished_copies: int = 0
    surplus_copies: int = 0
    twice_keys: int = 0


def stage_batch(context: RunContext, days: Sequence[PlannedDay], *, by_keys: bool = True) -> StagedBatch:
    """Ranks the copies of the days, counts their figures, and compares them with what is published.

    Days of which the source has other rows than were planned are planned anew, once.

    Args:
        days: Each once; their short-lived tables stay until `discard_batch`.
        by_keys: Whether a day may end unchanged, or be published as a delta, on its keys alone.

    Returns:
        The staged batch, each day with how it is to be published.

    Raises:
        DayError: Again other rows were staged than were planned.
        WarehouseError: A statement failed; nothing is published.
    """
    batch = _stage_batch(context, days, by_keys)
    if not _other_rows(batch):
        return batch
    batch = _stage_batch(context, _planned_anew(context, days), by_keys)
    for staged in _other_rows(batch):
        raise DayError(
            f"day {staged.day}: {staged.planned.source_rows:,} source rows were planned, and {staged.figures.source_rows:,} staged",
            "Look for another writer of the source; then run the day again.",
        )
    return batch


def _other_rows(batch: StagedBatch) -> list[StagedDay]:
    return [s for s in batch.days if s.planned.is_exact and s.figures.source_rows != s.planned.source_rows]


def _planned_anew(context: RunContext, days: Sequence[PlannedDay]) -> list[PlannedDay]:
    listed, _ = context.warehouse.source_days([day.day for day in days])
    now = {day.day: day for day in listed}
    return [
        replace(
            day,
            source_rows=known.rows,
            source_version=known.version,
            is_exact=known.is_exact,
            read_at=known.read_at,
        )
        if (known := now.get(day.day))
        else replace(day, source_rows=0, read_at=None)
        for day in days
    ]


def _stage_batch(context: RunContext, days: Sequence[PlannedDay], by_keys: bool) -> StagedBatch:
    since = time.perf_counter()
    statements = BatchStatements(context, days[0].day, days)
    planned = {day.day: day for day in days}
    counts = statements.counts(planned)
    filled = [day for day in planned if counts[day].rows]
    content = ("content",) if compares_content(context) else ()
    statements.run("touched", filled, *content)
    touched = {day: _from(_Touched, row) for day, row in statements.by_day("touched_days", filled).items()}
    listener().step_done(planned, Step.COMPARED)
    unchanged = {day for day in filled if by_keys and day not in touched and _as_recorded(planned[day], counts[day])}
    rest = [day for day in days if day.day not in unchanged]
    delta = [
        day
        for day in filled
        if by_keys
        and day in touched
        and _as_recorded(planned[day], counts[day])
        and _is_small(touched[day], counts[day])
    ]
    statements.as_delta(delta)
    return StagedBatch(
        batch_id=f"{context.run.run_id}-{context.run.attempt}-{days[0].day}",
        first_day=days[0].day,
        days=_stage(context, statements, rest, touched, counts, delta) if rest else (),
        unchanged=tuple(day for day in days if day.day in unchanged),
        started_at=statements.created_at,
        seconds=time.perf_counter() - since,
    )


def discard_batch(context: RunContext, batch: StagedBatch | Sequence[PlannedDay]) -> None:
    """Removes what `stage_batch` left."""
    first = batch.first_day if isinstance(batch, StagedBatch) else batch[0].day
    context.warehouse.drop_batch(BatchTables.of(first, context.run))


def sampled(context: RunContext, batch: StagedBatch, days: Collection[date]) -> dict[date, list[dict[str, Any]]]:
    """A few rejected copies of staged days beside their winners, as they are stored; values masked."""
    wanted = [staged.day for staged in batch.days if staged.day in days and staged.figures.rejected_rows]
    found: dict[date, list[Row]] = {}
    for row in BatchStatements.of(context, batch).run("samples", wanted):
        found.setdefault(row["partition_date"], []).append(row)
    settings = context.warehouse.source().spelled(context.settings)
    return {day: day_samples(rows, settings) for day, rows in found.items()}


def broken_down(context: RunContext, batch: StagedBatch, days: Collection[date]) -> dict[date, Breakdown]:
    """Where the rows of staged days come from, and what is wrong with them; reads properties of every row of these days."""
    wanted = [staged.day for staged in batch.days if staged.day in days and staged.figures.source_rows]
    found: dict[date, list[Row]] = {day: [] for day in wanted}
    for row in BatchStatements.of(context, batch).run("breakdown", wanted):
        found[row["day"]].append(row)
    return {day: Breakdown.of(rows, context.settings.quality) for day, rows in found.items()}


def compares_content(context: RunContext) -> bool:
    """Whether content that changed under the same key and arrival is looked for by comparing it."""
    wanted = context.settings.pipeline.restatements
    return wanted == "content" or (wanted is None and context.warehouse.source().loaded_at is None)


def _as_recorded(planned: PlannedDay, counts: PublishedCounts) -> bool:
    """Whether the published day is what its ledger row says, so that its keys alone tell what has changed."""
    recorded = planned.recorded
    return (
        planned.reason in BY_KEYS
        and recorded is not None
        and (recorded.event_rows, recorded.rejected_rows) == (counts.event_rows, counts.rejected_rows)
    )


def _is_small(touched: _Touched, counts: PublishedCounts) -> bool:
    exact = not touched.pairs_without_id and not touched.twice_keys
    return exact and touched.touched_ids <= DELTA_SHARE * counts.event_rows


def _stage(
    context: RunContext,
    statements: BatchStatements,
    planned: Sequence[PlannedDay],
    touched: Mapping[date, _Touched],
    counts: Mapping[date, PublishedCounts],
    delta: Sequence[date],
) -> tuple[StagedDay, ...]:
    """Stages the days that are not unchanged."""
    days = [day.day for day in planned]
    differing = [day for day in days if day in touched]
    content = ("content",) if compares_content(context) else ()
    keeps = context.settings.pipeline.source_deletes == "keep"
    retain = ("retain",) if keeps and any(touched[day].vanished_copies for day in differing) else ()
    copies = statements.statement("copies", days, *(("touched",) if differing else ()), *retain)
    views = [statements.statement("stage", days, *retain)]
    if delta:
        views.append(statements.statement("stage", [day for day in days if day not in delta], "judged", *retain))
    context.warehouse.stage(copies, *views)
    listener().step_done(days, Step.RANKED)
    whole = [day for day in days if counts[day].rows and day not in delta]
    changes = statements.by_day("changes", delta, "touched", *content) | statements.by_day("changes", whole)
    restated = _restated(statements, touched)
    figures: dict[date, Row] = {day: {} for day in days}
    profiles: dict[date, list[Row]] = {day: [] for day in days}
    for row in statements.run("profile", days):
        if row["part"] == "figure":
            figures[row["day"]][row["item"]] = row["a"]
        else:
            profiles[row["day"]].append(row)
    listener().step_done(days, Step.MEASURED)
    types = {column.name: column.type for column in context.warehouse.source().columns}
    staged: list[StagedDay] = []
    for planned_day in planned:
        day = planned_day.day
        difference = _from(Difference, changes.get(day))
        figures_of_day = _from(Figures, figures[day])
        if not counts[day].rows:
            difference = Difference(
                inserted_events=figures_of_day.kept_rows, differing_rejected=figures_of_day.rejected_rows
            )
        known = touched.get(day, _Touched())
        difference = replace(
            difference,
            restated_rows=restated.get(day, 0),
            vanished_rows=known.vanished_copies,
            surplus_rows=known.surplus_copies,
        )
        staged.append(
            StagedDay(
                planned=planned_day,
                run=context.run,
                figures=figures_of_day,
                published=counts[day],
                difference=difference,
                stage_table=statements.tables.stage,
                started_at=statements.created_at,
                profile=Profile.of(profiles[day], types, context.settings.quality),
                publication=_publication(day in delta, difference, known),
                is_delta=day in delta,
                judged_table=statements.tables.judged if delta else "",
            )
        )
    return tuple(staged)


def _publication(is_delta: bool, difference: Difference, touched: _Touched) -> Publication:
    if difference.is_none and not touched.twice_keys:
        return Publication.NOTHING
    return Publication.DELTA if is_delta else Publication.WHOLE


def _restated(statements: BatchStatements, touched: Mapping[date, _Touched]) -> dict[date, int]:
    paired = [day for day, known in touched.items() if known.paired_copies]
    return {day: int(row["restated_copies"]) for day, row in statements.by_day("restated", paired).items()}


def _from(kind: Any, row: Row | None) -> Any:
    """A dataclass of counts from a row; zeros where there is none."""
    return kind(**{f.name: int(row[f.name]) for f in fields(kind) if f.name in row}) if row else kind()
