"""Fetch: days from Mixpanel, what it leaves, and how it ended."""

from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import date

from prefect import get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from mixflows.days import DayRange
from mixflows.errors import MixflowsError
from mixflows.mixpanel.clock import Clock
from mixflows.pipeline.fetch import FetchedDays, FetchPlan, fetch, fetch_due, plan_fetch
from mixflows.progress import listening
from mixflows.settings import Settings
from mixflows.text import at_most, markdown
from tasks.credentials import with_secret
from tasks.runs import RunLog

COUNTS = ("same", "restated", "new", "back", "gone")
NAMED = 20
"""A message names at most this many failed ranges of days, and says how many more there are."""


@task(name="plan-fetch", cache_policy=NO_CACHE, retries=0, persist_result=False)
def plan_days(settings: Settings, days: DayRange | None, accept_shrink: frozenset[date]) -> FetchPlan:
    """Plans a fetch; see `mixflows.pipeline.fetch.plan_fetch`."""
    with listening(RunLog()):
        plan = plan_fetch(settings, days, Clock(), accept_shrink)
    get_run_logger().info("planned %s days in %s queries", f"{plan.days:,}", f"{len(plan.queries):,}")
    return plan


@task(name="fetch", cache_policy=NO_CACHE, retries=0, persist_result=False)
def fetch_days(settings: Settings, plan: FetchPlan) -> list[FetchedDays]:
    """Fetches the days of a plan, and leaves what became of them; see `mixflows.pipeline.fetch.fetch`."""
    with _told() as results:
        if plan.queries:
            fetch(with_secret(settings), plan, Clock(), results.append)
    return results


def fetch_due_days(settings: Settings) -> tuple[MixflowsError, ...]:
    """Fetches what is due before a run, where Mixpanel feeds the source; see `mixflows.pipeline.fetch.fetch_due`."""
    return _fetch_due(settings) if settings.source.feed == "mixpanel" else ()


@task(name="fetch", cache_policy=NO_CACHE, retries=0, persist_result=False)
def _fetch_due(settings: Settings) -> tuple[MixflowsError, ...]:
    with _told() as results:
        not_fetched = fetch_due(settings, with_secret, Clock(), results.append)
    for err in not_fetched:
        get_run_logger().error("not fetched: %s", err)
    return not_fetched


@contextmanager
def _told() -> Generator[list[FetchedDays]]:
    """The results of a fetch, which an artifact tells however the fetch ends; waits are told in the run's log."""
    results: list[FetchedDays] = []
    try:
        with listening(RunLog()):
            yield results
    finally:
        create_markdown_artifact(markdown=told(results), key="mixflows-fetch", description="What was fetched")


def told(results: Sequence[FetchedDays]) -> str:
    """A fetch in Markdown: a row for each range of days."""
    if not results:
        return "No day was fetched."
    lines = [
        f"| days | why | status | lines | {' | '.join(COUNTS)} | |",
        f"|---|---|---|{'---:|' * (len(COUNTS) + 1)}---|",
    ]
    for result in results:
        done = result.superseded
        counts = ["" if done is None else f"{getattr(done, name):,}" for name in ("lines", *COUNTS)]
        cells = [str(result), result.reason, result.status, *counts, markdown(" ".join(result.error.split()))]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def fetched_state(results: list[FetchedDays]) -> State[list[FetchedDays]]:
    """The flow's state: Completed, or Failed with the days that failed or shrank and why."""
    if not results:
        return Completed(message="nothing to do: no day is due", data=results)
    counts = Counter(result.status for result in results)
    message = ", ".join(f"{count:,} {status}" for status, count in sorted(counts.items()))
    message = f"{'1 delivery' if len(results) == 1 else f'{len(results):,} deliveries'}: {message}"
    failed = [f"{result}: {' '.join(result.error.split())}" for result in results if result.error]
    if not failed:
        return Completed(message=message, data=results)
    return Failed(message="; ".join([message, *at_most(NAMED, failed)]), data=results)
