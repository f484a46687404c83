"""Names of flow runs: the flow, and the day, range or file that it is about."""

from datetime import UTC, datetime
from pathlib import Path

from prefect.runtime import flow_run

from mixflows.days import last_complete_day
from mixflows.errors import MixflowsError
from mixflows.settings import load_settings, parse_assignments
from mixflows.text import plain


def daily_name() -> str:
    """`daily` and its last day; without the day where the settings, which name the time zone, are invalid."""
    given = flow_run.parameters
    if given["as_of"] is not None:
        return f"daily {given['as_of']}"
    try:
        settings = load_settings(
            Path(given["config"]) if given["config"] else None, parse_assignments(given["assignments"] or [])
        )
    except MixflowsError:
        return "daily"
    return f"daily {last_complete_day(datetime.now(UTC), settings.zone)}"


def backfill_name() -> str:
    """`backfill` and its range, such as `2024-01-01..2024-12-31`; an open end is left out."""
    return f"backfill {_range('all days')}{' (dry run)' if flow_run.parameters['dry_run'] else ''}"


def fetch_name() -> str:
    """`fetch` and its range, such as `2026-07-01..2026-07-03`, or `due days`."""
    return f"fetch {_range('due days')}"


def _range(without: str) -> str:
    start, end = flow_run.parameters["start"], flow_run.parameters["end"]
    if start is None and end is None:
        return without
    return str(start) if start == end else f"{start or ''}..{end or ''}"


def land_name() -> str:
    """`land` and the file, or the first one and how many more are given; no folders."""
    first, *more = flow_run.parameters["files"] or ["nothing"]
    return f"land {plain(Path(first).name or first)}{f' and {len(more):,} more' if more else ''}"


def report_name() -> str:
    """`report` and the file's name."""
    return f"report {plain(Path(flow_run.parameters['out']).name)}"
