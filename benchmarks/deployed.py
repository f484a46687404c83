"""What a deployment takes for a daily run of a few large days, beside the command."""

from datetime import datetime
from statistics import median
from typing import Any

from benchmarks.registry import Place
from benchmarks.results import Answer, Figure, Table
from benchmarks.server import PrefectServer, until
from benchmarks.source import day_of, project
from benchmarks.timed_run import command
from mixflows.errors import MixflowsError

DAYS_A_RUN, REPEATS = 3, 2
COMMAND = "mixflows run, the whole command"
DEPLOYMENT = "deployment, from the button to the final state"
REPORT = "from the final state to the report written"


def measure(place: Place, rows: int) -> Answer:
    folder = place.folder / "project"
    project(folder, DAYS_A_RUN * REPEATS * 2, rows)
    seconds: dict[str, list[float]] = {COMMAND: [], DEPLOYMENT: [], REPORT: []}
    with PrefectServer(place.folder) as server:
        server.deploy(folder)
        for last in range(DAYS_A_RUN - 1, DAYS_A_RUN * REPEATS * 2, 2 * DAYS_A_RUN):
            seconds[COMMAND].append(command("run", "--as-of", str(day_of(last)), folder=folder).wall)
            begun, ended = _deployed_run(str(day_of(last + DAYS_A_RUN)))
            seconds[DEPLOYMENT].append((ended - begun).total_seconds())
            reported = until(lambda since=ended: _reported_since(since), "the report is written")
            seconds[REPORT].append((reported - ended).total_seconds())
    return Answer(
        f"{DAYS_A_RUN} new days of {rows:,} events as a run of the deployment `daily`, beside `mixflows run` of such days against the"
        " same server, in turns. The server keeps its database in SQLite; the worker asks for runs every second; the report"
        " follows by event, as a run of its own.",
        [
            Figure(
                f"{DAYS_A_RUN} days × {rows:,} by a deployment, from the button",
                median(seconds[DEPLOYMENT]) / median(seconds[COMMAND]), 2, beside="mixflows run",
            )
        ],
        [
            Table(
                f"Seconds, {REPEATS} times each",
                ("", "median", "least", "most"),
                [(name, median(found), min(found), max(found)) for name, found in seconds.items()],
            )
        ],
    )  # fmt: skip


def _deployed_run(as_of: str) -> tuple[datetime, datetime]:
    """When a run of the deployment was made, and when it ended."""
    from prefect.deployments import run_deployment

    run: Any = run_deployment("daily/daily", parameters={"as_of": as_of}, timeout=600, poll_interval=0.2)
    if run.state is None or not run.state.is_completed() or run.created is None or run.end_time is None:
        raise MixflowsError(f"the deployment's run ended {run.state}")
    return run.created, run.end_time


def _reported_since(since: datetime) -> datetime | None:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowFilter, FlowFilterName
    from prefect.client.schemas.sorting import FlowRunSort

    with get_client(sync_client=True) as client:
        runs = client.read_flow_runs(
            flow_filter=FlowFilter(name=FlowFilterName(any_=["report"])), sort=FlowRunSort.END_TIME_DESC, limit=5
        )
    ends = (run.end_time for run in runs if run.state and run.state.is_completed())
    return next((end for end in ends if end and end >= since), None)
