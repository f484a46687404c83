"""Report: what a run leaves for people to read, in Prefect and as a file."""

from collections import Counter
from pathlib import Path

from prefect import get_run_logger, task
from prefect.artifacts import (
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.cache_policies import NO_CACHE
from prefect.states import Completed, Failed, State

from mixflows.model import DayOutcome, Plan, Status
from mixflows.pipeline.process import RunResult
from mixflows.progress import listener
from mixflows.report.page import write_report
from mixflows.settings import Settings
from mixflows.warehouse import open_warehouse

NAMED_DAYS = 20
"""A message names at most this many days, and says how many more there are."""


@task(name="write-report", cache_policy=NO_CACHE)
def write_html_report(settings: Settings, out: Path) -> Path:
    """Writes the HTML report; see `mixflows.report.page.write_report`."""
    path = write_report(open_warehouse(settings), settings, out)
    get_run_logger().info("report written: %s", path)
    return path


class ProgressArtifact:
    """A progress artifact that moves with a backfill's days, at most once a percent."""

    def __init__(self, plan: Plan) -> None:
        self._days, self._done, self._shown = len(plan.days), 0, 0
        self._id = create_progress_artifact(progress=0.0, key="mixflows-progress", description="Days processed")

    def day_done(self, outcome: DayOutcome) -> None:
        """Counts a day."""
        listener().day_done(outcome)
        self._done += 1
        percent = 100 * self._done // self._days
        if percent > self._shown:
            self._shown = percent
            update_progress_artifact(self._id, progress=float(percent))


def leave_artifacts(result: RunResult) -> None:
    """Leaves a table of the run's days and a summary; keys are stable, so that the UI shows their history."""
    rows = [
        {
            "day": str(row.partition_date),
            "status": row.status.value,
            "reason": row.plan_reason.value,
            "rows": row.source_rows,
            "kept": row.kept_rows,
            "rejected": row.rejected_rows,
            "duplicate rate": None if row.duplicate_rate is None else f"{row.duplicate_rate:.4%}",
            "note": row.note or row.error,
        }
        for row in (outcome.row for outcome in result.outcomes)
    ]
    create_table_artifact(table=rows, key="mixflows-days", description="Days of this run")
    create_markdown_artifact(markdown=summary(result), key="mixflows-summary", description="What this run did")


def summary(result: RunResult) -> str:
    """The run in Markdown: days by status, rows, and every day that needs a person."""
    counts = Counter(outcome.row.status for outcome in result.outcomes)
    total = sum(outcome.row.source_rows or 0 for outcome in result.outcomes)
    lines = [
        f"**{len(result.outcomes):,} days**, {total:,} source rows: "
        + ", ".join(f"{counts[status]:,} {status.value}" for status in Status if counts[status])
        + "."
    ]
    for title, outcomes in (
        ("Blocked by the quality gate", result.days(Status.BLOCKED)),
        ("Failed", result.days(Status.FAILED)),
        ("Published with warnings", [o for o in result.outcomes if o.warned]),
    ):
        if outcomes:
            lines += ["", f"### {title}", ""]
            lines += [f"- {o.row.partition_date}: {_why(o)}" for o in outcomes[:NAMED_DAYS]]
            if len(outcomes) > NAMED_DAYS:
                lines.append(f"- and {len(outcomes) - NAMED_DAYS:,} more")
    if result.held:
        lines += ["", "### Left alone, held by another run", ""]
        lines += [f"- {day}: {holder}" for day, holder in result.held.items()]
    return "\n".join(lines)


def final_state(result: RunResult) -> State[RunResult]:
    """The flow's state: Failed, `Blocked`, `CompletedWithWarnings` or Completed, with the days in its message."""
    if failed := result.days(Status.FAILED):
        return Failed(message=f"failed: {_named(failed)}", data=result)
    if blocked := result.days(Status.BLOCKED):
        return Failed(name="Blocked", message=f"blocked: {_named(blocked)}", data=result)
    done = f"{len(result.outcomes):,} days"
    if result.held:
        done += f"; {len(result.held):,} days are held by another run: {', '.join(map(str, result.held))}"
    if warned := [outcome for outcome in result.outcomes if outcome.warned]:
        return Completed(name="CompletedWithWarnings", message=f"{done}; warnings: {_named(warned)}", data=result)
    return Completed(message=done, data=result)


def _named(outcomes: list[DayOutcome]) -> str:
    named = "; ".join(f"{o.row.partition_date} ({_why(o)})" for o in outcomes[:NAMED_DAYS])
    more = len(outcomes) - NAMED_DAYS
    return f"{named}; and {more:,} more" if more > 0 else named


def _why(outcome: DayOutcome) -> str:
    if outcome.row.note or outcome.row.error:
        return outcome.row.note or outcome.row.error
    return "; ".join(str(finding) for finding in outcome.findings if not finding.success)
