"""What the shorter commands do: init, land, plan, status, report."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import typer

from mixflows.cli.credentials import take_from_block
from mixflows.cli.output import (
    console,
    counted,
    number,
    plan_table,
    price_json,
    price_line,
    print_json,
    progress_bars,
    rate,
)
from mixflows.costs.billed import costs_json, in_words, read_costs
from mixflows.days import DayRange, day_bounds, parse_day
from mixflows.errors import LandingError, MissingTableError, UsageError
from mixflows.intake.finding import find_files
from mixflows.intake.landing import Landing
from mixflows.model import Mode, Plan, Status
from mixflows.pipeline.land import land_one
from mixflows.pipeline.plan import PlanRequest, make_plan
from mixflows.pipeline.price import price_plan
from mixflows.settings import Settings, load_settings, parse_assignments
from mixflows.warehouse import open_warehouse
from mixflows.warehouse.base import Warehouse

if TYPE_CHECKING:
    from mixflows.report.page import Format


def opened(config: Path | None, assignments: list[str] | None) -> tuple[Settings, Warehouse]:
    """The settings and their warehouse."""
    settings = load_settings(config, parse_assignments(assignments or []))
    take_from_block(settings)
    return settings, open_warehouse(settings)


def opened_source(settings: Settings) -> Warehouse:
    """The warehouse, once it is sure that there is a source table to read.

    Raises:
        MissingTableError: Nothing was landed yet.
        SourceColumnsError: The source lacks a column that the settings name.
    """
    take_from_block(settings)
    warehouse = open_warehouse(settings)
    warehouse.shape()
    return warehouse


def command(name: str, config: Path | None) -> str:
    """A command line for the same installation, to be shown as the next step."""
    return f"mixflows {name}" + (f" --config {config}" if config else "")


def renew_report(warehouse: Warehouse, settings: Settings) -> None:
    """Writes the report anew, where the settings name its file."""
    if settings.report.path is not None:
        from mixflows.report.page import write_report  # its charts take a while to import

        write_report(warehouse, settings, settings.report.path)


def request_of(start: str | None, end: str | None, mode: str, newest_first: bool, accept_rules: bool) -> PlanRequest:
    """What the flags ask for.

    Raises:
        UsageError: A day, the range or the mode cannot be meant.
    """
    try:
        chosen = Mode(mode)
    except ValueError as err:
        raise UsageError(f"{mode!r} is no mode", f"Modes: {', '.join(Mode)}.") from err
    days = DayRange(parse_day(start) if start else None, parse_day(end) if end else None)
    return PlanRequest(chosen, days, accept_rules, newest_first)


def run_land(
    config: Path | None,
    assignments: list[str] | None,
    files: list[str],
    *,
    again: bool,
    as_json: bool,
    brief: bool = False,
) -> None:
    """Lands files one after the other; a refused file does not stop the others. `brief` prints one line for all.

    Raises:
        LandingError: At least one file was refused; the others are landed.
    """
    settings, warehouse = opened(config, assignments)
    landings: list[Landing] = []
    refused: list[LandingError] = []
    with progress_bars() as bars:
        for path in find_files(files):
            try:
                landing = land_one(
                    warehouse, settings, path,
                    again=again, on_progress=lambda share, name=path.name: bars.file_progress(name, share),
                )  # fmt: skip
            except LandingError as err:
                refused.append(err)
                continue
            bars.landed(landing)
            landings.append(landing)
    if as_json:
        print_json({"landed": [asdict(landing) for landing in landings], "refused": [str(err) for err in refused]})
    elif brief:
        lines, rows = (sum(getattr(x, name) for x in landings) for name in ("lines", "source_rows"))
        console.print(
            f"{counted(len(landings), 'file')}: {counted(lines, 'line')}, {counted(rows, 'source row')},"
            f" {number(lines - rows)} malformed"
        )
    else:
        for landing in landings:
            malformed = f", {number(landing.malformed_rows)} malformed" if landing.malformed_rows else ""
            console.print(
                f"{landing.file_name}: {counted(landing.lines, 'line')}, {counted(landing.source_rows, 'source row')}"
                f" on {counted(len(landing.rows_per_day), 'day')}{malformed}"
            )
    if refused:
        raise type(refused[0])("\n".join(str(err) for err in refused))


def run_plan(
    config: Path | None, assignments: list[str] | None, request: PlanRequest, *, priced: bool, as_json: bool
) -> None:
    """Prints a plan and, where it is asked for, what it will cost."""
    settings = load_settings(config, parse_assignments(assignments or []))
    warehouse = opened_source(settings)
    plan = make_plan(warehouse, settings, replace(request, check_rows=settings.quality.row_checks == "always"))
    price = price_plan(warehouse, settings, plan) if priced and plan.days else None
    if as_json:
        told = {"days": [asdict(d) for d in plan.days], "rows_without_day": plan.rows_without_day}
        print_json(told | ({"price": price_json(price)} if price else {}))
        return
    if plan.days:
        console.print(plan_table(plan, price))
    console.print(f"\n{counted(len(plan.days), 'day')} to process, {counted(plan.source_rows, 'source row')}.")
    if price is not None:
        console.print(price_line(price))
    if plan.rows_without_day:
        console.print(f"{number(plan.rows_without_day)} source rows belong to no day: their day is NULL.")


def run_status(config: Path | None, assignments: list[str] | None, *, as_json: bool) -> None:
    """Prints the state of every day."""
    settings, warehouse = opened(config, assignments)
    warehouse.create_tables()
    rows = warehouse.query("ledger_latest")
    try:
        warehouse.shape()
        plan = make_plan(warehouse, settings, PlanRequest(accept_rules=True))
    except MissingTableError as err:
        if not as_json:
            console.print(f"Nothing to tell yet: {err}")
            return
        plan = Plan((), check_rows=False)
    costs = read_costs(warehouse, settings)
    if as_json:
        due = [asdict(d) for d in plan.days]
        told = {"days": rows, "due": due, "rows_without_day": plan.rows_without_day}
        print_json(told | ({"costs": costs_json(costs)} if costs else {}))
        return
    counts = {status: [row for row in rows if row["status"] == status] for status in Status}
    good = counts[Status.PUBLISHED] + counts[Status.UNCHANGED]
    console.print(
        f"{counted(len(good), 'day')} published"
        + (f", up to {max(row['partition_date'] for row in good)}" if good else "")
        + f"; {number(len(counts[Status.BLOCKED]))} blocked, {number(len(counts[Status.FAILED]))} failed;"
        + f" {number(len(plan.days))} due."
    )
    if good:
        total = {name: sum(row[name] or 0 for row in good) for name in ("source_rows", "kept_rows", "rejected_rows")}
        console.print(
            f"{number(total['source_rows'])} source rows = {number(total['kept_rows'])} events"
            f" + {number(total['rejected_rows'])} rejected."
        )
    for sentence in in_words(costs) if costs else ():
        console.print(sentence)
    for row in [*counts[Status.BLOCKED], *counts[Status.FAILED]]:
        console.print(f"{row['partition_date']} {row['status']}: {_what(row)}")
    if plan.days:
        console.print(f"Process what is due with: {command('backfill', config)}")


def _what(row: dict[str, Any]) -> str:
    text = row["error"] or row["note"]
    return f"{text} ({number(row['source_rows'])} rows, duplicates {rate(row['duplicate_rate'])})" if text else ""


ENDINGS = {"html": "html", "json": "json", "markdown": "md"}


def run_report(
    config: Path | None,
    assignments: list[str] | None,
    out: Path | None,
    *,
    kind: str = "html",
    since: str | None = None,
    open_it: bool = False,
    as_json: bool = False,
) -> None:
    """Writes the report and says where.

    Raises:
        UsageError: The format cannot be meant.
    """
    from mixflows.report.page import write_report

    if kind not in ENDINGS:
        raise UsageError(f"{kind!r} is no format", f"Formats: {', '.join(ENDINGS)}.")
    settings, warehouse = opened(config, assignments)
    warehouse.create_tables()
    first, _ = day_bounds(parse_day(since), settings.zone) if since else (None, None)
    target = out or Path(f"mixflows-report.{ENDINGS[kind]}")
    path = write_report(warehouse, settings, target, kind=cast("Format", kind), since=first)
    if as_json:
        print_json({"report": str(path)})
    else:
        console.print(f"wrote {path}")
    if open_it:
        typer.launch(path.resolve().as_uri())
