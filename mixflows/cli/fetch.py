"""What `mixflows fetch` does."""

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mixflows.cli.output import Notices, console, number, print_json, progress_bars, starting_server, styled, table_of
from mixflows.cli.session import command
from mixflows.days import DayRange, parse_day
from mixflows.mixpanel.clock import Clock
from mixflows.pipeline.fetch import FetchedDays, FetchPlan, fetch, plan_fetch
from mixflows.progress import listening
from mixflows.settings import Settings, load_settings, parse_assignments
from mixflows.text import counted

SHOWN = 40
STYLES = {"landed": "green", "unchanged": "dim", "shrunk": "yellow", "failed": "red"}


def run_fetch(
    config: Path | None,
    assignments: list[str] | None,
    start: str | None,
    end: str | None,
    *,
    dry_run: bool = False,
    accept_shrink: list[str] | None = None,
    as_json: bool = False,
) -> int:
    """Fetches what is due, or a range of days, and prints it.

    Returns:
        The exit code: 0, or 1 where days failed or shrank.

    Raises:
        MixflowsError: Nothing, or not everything, could be fetched; what was landed before stays.
    """
    settings = load_settings(config, parse_assignments(assignments or []))
    accepted = frozenset(map(parse_day, accept_shrink or []))
    days = DayRange(parse_day(start) if start else None, parse_day(end) if end else None) if start or end else None
    clock = Clock()
    with listening(Notices()):
        plan = plan_fetch(settings, days, clock, accepted)
    if dry_run:
        _print_plan(plan, as_json=as_json)
        return 0
    results: list[FetchedDays] = []
    if plan.queries:
        settings = with_secret(settings)
        with progress_bars():
            results = fetch(settings, plan, clock, lambda done: say_fetched(done, as_json=as_json))
    failed = [result for result in results if result.error]
    if as_json:
        print_json({"fetched": [_json(result) for result in results], "exit_code": 1 if failed else 0})
    elif not results:
        console.print("Nothing to do: no day is due.")
    else:
        counts = Counter(result.status for result in results)
        told = ", ".join(f"{number(count)} {status}" for status, count in sorted(counts.items()))
        console.print(f"\n{counted(plan.days, 'day')} in {counted(len(results), 'delivery', 'deliveries')}: {told}.")
        for shrunk in failed:
            if shrunk.shrunk_days:
                accepting = [word for day in shrunk.shrunk_days for word in ("--accept-shrink", str(day))]
                days = ("--start", str(shrunk.first_day), "--end", str(shrunk.last_day))
                console.print(f"To accept the loss of events: {command('fetch', *days, *accepting, config=config)}")
    return 1 if failed else 0


def with_secret(settings: Settings) -> Settings:
    """The settings with the secret of the block that they name, if they name one."""
    if settings.mixpanel.secret_block is None:
        return settings
    from deployments.prefect_server import connected, prepare_prefect

    prepare_prefect(verbose=False)
    from tasks import credentials

    with connected(starting_server()):
        return credentials.with_secret(settings)


def _print_plan(plan: FetchPlan, *, as_json: bool) -> None:
    if as_json:
        queries = [asdict(query) for query in plan.queries]
        print_json({"queries": queries, "days": plan.days, "used_in_the_last_hour": plan.used, "hours": plan.hours})
        return
    if not plan.queries:
        console.print("Nothing to do: no day is due.")
        return
    table = table_of(("first day", "last day", "why"))
    for query in plan.queries[:SHOWN]:
        table.add_row(str(query.first_day), str(query.last_day), query.reason)
    if len(plan.queries) > SHOWN:
        table.caption = f"and {counted(len(plan.queries) - SHOWN, 'more query', 'more queries')}; --json lists all"
    console.print(table)
    queries = counted(len(plan.queries), "query", "queries")
    takes = f"at least {plan.hours} h" if plan.hours else "within this hour"
    console.print(
        f"\n{counted(plan.days, 'day')} in {queries}; {number(plan.used)} of {number(plan.per_hour)} used in the last hour: {takes}."
    )


def say_fetched(done: FetchedDays, *, as_json: bool) -> None:
    """Prints what became of a range of days; nothing where the result is JSON."""
    if as_json:
        return
    status = styled(done.status, STYLES[done.status])
    if done.superseded is None:
        console.print(str(done), status, done.error)
        return
    counts = done.superseded
    parts = [f"{number(getattr(counts, name))} {name}" for name in ("same", "restated", "new", "back", "gone")]
    console.print(str(done), status, f"({done.reason}): {counted(counts.lines, 'line')}; {', '.join(parts)}")


def _json(result: FetchedDays) -> dict[str, Any]:
    counts = result.superseded
    names = ("lines", "malformed", "same", "restated", "new", "back", "gone")
    return {
        "first_day": result.first_day,
        "last_day": result.last_day,
        "reason": result.reason,
        "status": result.status,
        "error": result.error or None,
        **({name: getattr(counts, name) for name in names} if counts else {}),
    }
