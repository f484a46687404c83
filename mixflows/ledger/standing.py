"""Standing trouble: days whose latest run blocked or failed them, whichever run that was."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from mixflows.days import DayRange
from mixflows.model import Status
from mixflows.settings import QualitySettings
from mixflows.warehouse.base import Warehouse

FAILED, BLOCKED = 1, 3
"""Exit codes of a run that leaves such days."""


def mixflows(*words: str) -> str:
    """A command line."""
    return " ".join(["mixflows", *words])


@dataclass(frozen=True)
class StandingDay:
    """A day that is not published as its source is, because it was blocked or failed.

    Attributes:
        why: One line.
        failed_expectations: The names of the critical expectations that blocked it.
        acknowledged: Why a person lets it stand; empty where nobody does. It then counts for no exit code.
    """

    day: date
    status: Status
    why: str
    failed_expectations: tuple[str, ...] = ()
    acknowledged: str = ""


def standing_days(warehouse: Warehouse, days: DayRange | None = None) -> tuple[StandingDay, ...]:
    """The blocked and failed days of a range, ascending; without a range, of the whole ledger."""
    rows = warehouse.query("ledger_latest")
    return tuple(
        StandingDay(
            day=row["partition_date"],
            status=Status(row["status"]),
            why=" ".join((row["error"] or row["note"] or "").split()),
            failed_expectations=tuple(filter(None, (row.get("failed_expectations") or "").split(","))),
            acknowledged=row.get("acknowledged") or "",
        )
        for row in rows
        if row["status"] in (Status.BLOCKED, Status.FAILED) and (days is None or row["partition_date"] in days)
    )


def exit_code_of(standing: Sequence[StandingDay]) -> int:
    """1 where a day failed, 3 where one is blocked that nobody has acknowledged, else 0."""
    loud = {day.status for day in standing if not day.acknowledged}
    if Status.FAILED in loud:
        return FAILED
    return BLOCKED if Status.BLOCKED in loud else 0


def helping_commands(standing: Sequence[StandingDay], command: Callable[..., str] = mixflows) -> list[str]:
    """What to type or change for the first failed or blocked day that nobody has acknowledged; a line each.

    Args:
        command: Writes a command line of these words.
    """
    blocked = [day for day in standing if day.status is Status.BLOCKED and not day.acknowledged]
    lines: list[str] = []
    if blocked:
        day, failed = str(blocked[0].day), blocked[0].failed_expectations
        lines += [
            command("inspect", day),
            command("release", day, '--because "…"'),
            command("acknowledge", day, '--because "…"'),
        ]
        bounds = [f"quality.{name}.critical" for name in failed if name in QualitySettings.model_fields]
        if bounds:
            lines.append(f"or raise {' or '.join(bounds)} in the settings, then {command('run')}")
    if any(day.status is Status.FAILED for day in standing):
        lines.append(command("backfill", "--mode", "failed"))
    return lines
