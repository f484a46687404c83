"""Plan: which days a run processes."""

from prefect import get_run_logger, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE

from mixflows.model import Plan
from mixflows.pipeline.context import RunContext
from mixflows.pipeline.plan import PlanRequest, make_plan


@task(name="plan", cache_policy=NO_CACHE, retries=0, persist_result=False)
def plan_run(context: RunContext, request: PlanRequest, *, only_reads: bool = False) -> Plan:
    """Plans a run; see `mixflows.pipeline.plan.make_plan`. Raises MissingTableError where nothing was landed yet."""
    plan = make_plan(context.warehouse, context.settings, request, only_reads=only_reads)
    get_run_logger().info("planned %s days, %s source rows", f"{len(plan.days):,}", f"{plan.source_rows:,}")
    return plan


def leave_plan(plan: Plan) -> None:
    """Leaves a table of the planned days."""
    rows = [{"day": str(day.day), "reason": day.reason.value, "rows": day.source_rows} for day in plan.days]
    create_table_artifact(table=rows, key="mixflows-plan", description="What a backfill would process")
