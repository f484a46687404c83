"""What the file describes, without a server."""

from typing import Any

import yaml
from prefect.client.schemas.schedules import CronSchedule

from deployments.serve import FLOWS, PREFECT_FILE, served_deployments
from mixflows.settings import Settings
from tasks.reporting import FINAL_STATES


def file_says() -> dict[str, Any]:
    return {entry["name"]: entry for entry in yaml.safe_load(PREFECT_FILE.read_text())["deployments"]}


def test_every_flow_is_described() -> None:
    assert set(file_says()) == set(FLOWS) == {"daily", "backfill", "report", "land", "inspect", "release"}


def test_the_report_follows_daily_however_it_ended() -> None:
    (trigger,) = file_says()["report"]["triggers"]
    assert set(trigger["expect"]) == {f"prefect.flow-run.{name}" for name in (*FINAL_STATES, "Crashed", "Cancelled")}


def test_another_cron_can_be_served() -> None:
    (daily,) = [d for d in served_deployments(Settings(), {}, "0 5 * * *") if d.name == "daily"]
    (schedule,) = daily.schedules or []
    assert isinstance(schedule.schedule, CronSchedule)
    assert schedule.schedule.cron == "0 5 * * *"
