"""How standing trouble is printed: the days, and the commands that help, each on a line of its own."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from mixflows.cli.output import console
from mixflows.cli.session import command
from mixflows.ledger.standing import FlaggedDay, StandingDay, commands_for, helping_commands
from mixflows.model import Status
from mixflows.text import counted

SHOWN = 10


def print_standing(standing: Sequence[StandingDay], config: Path | None) -> None:
    """Prints blocked and failed days, and what to do about them; nothing where there are none."""
    for kind in (Status.FAILED, Status.BLOCKED):
        days = [day for day in standing if day.status is kind]
        if not days:
            continue
        stays = "; what was published before stays" if kind is Status.BLOCKED else ""
        console.print(f"\n{counted(len(days), 'day')} {'is' if len(days) == 1 else 'are'} {kind}{stays}:")
        for day in days[:SHOWN]:
            console.print(f"  {day.day}: {day.why}")
        if len(days) > SHOWN:
            console.print(f"  and {len(days) - SHOWN:,} more: {command('status', config=config)}")
    for line in helping_commands(standing, partial(command, config=config)):
        console.print(f"  {line}")


def print_flagged(days: Sequence[FlaggedDay], config: Path | None, count: int | None = None) -> None:
    """Prints published days that an expectation flags, and how to look closer; nothing where there are none.

    Args:
        days: Ascending; the latest are shown.
        count: How many there are; by default these.
    """
    if not days:
        return
    total = len(days) if count is None else count
    shown = days[-SHOWN:]
    console.print(f"\n{counted(total, 'day')} {'is' if total == 1 else 'are'} published with a warning:")
    for day in shown:
        console.print(f"  {day.day}: {day.why}")
    if total > len(shown):
        console.print(f"  and {total - len(shown):,} earlier: {command('report', config=config)}")
    for line in commands_for(shown[-1].day, Status.PUBLISHED, command=partial(command, config=config)):
        console.print(f"  {line}")


def standing_json(standing: Sequence[StandingDay]) -> list[dict[str, Any]]:
    """Standing trouble for programs."""
    return [vars(day) for day in standing]
