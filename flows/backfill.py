"""The flow `backfill`: a range of days, or all of them, processed side by side."""

from datetime import date

from prefect import flow
from prefect.artifacts import create_table_artifact
from prefect.states import Completed, State

from mixflows.days import DayRange
from mixflows.model import Mode, Plan
from mixflows.pipeline.plan import PlanRequest
from mixflows.pipeline.process import RunResult, process
from mixflows.progress import listener
from mixflows.warehouse import open_warehouse
from tasks.days import PrefectSteps
from tasks.planning import plan_run
from tasks.reporting import ProgressArtifact, final_state, leave_artifacts
from tasks.runs import current_run, settings_of


@flow(name="backfill")
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
) -> State[RunResult | Plan]:
    """Processes the days of a range that the mode takes; without a range, of the whole source.

    Args:
        start: The first day.
        end: The last day, included.
        mode: Which days: all that is due, or only some of them; `all` takes published, unchanged days again.
        concurrency: Days in flight; by default the setting `backfill.concurrency`.
        newest_first: Begin with the latest day.
        dry_run: Only plan.
        accept_rules: Judge days anew that were published under other rules.
        config: The settings' file.
        assignments: Settings over it, as `section.name=value`.
    """
    words = [*(assignments or []), *([f"backfill.concurrency={concurrency}"] if concurrency is not None else [])]
    settings = settings_of(config, words)
    check_rows = settings.quality.row_checks == "always"
    plan = plan_run(settings, PlanRequest(mode, DayRange(start, end), accept_rules, newest_first, check_rows))
    listener().planned(plan)
    if dry_run:
        rows = [{"day": str(d.day), "reason": d.reason.value, "rows": d.source_rows} for d in plan.days]
        create_table_artifact(table=rows, key="mixflows-plan", description="What a backfill would process")
        return Completed(message=f"dry run: {len(plan.days):,} days, {plan.source_rows:,} source rows", data=plan)
    run, progress = current_run(), ProgressArtifact(plan)
    steps = PrefectSteps(settings, run, concurrency=settings.backfill.concurrency)
    result = process(open_warehouse(settings), settings, run, plan, steps, progress.day_done)
    leave_artifacts(result)
    return final_state(result)
