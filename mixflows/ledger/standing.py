"""Standing trouble: days whose latest run blocked or failed them, whichever run that was."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from mixflows.days import DayRange
from mixflows.ledger.profiles import read_profiles
from mixflows.model import Status
from mixflows.profile.why import why
from mixflows.settings import QualitySettings
from mixflows.verdict import Finding
from mixflows.warehouse.base import Warehouse

FAILED, BLOCKED = 1, 3
"""Exit codes of a run that leaves such days."""


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


@dataclass(frozen=True)
class FlaggedDay:
    """A published day that failed an expectation of severity warning.

    Attributes:
        why: One sentence.
    """

    day: date
    why: str


def flagged_days(
    warehouse: Warehouse, standing: Sequence[StandingDay], latest: int
) -> tuple[int, tuple[FlaggedDay, ...]]:
    """How many published days are flagged, and the latest of them, ascending.

    Args:
        standing: The blocked and failed days: these are not flagged as well.
        latest: At most so many are told of.
    """
    findings: dict[date, list[Finding]] = {}
    for row in warehouse.query("report_findings", {"failed_only": True}):
        findings.setdefault(row["partition_date"], []).append(Finding.of_row(row))
    flagged = sorted(findings.keys() - {day.day for day in standing})
    return len(flagged), tuple(
        FlaggedDay(day, _why_flagged(warehouse, day, findings[day])) for day in flagged[-latest:]
    )


def _why_flagged(warehouse: Warehouse, day: date, findings: Sequence[Finding]) -> str:
    known = read_profiles(warehouse, day, day).get(day)
    return why(findings, known.figures.source_rows, known.breakdown) if known else why(findings, None)


def commands_for(day: date, status: Status, failed: Sequence[str] = (), *, command: Callable[..., str]) -> list[str]:
    """What a person types, or changes, about a day: a line each.

    Args:
        failed: The names of the critical expectations that blocked it.
        command: Writes a command line of its words, such as `Settings.command`.
    """
    if status is Status.FAILED:
        return [command("backfill", "--mode", "failed")]
    if status is not Status.BLOCKED:
        return [command("inspect", str(day))]
    lines = [
        command("inspect", str(day)),
        command("release", str(day), '--because "…"'),
        command("acknowledge", str(day), '--because "…"'),
    ]
    bounds = [f"quality.{name}.critical" for name in failed if name in QualitySettings.model_fields]
    if bounds:
        lines.append(f"or raise {' or '.join(bounds)} in the settings, then {command('run')}")
    return lines


def helping_commands(standing: Sequence[StandingDay], command: Callable[..., str]) -> list[str]:
    """What to type or change for the first failed or blocked day that nobody has acknowledged; a line each.

    Args:
        command: Writes a command line of its words, such as `Settings.command`.
    """
    blocked = [day for day in standing if day.status is Status.BLOCKED and not day.acknowledged]
    lines: list[str] = []
    if blocked:
        lines += commands_for(blocked[0].day, Status.BLOCKED, blocked[0].failed_expectations, command=command)
    if failed := [day for day in standing if day.status is Status.FAILED]:
        lines += commands_for(failed[0].day, Status.FAILED, command=command)
    return lines
