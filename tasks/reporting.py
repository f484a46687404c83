"""Report: what a run leaves for people to read, in Prefect and as a file."""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast
from uuid import UUID

from prefect import get_run_logger, task
from prefect.artifacts import (
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed
from prefect.variables import Variable

from mixflows.ledger.standing import FAILED, helping_commands
from mixflows.model import DayOutcome, Plan, Status
from mixflows.pipeline.context import RunContext
from mixflows.pipeline.run import DaysLeftError, RunResult
from mixflows.pipeline.totals import Totals, read_totals
from mixflows.progress import listener
from mixflows.text import at_most, counted, markdown, percent, plain

URGENCY = (Status.FAILED, Status.BLOCKED, Status.PUBLISHED, Status.UNCHANGED)
FINAL_STATES = ("Completed", "CompletedWithWarnings", "StandingBlocks", "Blocked", "HeldElsewhere", "Failed")
"""The names of the states in which flows end by themselves."""
NAMED_DAYS = 20
"""A message names at most this many days, and says how many more there are."""


@task(name="write-report", cache_policy=NO_CACHE, retries=0, persist_result=False)
def write_html_report(context: RunContext, out: Path) -> Path:
    """Writes the HTML report, and leaves the same in Markdown; see `mixflows.report.page.write_report`."""
    from mixflows.report.page import made_before, report_text, write_report  # its charts take a while to import

    since = made_before(out)
    path = write_report(context.warehouse, context.settings, out)
    get_run_logger().info("report written: %s", plain(path))
    url = report_url()
    whole = f"[The whole report]({url})" if url else f"The whole report: {markdown(path.resolve())}"
    text = report_text(context.warehouse, context.settings, kind="markdown", since=since)
    create_markdown_artifact(
        markdown=f"{text}\n{whole}\n", key="mixflows-report", description="The report, as it is now"
    )
    return path


def renew_report(context: RunContext, outcomes: Sequence[DayOutcome]) -> None:
    """Writes the report after days were taken, where the settings name its file."""
    path = context.settings.report.path
    if path is not None and outcomes:
        write_html_report(context, path)


def report_url() -> str | None:
    """Where people open the report: Prefect's variable `mixflows_report_url`, which whoever publishes the file sets."""
    url = Variable.get("mixflows_report_url")
    return str(url) if url else None


class ProgressArtifact:
    """A progress artifact that moves with a backfill's days, at most once a percent."""

    def __init__(self, plan: Plan) -> None:
        self._days, self._done, self._shown = len(plan.days), 0, 0
        made = create_progress_artifact(progress=0.0, key="mixflows-progress", description="Days processed")
        self._id = cast("UUID", made)  # outside a coroutine, Prefect has waited for it

    def day_done(self, outcome: DayOutcome) -> None:
        """Counts a day."""
        listener().day_done(outcome)
        self._done += 1
        percent = 100 * self._done // self._days
        if percent > self._shown:
            self._shown = percent
            update_progress_artifact(self._id, progress=float(percent))


def leave_artifacts(context: RunContext, result: RunResult) -> None:
    """Leaves a table of the run's days and a summary; keys are stable, so that the UI shows their history."""
    totals = read_totals(context.warehouse, context.settings)
    if result.outcomes:
        ordered = sorted(
            result.outcomes, key=lambda o: (URGENCY.index(o.row.status), not o.warned, o.row.partition_date)
        )
        rows = [
            {
                "day": str(outcome.row.partition_date),
                "status": outcome.row.status.value,
                "reason": outcome.row.plan_reason.value,
                "rows": outcome.row.source_rows,
                "kept": outcome.row.kept_rows,
                "rejected": outcome.row.rejected_rows,
                "duplicate rate": None if outcome.row.duplicate_rate is None else percent(outcome.row.duplicate_rate),
                "note": markdown(_why(outcome)),  # Prefect shows cells as Markdown
            }
            for outcome in ordered
        ]
        about = "Days of this run, the urgent ones first"
        if url := report_url():
            about += f"; all days: [the report]({url})"
        create_table_artifact(table=rows, key="mixflows-days", description=about)
    create_markdown_artifact(
        markdown=summary(result, totals, context.settings.command),
        key="mixflows-summary",
        description="What this run did",
    )


def summary(result: RunResult, totals: Totals, command: Callable[..., str]) -> str:
    """The run in Markdown: days by status, rows, every day that needs a person, and where every delivered row is now.

    Args:
        command: Writes a command line of its words, such as `Settings.command`.
    """
    everything = ["", f"Over all days: {totals}."]
    if not result.outcomes and not result.held:
        return "\n".join(
            [markdown(result.nothing_to_do), *everything, *_not_fetched(result), *_standing(result, command)]
        )
    counts = Counter(outcome.row.status for outcome in result.outcomes)
    total = sum(outcome.row.source_rows or 0 for outcome in result.outcomes)
    done = ", ".join(f"{counts[status]:,} {status.value}" for status in Status if counts[status])
    lines = [
        f"**{counted(len(result.outcomes), 'day')}**, {total:,} source rows: {done or 'none processed'}.",
        *everything,
    ]
    for title, outcomes in (
        ("Blocked by the quality gate: what was published before stands", result.days(Status.BLOCKED)),
        ("Failed", result.days(Status.FAILED)),
        ("Published with warnings", [o for o in result.outcomes if o.warned]),
    ):
        lines += _listed(title, [f"{o.row.partition_date}: {markdown(_why(o))}" for o in outcomes])
    if result.held:
        lines += ["", "### Left alone, held by another run", ""]
        lines += [f"- {day}: {holder}" for day, holder in result.held.items()]
    return "\n".join([*lines, *_not_fetched(result), *_standing(result, command)])


def _not_fetched(result: RunResult) -> list[str]:
    return _listed("Not fetched", [markdown(" ".join(str(err).split())) for err in result.not_fetched])


def _standing(result: RunResult, command: Callable[..., str]) -> list[str]:
    """The blocked and failed days that earlier runs left, and the commands that help with all that are left now."""
    before = [f"{day.day} {day.status}: {markdown(day.why)}" for day in result.standing_before]
    lines = _listed("Standing from earlier runs", before)
    commands = helping_commands(result.standing, command)
    return [*lines, "", "```", *commands, "```"] if commands else lines


def _listed(title: str, lines: Sequence[str]) -> list[str]:
    """A section of the summary; nothing without lines."""
    return ["", f"### {title}", "", *(f"- {line}" for line in at_most(NAMED_DAYS, lines))] if lines else []


def final_state(result: RunResult, command: Callable[..., str]) -> State[RunResult]:
    """The flow's state, with the days in its message, and after them what an alert tells to do: a line each.

    Failed, `Blocked` by this run, `HeldElsewhere`; or completed: `StandingBlocks` of earlier runs,
    `CompletedWithWarnings`, Completed.
    """
    failed, blocked = result.days(Status.FAILED), result.days(Status.BLOCKED)
    warned = [outcome for outcome in result.outcomes if outcome.warned]
    nothing = f"nothing to do{': ' if result.nothing else ''}{result.nothing}"
    parts = [counted(len(result.outcomes), "day") if result.outcomes else nothing]
    parts += [
        f"{title}: {_named(outcomes)}"
        for title, outcomes in (("failed", failed), ("blocked", blocked), ("warnings", warned))
        if outcomes
    ]
    before = [day for day in result.standing_before if not day.acknowledged]
    if before:
        more = f" and {len(before) - NAMED_DAYS:,} more" if len(before) > NAMED_DAYS else ""
        parts.append(f"standing: {', '.join(f'{day.day} {day.status}' for day in before[:NAMED_DAYS])}{more}")
    if result.held:
        parts.append(f"held by another run and left alone: {', '.join(map(str, result.held))}")
    parts += [f"not fetched: {' '.join(str(err).split())}" for err in result.not_fetched[:NAMED_DAYS]]
    done = "; ".join(parts)
    message = "\n".join([done, *helping_commands(result.standing, command)])  # an alert has nothing else to show
    if result.exit_code == FAILED:
        return Failed(message=message, data=DaysLeftError(message, result))
    if any(not outcome.row.acknowledged for outcome in blocked):
        return Failed(name="Blocked", message=message, data=DaysLeftError(message, result))
    if result.held or result.not_fetched:
        return Failed(name="HeldElsewhere", message=message, data=DaysLeftError(message, result))
    if result.exit_code:
        return Completed(name="StandingBlocks", message=done, data=result)
    if warned:
        return Completed(name="CompletedWithWarnings", message=done, data=result)
    return Completed(message=done, data=result)


def _named(outcomes: list[DayOutcome]) -> str:
    return "; ".join(at_most(NAMED_DAYS, [f"{o.row.partition_date} ({_why(o)})" for o in outcomes]))


def _why(outcome: DayOutcome) -> str:
    return " ".join((outcome.row.note or outcome.row.error).split())  # a hint stands on a line of its own
