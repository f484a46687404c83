"""What the file describes, without a server."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from prefect.client.schemas.schedules import CronSchedule
from prefect.events import DeploymentEventTrigger
from prefect.events.schemas.automations import EventTrigger

from deployments.automations import automations
from deployments.serve import FLOWS, described, served_deployments
from mixflows.settings import Settings
from tasks.reporting import FINAL_STATES


def file_says() -> dict[str, Any]:
    return {entry["name"]: entry for entry in described(Settings())}


def test_every_flow_is_described() -> None:
    assert set(file_says()) == set(FLOWS) == {"daily", "backfill", "report", "land", "fetch", "inspect", "release"}


def test_the_report_follows_daily_however_it_ended() -> None:
    (trigger,) = file_says()["report"]["triggers"]
    assert set(trigger["expect"]) == {f"prefect.flow-run.{name}" for name in (*FINAL_STATES, "Crashed", "Cancelled")}


def test_another_cron_can_be_served() -> None:
    (daily,) = [d for d in served_deployments(Settings(), {}, "0 5 * * *") if d.name == "daily"]
    (schedule,) = daily.schedules or []
    assert isinstance(schedule.schedule, CronSchedule)
    assert schedule.schedule.cron == "0 5 * * *"


def test_a_prefix_keeps_the_deployments_and_alerts_of_two_projects_apart() -> None:
    shop = served_deployments(Settings.model_validate({"deployments": {"prefix": "shop-"}}), {})
    assert [each.name for each in shop] == [f"shop-{name}" for name in file_says()]
    (trigger,) = [t for each in shop for t in each.triggers if isinstance(t, DeploymentEventTrigger)]
    assert "'prefect.resource.name': 'shop-daily'" in str(trigger.match_related)

    wanted = automations(uuid4(), timedelta(days=1), prefix="shop-")
    others = automations(uuid4(), timedelta(days=1))
    assert not {each.name for each in wanted} & {each.name for each in others}
    for each in wanted:
        assert isinstance(each.trigger, EventTrigger)
        assert str(each.trigger.match_related).count("'shop-"), each.name
        assert "'prefect.resource.role': 'deployment'" in str(each.trigger.match_related)


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("daily", ["as_of", "accept_rules"]),
        ("backfill", ["start", "end"]),
        ("report", ["out"]),
        ("land", ["files", "again"]),
        ("fetch", ["start", "end"]),
        ("inspect", ["day"]),
        ("release", ["day", "because"]),
    ],
)
def test_a_form_begins_with_what_matters_and_ends_with_the_settings(name: str, first: list[str]) -> None:
    fields = FLOWS[name].parameters.properties
    ordered = sorted(fields, key=lambda field: fields[field]["position"])
    assert ordered[: len(first)] == first
    assert ordered[-2:] == ["config", "assignments"]
