"""What `mixflows land --whole-days` does."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path

from mixflows.cli.output import console, number, print_json, progress_bars
from mixflows.cli.session import opened
from mixflows.days import DayRange, parse_day
from mixflows.errors import UsageError
from mixflows.intake.finding import find_files
from mixflows.intake.slots import Delivery, Superseded
from mixflows.pipeline.land import supersede
from mixflows.text import counted, plain

SHOWN_DAYS = 7


def run_whole_days(
    config: Path | None,
    assignments: list[str] | None,
    files: list[str],
    days: str,
    *,
    again: bool,
    accept_shrink: Sequence[str],
    as_json: bool,
    allow_malformed: bool = False,
) -> None:
    """Makes days what one file says of them.

    Args:
        days: FIRST..LAST, or one day, on the clock of `landing.time_zone`.
        again: Refused: whole days are landed again as they are.
        accept_shrink: Those of them that may lose events.

    Raises:
        UsageError: It is not one file, or the days cannot be meant.
        LandingError: The file was refused.
        WarehouseError: The warehouse could not take it.
    """
    if again:
        raise UsageError(
            "--again does not go with --whole-days, which lands a file again as it is", "Leave out --again."
        )
    first, last = whole_days(days)
    accepted = frozenset(map(parse_day, accept_shrink))
    if others := sorted(day for day in accepted if day not in DayRange(first, last)):
        raise UsageError(f"--accept-shrink {others[0]} is none of the days {days}", "Name days of --whole-days.")
    settings, warehouse = opened(config, assignments)
    found = find_files(files).files
    if len(found) != 1:
        raise UsageError(
            f"--whole-days takes one file, which holds all of {days}; {len(found):,} were named",
            "Land each file with its own days, or put the parts of one export into one file.",
        )
    (path,) = found
    delivery = Delivery(path, plain(path.name), first, last, accept_shrink=accepted)
    with progress_bars() as bars:
        superseded = supersede(
            warehouse, settings, delivery, allow_malformed=allow_malformed,
            on_progress=lambda share: bars.file_progress(delivery.slot, share),
        )  # fmt: skip
        bars.landed(superseded.landing)
    if as_json:
        print_json(asdict(superseded))
    else:
        console.print(_summary(superseded))


def whole_days(text: str) -> tuple[date, date]:
    """Reads FIRST..LAST, or one day.

    Raises:
        UnknownDayError: A day cannot be read, or the last lies before the first.
    """
    first, dots, last = text.partition("..")
    start, end = parse_day(first), parse_day(last if dots else first)
    DayRange(start, end)  # refuses an end before the start
    return start, end


def _summary(superseded: Superseded) -> str:
    lines = f"{superseded.slot}: {counted(superseded.lines, 'line')}"
    if superseded.status == "unchanged":
        return f"{lines}, all of them landed before; nothing was written."
    parts = [
        f"{number(superseded.new)} new",
        f"{number(superseded.restated)} restated",
        f"{number(superseded.same)} unchanged",
        *([f"{number(superseded.back)} back"] if superseded.back else []),
        *([f"{number(superseded.malformed)} malformed"] if superseded.malformed else []),
    ]
    gone = f"; {counted(superseded.gone, 'earlier row')} no longer delivered" if superseded.gone else ""
    days = ", ".join(map(str, superseded.days[:SHOWN_DAYS]))
    more = f" and {len(superseded.days) - SHOWN_DAYS:,} more" if len(superseded.days) > SHOWN_DAYS else ""
    return f"{lines}: {', '.join(parts)}{gone}. Changed days: {days or 'none'}{more}."
