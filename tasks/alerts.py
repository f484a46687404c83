"""Alerts: events for what no single day shows."""

from collections.abc import Mapping
from datetime import date, timedelta

from prefect.events import emit_event

from mixflows.pipeline.context import RunContext
from mixflows.pipeline.run import RunResult

DUPLICATES_HIGH = "mixflows.duplicate-rate.high"
"""The event that automations wait for."""
STREAK_DAYS = 3


def duplicate_streak(rates: Mapping[date, float | None], last: date, warning: float) -> int:
    """How many days in a row, up to and with `last`, have a duplicate rate above the warning.

    Args:
        rates: Duplicate rate by day; None, or no entry, where it cannot be judged.
        last: The day that ends the row.
        warning: The rate to be above.
    """
    days = 0
    while ((rate := rates.get(last - timedelta(days=days))) is not None) and rate > warning:
        days += 1
    return days


def tell_of_duplicates(context: RunContext, result: RunResult) -> None:
    """Emits `mixflows.duplicate-rate.high` where this run processed the newest day, and it ends three days above.

    A lasting fault of an SDK stays below the critical bound of each day, and only its length tells it from chance.
    """
    settings = context.settings
    warning = settings.quality.duplicate_rate.warning
    if not result.outcomes or warning is None:
        return
    rows = context.warehouse.query("ledger_latest")
    can_be_judged = (row for row in rows if (row["source_rows"] or 0) >= settings.quality.min_rows)
    rates: dict[date, float | None] = {row["partition_date"]: row["duplicate_rate"] for row in can_be_judged}
    last = max(rates, default=None)
    whys = {outcome.row.partition_date: outcome.row.note for outcome in result.outcomes}
    if last is None or last not in whys:
        return
    if (days := duplicate_streak(rates, last, warning)) >= STREAK_DAYS:
        emit_event(
            DUPLICATES_HIGH,
            resource={"prefect.resource.id": f"mixflows.table.{settings.tables.events}"},
            payload={
                "last_day": str(last),
                "days": days,
                "duplicate_rate": rates[last],
                "warning": warning,
                "why": whys[last],
            },
        )
