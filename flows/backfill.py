"""The flow `backfill`: a range of days, or all of them, processed in batches."""

from datetime import date
from functools import partial

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from mixflows.days import DayRange
from mixflows.model import Mode, Plan
from mixflows.pipeline.plan import PlanRequest, make_plan
from mixflows.pipeline.run import RunResult, process
from mixflows.progress import listener
from mixflows.text import counted
from tasks.assets import materialize_tables
from tasks.batches import PrefectSteps
from tasks.names import backfill_name
from tasks.planning import leave_plan, plan_run
from tasks.reporting import ProgressArtifact, final_state, leave_artifacts, renew_report
from tasks.runs import NO_RESULTS, held_elsewhere, run_context


@flow(name="backfill", flow_run_name=backfill_name, retries=0, persist_result=False, result_storage=NO_RESULTS)
@held_elsewhere
def backfill(
    start: date | None = None,
    end: date | None = None,
    mode: Mode = Mode.DUE,
    concurrency: int | None = None,
    newest_first: bool = False,
    dry_run: bool = False,
    accept_rules: bool = False,
    config: str | None = None,
    assignments: list[str] | None = None,
) -> State[RunResult] | State[Plan]:
    """Processes the days of a range that the mode takes; without a range, of the whole source.

    Args:
        start: The first day.
        end: The last day, included.
        mode: Which days: all that is due, or only some of them; `all` takes published, unchanged days again.
        concurrency: Batches in flight; by default the setting `backfill.concurrency`.
        newest_first: Begin with the latest day.
        dry_run: Only plan.
        accept_rules: Reprocess days that were published under other rules.
        config: The settings' file.
        assignments: Settings over it, as `section.name=value`.
    """
    in_flight = [f"backfill.concurrency={concurrency}"] if concurrency is not None else []
    context = run_context(config, [*(assignments or []), *in_flight])
    check_rows = context.settings.quality.row_checks == "always"
    retry_of = context.run.retry_of
    request = PlanRequest(mode, DayRange(start, end), accept_rules, newest_first, check_rows, retry_of)
    plan = plan_run(context, request, only_reads=dry_run)
    listener().planned(plan)
    if dry_run:
        leave_plan(plan)
        size = f"{counted(len(plan.days), 'day')}, {counted(plan.source_rows, 'source row')}"
        return Completed(
            message=f"dry run: {size}{'; ' if plan.nothing else ''}{plan.nothing}",
            data=plan,
        )
    again = partial(make_plan, context.warehouse, context.settings, request)
    result = process(context, plan, PrefectSteps(context), ProgressArtifact(plan).day_done, again)
    leave_artifacts(context, result)
    materialize_tables(context, result)
    renew_report(context, result.outcomes)
    return final_state(result, context.settings.command)
