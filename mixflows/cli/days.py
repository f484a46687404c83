"""What `plan` and `status` do."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from mixflows.cli.output import console, number, plan_table, price_json, price_line, print_json
from mixflows.cli.session import command, opened_source, opened_to_read
from mixflows.cli.standing import print_flagged, print_standing, standing_json
from mixflows.costs.billed import costs_json, in_words, read_costs
from mixflows.days import DayRange, parse_day
from mixflows.errors import MissingTableError, UsageError
from mixflows.ledger.new_files import new_files
from mixflows.ledger.standing import exit_code_of, flagged_days, standing_days
from mixflows.model import Mode, Plan, PlanReason, Status
from mixflows.pipeline.plan import PlanRequest, make_plan
from mixflows.pipeline.price import price_plan
from mixflows.pipeline.totals import read_totals
from mixflows.settings import load_settings, parse_assignments
from mixflows.text import counted

FLAGGED_SHOWN = 3
"""Days with a warning that `status` tells of, the latest ones."""


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


def run_plan(
    config: Path | None, assignments: list[str] | None, request: PlanRequest, *, priced: bool, as_json: bool
) -> None:
    """Prints a plan and, where it is asked for, what it will cost."""
    settings = load_settings(config, parse_assignments(assignments or []))
    warehouse = opened_source(settings)
    request = replace(request, check_rows=settings.quality.row_checks == "always")
    plan = make_plan(warehouse, settings, request, only_reads=True)
    price = price_plan(warehouse, settings, plan) if priced and plan.days else None
    files = new_files(warehouse)
    if as_json:
        days = [{**asdict(d), "files": [asdict(file) for file in files.get(d.day, ())]} for d in plan.days]
        told: dict[str, Any] = {"days": days, "rows_without_day": plan.rows_without_day}
        told |= {"nothing": plan.nothing} if plan.nothing else {}
        print_json(told | ({"price": price_json(price)} if price else {}))
        return
    if plan.days:
        console.print(plan_table(plan, files, price))
    elif plan.nothing:
        console.print(f"Nothing to do: {plan.nothing}.")
    console.print(
        f"\n{counted(len(plan.days), 'day')} to process, {counted(plan.source_rows, 'source row')},"
        f" {number(plan.new_rows)} of them new."
    )
    if price is not None:
        console.print(price_line(price))
    if plan.rows_without_day:
        console.print(
            f"{number(plan.rows_without_day)} source rows belong to no day: it is missing, no midnight, or not in 1900 to 2199."
        )


def run_status(config: Path | None, assignments: list[str] | None, *, as_json: bool) -> int:
    """Prints the state of every day.

    Returns:
        The exit code of a run that leaves the days so.
    """
    try:
        settings, warehouse = opened_to_read(config, assignments)
        rows = warehouse.query("ledger_latest")
    except MissingTableError as err:
        _print_no_days(err, as_json=as_json)
        return 0
    try:
        plan = make_plan(warehouse, settings, PlanRequest(accept_rules=True), only_reads=True)
        totals = read_totals(warehouse, settings)
    except MissingTableError as err:
        if not as_json:
            _print_no_days(err, as_json=as_json)
            return 0
        plan, totals = Plan((), check_rows=False), None
    costs = read_costs(warehouse, settings)
    standing = standing_days(warehouse)
    code = exit_code_of(standing)
    if as_json:
        told = {
            "days": rows,
            "due": [asdict(d) for d in plan.days],
            "rows_without_day": plan.rows_without_day,
            "totals": totals and asdict(totals),
            "standing": standing_json(standing),
            "exit_code": code,
        }
        print_json(told | ({"costs": costs_json(costs)} if costs else {}))
        return code
    counts = {status: [row for row in rows if row["status"] == status] for status in Status}
    good = counts[Status.PUBLISHED] + counts[Status.UNCHANGED]
    console.print(
        f"{counted(len(good), 'day')} published"
        + (f", up to {max(row['partition_date'] for row in good)}" if good else "")
        + f"; {number(len(counts[Status.BLOCKED]))} blocked, {number(len(counts[Status.FAILED]))} failed;"
        + f" {number(len(plan.days))} due."
    )
    if totals is not None:
        console.print(f"{totals}.")
    for sentence in in_words(costs) if costs else ():
        console.print(sentence)
    count, flagged = flagged_days(warehouse, standing, FLAGGED_SHOWN)
    print_flagged(flagged, config, count)
    print_standing(standing, config)
    if plan.days:
        words = ["--accept-rules"] if any(day.reason is PlanReason.RULES_CHANGED for day in plan.days) else []
        console.print(f"Process what is due with: {command('backfill', *words, config=config)}")
    return code


def _print_no_days(err: MissingTableError, *, as_json: bool) -> None:
    if as_json:
        print_json({"days": [], "due": [], "rows_without_day": 0})
    else:
        console.print(f"Nothing to tell yet: {err}")
