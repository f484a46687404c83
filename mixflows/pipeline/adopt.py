"""Takes over days of a deduplicated table that is there already, where it has what a run would publish.

Plain functions; no Prefect, no Great Expectations. The choices are in docs/decisions/adopt.md.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from mixflows.errors import DayHeldError, SourceColumnsError
from mixflows.ledger.profiles import with_drift
from mixflows.model import DayOutcome, PlanReason
from mixflows.pipeline.context import RunContext
from mixflows.pipeline.plan import PlanRequest, make_plan
from mixflows.pipeline.publish import publish_batch
from mixflows.pipeline.run import Auditor, Batch, batches
from mixflows.pipeline.stage import BatchStatements, discard_batch, stage_batch
from mixflows.warehouse.source import Source


@dataclass(frozen=True)
class AdoptedTable:
    """A table of events, each once, as another pipeline left it.

    Attributes:
        name: As statements name it; on BigQuery `project.dataset.table`.
        source: Its columns, found by the same settings as the source's.
        days: Its days with their rows.
    """

    name: str
    source: Source
    days: Mapping[date, int]


@dataclass(frozen=True)
class DifferingDay:
    """A day that was not taken over, and remains due.

    Attributes:
        only_staged: Events that a run would publish, and the table lacks.
        only_table: Events of the table that a run would not publish.
        broken: Expectations that failed without which no day is published.
    """

    day: date
    only_staged: int
    only_table: int
    broken: tuple[str, ...] = ()


@dataclass(frozen=True)
class Adoption:
    """What came of some days: those taken over, with their ledger rows, and those that differ."""

    taken_over: tuple[DayOutcome, ...]
    differing: tuple[DifferingDay, ...]


def shared_columns(source: Source, table: AdoptedTable) -> tuple[str, ...]:
    """The published columns that a table has with the same type; events are compared on them.

    Raises:
        SourceColumnsError: A column of the key, the time or the day is not among them.
    """
    theirs = {column.name.lower(): column.type for column in table.source.columns}
    shared = tuple(c.name for c in source.passed_through if theirs.get(c.name.lower()) == c.type)
    needed = {source.time.name, *(part.name for part in source.key)}
    lacking = sorted(needed - set(shared))
    lacking += [column.name for column in source.columns if column == source.day and column.name.lower() not in theirs]
    if lacking:
        raise SourceColumnsError(
            f"table {table.name} cannot be compared: it has no column {', '.join(lacking)} of the source's type",
            "Name a view of it that has the source's names and types.",
        )
    return shared


def adopt(context: RunContext, table: AdoptedTable, auditor: Auditor) -> Iterator[Adoption]:
    """Compares each day that no run has processed with a table, and publishes the days that are equal.

    Yields:
        What came of each batch of days.

    Raises:
        MissingTableError: There is no source.
        SourceColumnsError: See `shared_columns`.
        DayHeldError: Another run holds a day.
        WarehouseError: A statement failed; the batches before remain taken over.
    """
    warehouse, run = context.warehouse, context.run
    flags = (table.name, *shared_columns(warehouse.source(), table))
    planned = make_plan(warehouse, context.settings, PlanRequest()).days
    new = [
        replace(day, reason=PlanReason.ADOPTED)
        for day in planned
        if day.reason is PlanReason.NEW and day.day in table.days
    ]
    if new:
        auditor.warm_up()
    for batch in batches(new, context.settings):
        days = [day.day for day in batch]
        held = warehouse.claim(days, run.run_id)
        try:
            if held:
                day, holder = min(held.items())
                raise DayHeldError(
                    f"{day} is held by run {holder}", "Repeat the command when that run is over.", holder
                )
            yield _adopt_batch(context, batch, flags, auditor)
        finally:
            warehouse.release([day for day in days if day not in held], run.run_id)


def _adopt_batch(context: RunContext, batch: Batch, flags: Sequence[str], auditor: Auditor) -> Adoption:
    staged = stage_batch(context, batch, by_keys=False)
    try:
        days = with_drift(context.warehouse, context.settings, staged.days)
        rows = BatchStatements.of(context, staged).by_day("adopted_days", [day.day for day in days], *flags)
        verdicts = auditor.judge(days, check_rows=False)
        found: list[DifferingDay] = []
        for day in (staged_day.day for staged_day in days):
            row = rows.get(day, {})  # a day without any event on either side has none
            broken = tuple(verdicts[day].broken_integrity)
            found.append(DifferingDay(day, int(row.get("only_staged", 0)), int(row.get("only_other", 0)), broken))
        differing = tuple(day for day in found if day.only_staged or day.only_table or day.broken)
        others = {day.day for day in differing}
        equal = tuple(day for day in days if day.day not in others)
        context.warehouse.fence([day.day for day in equal], context.run.run_id)
    except BaseException:
        discard_batch(context, staged)
        raise
    if not equal:
        discard_batch(context, staged)
        return Adoption((), differing)
    kept = {day.day: verdicts[day.day] for day in equal}
    outcomes = publish_batch(context, replace(staged, days=equal), kept, released=f"equal to {flags[0]}")
    return Adoption(tuple(outcomes), differing)
