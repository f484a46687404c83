"""What `init --adopt` does: takes over a table that is there already, and names the days that differ."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from uuid import uuid4

from mixflows.cli.output import console, number
from mixflows.cli.session import command, opened_source, opened_to_read
from mixflows.errors import MissingTableError, UsageError
from mixflows.model import Run
from mixflows.pipeline.adopt import AdoptedTable, Adoption, DifferingDay, adopt, shared_columns
from mixflows.pipeline.context import RunContext
from mixflows.settings import load_settings, parse_assignments
from mixflows.text import at_most, counted, plain

SHOWN_DAYS = 20
PLACE = ("bigquery.source_project", "bigquery.source_dataset", "tables.source")


def run_adopt(config: Path | None, assignments: list[str], name: str) -> None:
    """Takes over the days of a table that equal what a run would publish, and prints the others.

    Args:
        config: The settings' file.
        assignments: Settings over it.
        name: The table; on BigQuery `project.dataset.table`.

    Raises:
        MixflowsError: There is no source or no such table, its name is not whole, or it cannot be compared.
    """
    from expectations.gate import GreatExpectationsAuditor

    settings = load_settings(config, parse_assignments(assignments))
    opened_source(settings)  # what it lacks is said first
    table = _read_table(config, assignments, name)
    warehouse = opened_source(settings)
    shared = shared_columns(warehouse.source(), table)
    others = [c.name for c in warehouse.source().passed_through if c.name not in shared]
    left_out = f"; not on {', '.join(map(plain, others))}" if others else ""
    console.print(
        f"{plain(name)}: {counted(len(table.days), 'day')}, compared on {counted(len(shared), 'column')}{left_out}."
    )
    context = RunContext(warehouse, settings, Run(str(uuid4())))
    auditor = GreatExpectationsAuditor(settings, warehouse.row_access())
    batches = list(adopt(context, table, auditor))
    source_days = {day.day for day in warehouse.source_days()[0]}
    _print(batches, sorted(table.days.keys() - source_days), plain(name), config)


def _read_table(config: Path | None, assignments: list[str], name: str) -> AdoptedTable:
    """Reads a table as if it were the source; settings refuse one that plays another role."""
    as_source = [f"tables.source={name}"]
    if load_settings(config, parse_assignments(assignments)).warehouse.engine == "bigquery":
        parts = name.split(".")
        if len(parts) != len(PLACE):
            raise UsageError(f"{name!r} names no table on BigQuery", "Name it as PROJECT.DATASET.TABLE.")
        as_source = [f"{setting}={part}" for setting, part in zip(PLACE, parts, strict=True)]
    _, warehouse = opened_to_read(config, [*assignments, *as_source])
    try:
        columns, (days, _) = warehouse.source(), warehouse.source_days()
    except MissingTableError as err:
        raise MissingTableError(
            err.message, "Name the deduplicated table after --adopt as this warehouse has it."
        ) from err
    return AdoptedTable(name, columns, {day.day: day.rows for day in days})


def _print(batches: list[Adoption], without_source: Sequence[date], name: str, config: Path | None) -> None:
    taken = [outcome for batch in batches for outcome in batch.taken_over]
    differing = [day for batch in batches for day in batch.differing]
    events = sum(outcome.row.kept_rows or 0 for outcome in taken)
    console.print(f"{counted(len(taken), 'day')} taken over, {counted(events, 'event')}.")
    if differing:
        console.print(f"{counted(len(differing), 'day')} not taken over, and due:")
        for line in at_most(SHOWN_DAYS, [f"{day.day}: {_why(day, name)}" for day in differing]):
            console.print(f"  {line}")
        console.print(f"See what a run would publish: {command('inspect', str(differing[0].day), config=config)}")
    if without_source:
        from_to = " to ".join(dict.fromkeys(str(day) for day in (without_source[0], without_source[-1])))
        console.print(
            f"{counted(len(without_source), 'day')} of {name} not taken over, as the source has no row of them: {from_to}."
        )


def _why(day: DifferingDay, name: str) -> str:
    counts = (
        f"{counted(day.only_staged, 'event')} only in what a run would publish, {number(day.only_table)} only in {name}"
    )
    return "; ".join(
        [*([counts] if day.only_staged or day.only_table else []), *(f"{each} failed" for each in day.broken)]
    )
