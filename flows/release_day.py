"""The flow `release`: a blocked day is published as it is, with the reason."""

from datetime import date

from prefect import flow

from mixflows.model import DayOutcome
from tasks.looking import release_one
from tasks.reporting import renew_report
from tasks.runs import current_run, settings_of


@flow(name="release")
def release(day: date, because: str, config: str | None = None, assignments: list[str] | None = None) -> DayOutcome:
    """Publishes a blocked day, unless its source is no longer the one that was looked at.

    Args:
        day: The blocked day.
        because: Why it is right as it is; kept in the ledger and shown in the report.
        config: The settings' file.
        assignments: Settings over it, as `section.name=value`.
    """
    settings = settings_of(config, assignments or [])
    outcome = release_one(settings, day, because, current_run())
    renew_report(settings, [outcome])
    return outcome
