"""The flow `daily`: every day that is new or has changed, up to the last complete one."""

from dataclasses import replace
from datetime import UTC, date, datetime
from functools import partial

from prefect import flow
from prefect.client.schemas.objects import State

from mixflows.days import DayRange, last_complete_day
from mixflows.pipeline.plan import PlanRequest, make_plan
from mixflows.pipeline.run import RunResult, process
from mixflows.progress import listener
from tasks.alerts import tell_of_duplicates
from tasks.assets import materialize_tables
from tasks.batches import PrefectSteps
from tasks.fetching import fetch_due_days
from tasks.names import daily_name
from tasks.planning import plan_run
from tasks.reporting import final_state, leave_artifacts, renew_report
from tasks.runs import NO_RESULTS, held_elsewhere, opened, settings_of


@flow(name="daily", flow_run_name=daily_name, retries=0, persist_result=False, result_storage=NO_RESULTS)
@held_elsewhere
def daily(
    as_of: date | None = None,
    accept_rules: bool = False,
    config: str | None = None,
    assignments: list[str] | None = None,
) -> State[RunResult]:
    """Fetches what is due, where Mixpanel feeds the source; then processes every day that the plan finds due, up to `as_of`.

    Args:
        as_of: The last complete day; by default yesterday in the project's time zone.
        accept_rules: Reprocess days that were published under other rules.
        config: The settings' file.
        assignments: Settings over it, as `section.name=value`.
    """
    settings = settings_of(config, assignments or [])
    not_fetched = fetch_due_days(settings)
    context = opened(settings)
    request = PlanRequest(
        days=DayRange(end=as_of or last_complete_day(datetime.now(UTC), settings.zone)),
        accept_rules=accept_rules,
        check_rows=settings.quality.row_checks != "never",
        retry_of=context.run.retry_of,
    )
    plan = plan_run(context, request)
    listener().planned(plan)
    again = partial(make_plan, context.warehouse, settings, request)
    result = process(context, plan, PrefectSteps(context), listener().day_done, again)
    result = replace(result, not_fetched=not_fetched)
    leave_artifacts(context, result)
    materialize_tables(context, result)
    renew_report(context, result.outcomes)
    tell_of_duplicates(context, result)
    return final_state(result, settings.command)
