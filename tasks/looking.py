"""Look at a day, and release a blocked one."""

from collections.abc import Callable
from datetime import date

from prefect import get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from expectations.gate import GreatExpectationsAuditor
from mixflows.ledger.standing import commands_for
from mixflows.model import DayOutcome, Status
from mixflows.pipeline.context import RunContext
from mixflows.pipeline.inspect import Inspection, facts, inspect_day
from mixflows.pipeline.release import release_day
from mixflows.text import markdown
from mixflows.verdict import Severity


@task(name="inspect", task_run_name="inspect {day}", cache_policy=NO_CACHE, retries=0, persist_result=False)
def inspect_one(context: RunContext, day: date) -> str:
    """Inspects a day; see `mixflows.pipeline.inspect.inspect_day`. Returns what it leaves, in Markdown."""
    auditor = GreatExpectationsAuditor(context.settings, context.warehouse.row_access())
    found = told(inspect_day(context, day, auditor), context.settings.command)
    create_markdown_artifact(markdown=found, key="mixflows-inspect", description=f"A close look at {day}")
    return found


@task(name="release", task_run_name="release {day}", cache_policy=NO_CACHE, retries=0, persist_result=False)
def release_one(context: RunContext, day: date, because: str) -> DayOutcome:
    """Releases a blocked day; see `mixflows.pipeline.release.release_day`."""
    auditor = GreatExpectationsAuditor(context.settings, context.warehouse.row_access())
    outcome = release_day(context, day, because, auditor)
    get_run_logger().info("%s %s: %s", outcome.row.partition_date, outcome.row.status, outcome.row.note)
    return outcome


def told(found: Inspection, command: Callable[..., str]) -> str:
    """An inspection in Markdown, with command lines that `command` writes; values are as masked as the samples are."""
    state = f"is {found.state.status.value}" if found.state else "was never taken by a run"
    lines = [f"**{found.staged.day}** {state}."]
    if found.changed_since:
        lines.append("Its source has changed since it was judged; this is what it holds now.")
    lines += ["", markdown(found.why)] if found.why else []
    lines += ["", "| | rows |", "|---|---:|", *(f"| {name} | {value:,} |" for name, value in facts(found).items()), ""]
    failed = [finding for finding in found.verdict.findings if not finding.success]
    lines += [f"- {finding.severity.value}: {markdown(finding)}" for finding in failed] or ["Every expectation passes."]
    for sample in found.samples:
        how = "invalid" if sample.exact is None else "exact copy" if sample.exact else "other content"
        which = ", ".join(filter(None, (sample.event, sample.time)))  # an insert id is a matter of the warehouse
        lines.append(f"- sample, {markdown(which)}: {sample.reason}, {how}")
        lines += [f"    - {markdown(d.name)}: {markdown(d.winner)} / {markdown(d.copy)}" for d in sample.differences]
    lines += ["", "Its rejected rows:", "", "```sql", found.rejected_sql, "```"]
    if found.state and found.state.status is Status.BLOCKED:
        names = tuple(dict.fromkeys(f.expectation for f in failed if f.severity is Severity.CRITICAL))
        lines += ["", "```", *commands_for(found.staged.day, found.state.status, names, command=command), "```"]
    return "\n".join(lines)
