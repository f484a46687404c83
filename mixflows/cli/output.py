"""How the command line shows things: tables and bars for people on standard error, JSON on standard output."""

import json
import sys
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.style import Style
from rich.table import Table
from rich.text import Text

from mixflows.costs.billed import spoken_bytes, spoken_money, spoken_seconds, spoken_slots
from mixflows.intake.landing import Landing
from mixflows.ledger.new_files import NewFile
from mixflows.model import DayOutcome, Plan, Status
from mixflows.pipeline.price import Price
from mixflows.progress import Listener, Step, listening
from mixflows.text import counted, percent, plain_lines

STYLES = {Status.PUBLISHED: "green", Status.UNCHANGED: "dim", Status.BLOCKED: "yellow", Status.FAILED: "red"}
SHOWN_DAYS = 40
"""A table shows at most this many days; days that need a person come first."""

SHOWN_FILES = 3
"""A planned day names at most this many new files."""
PIPED_WIDTH = 140
"""Columns where the output goes to a file or a pipe."""

STARTING_SERVER = "Starting a Prefect server…"
STANDARD_OUTPUT = Path("-")
"""What `--out` calls it."""


class Terminal(Console):
    """Prints text as text, in tables too: no markup, no names of emoji, nothing that is not printable.

    A sentence or a command is one line, whatever the terminal's width; tables fold their cells.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(highlight=False, markup=False, emoji=False, **options)

    def print(self, *objects: Any) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Prints on a line of its own."""
        super().print(*objects, soft_wrap=all(isinstance(each, str | Text) for each in objects))

    def render_str(self, text: str, **options: Any) -> Text:  # pyright: ignore[reportIncompatibleMethodOverride]
        """What becomes of each text that is printed, alone or in a cell."""
        return super().render_str(plain_lines(text), **options)


def styled(text: object, style: str | Style) -> Text:
    """A text in a style; the way to colours and bold letters, as there is no markup."""
    return Text(plain_lines(text), style)


console = Terminal()
if not console.is_terminal:
    console = Terminal(width=PIPED_WIDTH)
bars = Terminal(stderr=True)


def print_json(value: object) -> None:
    """Prints one JSON document on standard output."""
    json.dump(value, sys.stdout, default=_json_value, indent=2)
    sys.stdout.write("\n")


def _json_value(value: object) -> object:
    if isinstance(value, datetime | date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON form")


def outcome_json(outcome: DayOutcome) -> dict[str, Any]:
    """A day's ledger row, and the expectations that failed."""
    failed = [asdict(finding) for finding in outcome.findings if not finding.success]
    return {**asdict(outcome.row), "failed_expectations": failed}


def number(value: float | None) -> str:
    """A count with thousands separators; nothing for None."""
    return "" if value is None else f"{value:,.0f}"


def rate(value: float | None) -> str:
    """A share in percent."""
    return "" if value is None else percent(value)


def table_of(words: Sequence[str], numbers: Sequence[str] = (), folded: str | None = None) -> Table:
    """An empty table without lines.

    Args:
        words: Names of its first columns.
        numbers: Names of the columns after them, which are aligned to the right.
        folded: The name of a last column, whose long texts take several lines.
    """
    table = Table(box=None, pad_edge=False, header_style="bold", caption_justify="left")
    for name in words:
        table.add_column(name, no_wrap=True)
    for name in numbers:
        table.add_column(name, justify="right", no_wrap=True)
    if folded is not None:
        table.add_column(folded, overflow="fold")
    return table


def outcomes_table(outcomes: Sequence[DayOutcome]) -> Table:
    """A table of processed days, those that need a person first."""
    order = [Status.FAILED, Status.BLOCKED, Status.PUBLISHED, Status.UNCHANGED]
    shown = sorted(outcomes, key=lambda o: (order.index(o.row.status), not o.warned, o.row.partition_date))
    table = table_of(("day", "status", "why"), ("rows", "kept", "rejected", "duplicate rate"), "note")
    for outcome in shown[:SHOWN_DAYS]:
        row = outcome.row
        failed = dict.fromkeys(finding.expectation for finding in outcome.findings if not finding.success)
        table.add_row(
            str(row.partition_date),
            styled(row.status, STYLES[row.status]),
            row.plan_reason,
            number(row.source_rows),
            number(row.kept_rows),
            number(row.rejected_rows),
            rate(row.duplicate_rate),
            row.error or ", ".join(name.replace("_", " ") for name in failed) or row.note,
        )
    if len(shown) > SHOWN_DAYS:
        table.caption = f"and {counted(len(shown) - SHOWN_DAYS, 'more day')} without a note"
    return table


def plan_table(plan: Plan, files: Mapping[date, Sequence[NewFile]], price: Price | None = None) -> Table:
    """A table of planned days with their reasons, new rows and files and, where they are known, their bytes."""
    bytes_billed = {day.day: day.bytes_billed for day in price.days} if price and price.bytes_billed is not None else {}
    costs = ("bytes", "cost") if bytes_billed else ()
    table = table_of(("day", "why"), ("rows", "new", *costs), "from" if files else None)
    for day in plan.days[:SHOWN_DAYS]:
        cells = [str(day.day), day.reason, number(day.source_rows), number(day.new_rows)]
        if price is not None and (billed := bytes_billed.get(day.day)) is not None:
            cells += [spoken_bytes(billed), spoken_money(price.money(billed) or 0)]
        table.add_row(*cells, *([_file_names(files.get(day.day, ()))] if files else []))
    if len(plan.days) > SHOWN_DAYS:
        table.caption = f"and {counted(len(plan.days) - SHOWN_DAYS, 'more day')}; --json lists all"
    return table


def _file_names(files: Sequence[NewFile]) -> str:
    named = ", ".join(file.file_name for file in files[:SHOWN_FILES])
    return f"{named} and {len(files) - SHOWN_FILES:,} more" if len(files) > SHOWN_FILES else named


def price_line(price: Price) -> str:
    """What a whole plan will cost, in one line; what is not known says so."""
    billed, slot_ms = price.bytes_billed, price.slot_ms
    parts = ["bytes unknown: the warehouse bills none, or its dry runs do not count them"]
    if billed is not None:
        parts = [f"{spoken_bytes(billed)}, {spoken_money(price.money(billed) or 0)} at {price.price_per_tib:g} per TiB"]
    if price.flagged_bytes:
        parts.append(f"up to {spoken_bytes(price.flagged_bytes)} more for a day that is flagged or blocked")
    if slot_ms is not None:
        parts.append(f"about {spoken_slots(slot_ms)}")
    parts.append(
        f"about {spoken_seconds(price.seconds)}" if price.seconds is not None else "time unknown before a first run"
    )
    by = " Slot time and time are the model's (docs/scale.md) until the ledger has a run." if price.modelled else ""
    return f"Price: {'; '.join(parts)}.{by}"


def price_json(price: Price) -> dict[str, Any]:
    """A price with its totals."""
    totals = {"bytes_billed": price.bytes_billed, "slot_ms": price.slot_ms, "cost": price.money(price.bytes_billed)}
    return {**asdict(price), **totals}


class Notices(Listener):
    """A Listener that says on standard error what a command waits for."""

    def waiting(self, why: str) -> None:
        """Prints it on a line."""
        bars.print(why)


class Bars(Notices):
    """The same with progress bars for landing and for days, and the page of a flow run if its server outlives the command."""

    def __init__(self, progress: Progress, *, shows_page: bool) -> None:
        self._progress, self._shows_page = progress, shows_page
        self._days: TaskID | None = None
        self._shares: dict[date, float] = {}
        self._files: dict[str, TaskID] = {}

    def started(self, page: str) -> None:
        """Prints the page's address on a line."""
        if self._shows_page:
            bars.print(f"Flow run: {page}")

    def planned(self, plan: Plan) -> None:
        """Starts the bar of days."""
        self._shares = dict.fromkeys((planned.day for planned in plan.days), 0.0)
        self._days = self._progress.add_task(counted(len(plan.days), "day"), total=len(plan.days))

    def step_done(self, days: Iterable[date], step: Step) -> None:
        """Moves the bar by the share of the days' work; never back, as when a batch that failed is done day by day."""
        self._move(dict.fromkeys(days, step.value), step.name.lower())

    def day_done(self, outcome: DayOutcome) -> None:
        """Moves the bar to the day's end."""
        self._move({outcome.row.partition_date: 1.0}, "done")

    def _move(self, shares: Mapping[date, float], what: str) -> None:
        if self._days is None:
            return
        for day in shares.keys() & self._shares.keys():
            self._shares[day] = max(self._shares[day], shares[day])
        description = f"{counted(len(self._shares), 'day')}{f', {min(shares)} {what}' if shares else ''}"
        self._progress.update(self._days, completed=sum(self._shares.values()), description=description)

    def file_progress(self, name: str, share: float) -> None:
        """Moves a file's bar."""
        if name not in self._files:
            self._files[name] = self._progress.add_task(name, total=100)
        self._progress.update(self._files[name], completed=round(100 * share))

    def landed(self, landing: Landing) -> None:
        """Takes a landed file's bar away."""
        if (task := self._files.pop(landing.file_name, None)) is not None:
            self._progress.remove_task(task)


@contextmanager
def starting_server() -> Generator[None]:
    """Says that a Prefect server is starting: on a terminal for as long as the block runs, else on a line."""
    if bars.is_terminal:
        with bars.status(STARTING_SERVER):
            yield
    else:
        bars.print(STARTING_SERVER)
        yield


@contextmanager
def progress_bars(*, shows_page: bool = False) -> Generator[Bars]:
    """Draws bars on standard error for as long as the block runs, where it is a terminal.

    Args:
        shows_page: Whether the address of a flow run's page is printed.
    """
    columns = (
        TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(), TimeElapsedColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=bars, transient=True, disable=not bars.is_terminal) as progress:
        shown = Bars(progress, shows_page=shows_page)
        with listening(shown):
            yield shown
