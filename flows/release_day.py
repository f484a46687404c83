"""The flow `release`: a blocked day is published as it is, with the reason."""

from datetime import date
from typing import Any

from prefect import State, flow

from mixflows.model import DayOutcome, Status
from mixflows.pipeline.run import RunResult
from tasks.looking import release_one
from tasks.reporting import final_state, renew_report
from tasks.runs import NO_RESULTS, held_elsewhere, run_context


@flow(name="release", flow_run_name="release {day}", retries=0, persist_result=False, result_storage=NO_RESULTS)
@held_elsewhere
def release(
    day: date, because: str, config: str | None = None, assignments: list[str] | None = None
) -> DayOutcome | State[Any]:
    """Publishes a blocked day, unless its source is no longer the one that was looked at. Ends Failed where that fails.

    Args:
        day: The blocked day.
        because: Why it is right as it is; kept in the ledger and shown in the report.
        config: The settings' file.
        assignments: Settings over it, as `section.name=value`.
    """
    context = run_context(config, assignments or [])
    outcome = release_one(context, day, because)
    renew_report(context, [outcome])
    failed = outcome.row.status is Status.FAILED
    return final_state(RunResult(context.run, (outcome,), {}), context.settings.command) if failed else outcome
