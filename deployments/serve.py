"""The same deployments without a work pool: this process serves them, for one machine."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from prefect import serve
from prefect.client.schemas.objects import ConcurrencyLimitConfig
from prefect.deployments.runner import RunnerDeployment
from prefect.events import DeploymentTriggerTypes
from prefect.schedules import Cron, Schedule
from prefect.types.entrypoint import EntrypointType
from prefect.utilities.templating import apply_values
from pydantic import TypeAdapter

from deployments import project
from flows.backfill import backfill
from flows.daily import daily
from flows.fetch import fetch
from flows.inspect_day import inspect
from flows.land import land
from flows.release_day import release
from flows.report import report
from mixflows.settings import Settings

PREFECT_FILE = Path(__file__).with_name("prefect.yaml")
FLOWS = {flow.name: flow for flow in (daily, backfill, report, land, fetch, inspect, release)}
ENTRYPOINTS = {f"{flow.fn.__module__}.{flow.fn.__name__}": flow for flow in FLOWS.values()}
"""The flows by what `prefect.yaml` calls their entrypoint."""


def described(settings: Settings) -> list[dict[str, Any]]:
    """The deployments that `prefect.yaml` describes for a project, in its order."""
    entries = yaml.safe_load(PREFECT_FILE.read_text(encoding="utf-8"))["deployments"]
    return apply_values(entries, {"project": project.described(settings, Path.cwd())})


def served_deployments(
    settings: Settings, parameters: Mapping[str, Any], cron: str | None = None
) -> list[RunnerDeployment]:
    """The deployments of `prefect.yaml`, ready to be served.

    Args:
        settings: Name the time zone of the schedule, and the prefix of the names.
        parameters: What every run is given.
        cron: When `daily` runs, instead of the file's.
    """
    return [_deployment(entry, parameters, cron) for entry in described(settings)]


def serve_deployments(settings: Settings, parameters: Mapping[str, Any], cron: str | None = None) -> None:
    """Serves the deployments until the process is stopped; runs come one after the other, since one process writes."""
    serve(*served_deployments(settings, parameters, cron), limit=1)


def _deployment(entry: Mapping[str, Any], parameters: Mapping[str, Any], cron: str | None) -> RunnerDeployment:
    triggers = TypeAdapter(list[DeploymentTriggerTypes]).validate_python(entry.get("triggers", []))
    deployment = ENTRYPOINTS[entry["entrypoint"]].to_deployment(
        entry["name"],
        description=entry["description"],
        tags=entry["tags"],
        schedules=[_schedule(schedule, cron) for schedule in entry.get("schedules", [])],
        parameters={**entry.get("parameters", {}), **parameters},
        triggers=list(triggers),
        concurrency_limit=ConcurrencyLimitConfig.model_validate(entry["concurrency_limit"]),
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
    assert isinstance(deployment, RunnerDeployment)  # a coroutine only inside an event loop
    return deployment


def _schedule(schedule: Mapping[str, Any], cron: str | None) -> Schedule:
    return Cron(cron or schedule["cron"], timezone=schedule["timezone"], slug=schedule["slug"])
