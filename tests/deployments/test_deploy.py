"""What is deployed: the file, the server and `mixflows serve` say the same."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from prefect.client.schemas.schedules import CronSchedule

from deployments.serve import FLOWS, served_deployments
from mixflows.settings import Settings
from tests.deployments.conftest import deploy
from tests.deployments.project import Project
from tests.deployments.server import PrefectServer, eventually
from tests.deployments.test_described import file_says

pytestmark = [pytest.mark.operation, pytest.mark.xdist_group("operation"), pytest.mark.timeout(900)]
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize("name", ["daily", "backfill", "report", "land", "fetch", "inspect", "release"])
def test_the_server_holds_what_the_file_says(server: PrefectServer, project: Project, deployed: str, name: str) -> None:
    entry, held = file_says()[name], server.deployment(name)
    assert held["entrypoint"] == entry["entrypoint"]
    assert held["description"] == entry["description"]
    assert held["global_concurrency_limit"]["limit"] == 1
    assert held["concurrency_options"] == {"collision_strategy": "ENQUEUE", "grace_period_seconds": 60}
    (step,) = held["pull_steps"]
    assert list(step.values()) == [{"directory": str(project.folder)}]
    schedules = [(s["schedule"]["cron"], s["schedule"]["timezone"]) for s in held["schedules"]]
    assert schedules == ([("15 3 * * *", "Europe/Berlin")] if name == "daily" else [])


def test_serving_is_the_same_without_a_work_pool(server: PrefectServer, deployed: str) -> None:
    settings = Settings(project_timezone="Europe/Berlin")
    served = {each.name: each for each in served_deployments(settings, {"config": None, "assignments": []})}
    assert set(served) == set(file_says())
    for name, each in served.items():
        held = server.deployment(name)
        assert each.entrypoint == held["entrypoint"]
        assert each.description == held["description"]
        assert each.tags == held["tags"]
        assert each.concurrency_limit == held["global_concurrency_limit"]["limit"]
        assert each.concurrency_options is not None
        assert each.concurrency_options.model_dump(mode="json") == held["concurrency_options"]
        assert FLOWS[name].parameters.properties == held["parameter_openapi_schema"]["properties"]
        crons = [s.schedule for s in each.schedules or []]
        assert [(c.cron, c.timezone) for c in crons if isinstance(c, CronSchedule)] == [
            (s["schedule"]["cron"], s["schedule"]["timezone"]) for s in held["schedules"]
        ]
        assert [getattr(t, "name", None) for t in each.triggers] == [
            t["name"] for t in file_says()[name].get("triggers", [])
        ]


def test_nights_are_scheduled_in_the_projects_time_zone(server: PrefectServer, deployed: str) -> None:
    """The server's own scheduler makes the runs; it is what fails first when its libraries do not fit each other."""

    def scheduled() -> list[dict[str, Any]]:
        runs = server.post("/flow_runs/filter", flow_runs={"state": {"type": {"any_": ["SCHEDULED"]}}})
        return [run for run in runs if run["auto_scheduled"]]

    runs = eventually(scheduled, "the scheduler makes runs")
    times = [datetime.fromisoformat(run["expected_start_time"]).astimezone(BERLIN) for run in runs]
    assert {(time.hour, time.minute) for time in times} == {(3, 15)}
    assert len({time.date() for time in times}) == len(times)


def test_the_form_refuses_what_is_no_mode(server: PrefectServer, deployed: str) -> None:
    deployment = server.deployment("backfill")["id"]
    answer = server.api.post(f"/deployments/{deployment}/create_flow_run", json={"parameters": {"mode": "everything"}})
    assert answer.status_code == 409
    assert "everything" in answer.text


def test_the_form_has_a_field_for_everything(server: PrefectServer, deployed: str) -> None:
    schema = server.deployment("backfill")["parameter_openapi_schema"]
    fields = schema["properties"]
    assert {"start", "end", "mode", "concurrency", "dry_run"} <= set(fields)
    assert all(field["description"] for field in fields.values())
    assert schema["definitions"]["Mode"]["enum"] == ["due", "missing", "changed", "failed", "blocked", "all"]
    assert fields["start"]["anyOf"][0]["format"] == "date"


def test_deploying_again_changes_nothing(server: PrefectServer, project: Project, deployed: str) -> None:
    def held() -> list[tuple[str, str]]:
        automations = server.post("/automations/filter")
        return sorted((a["name"], a["trigger"]["type"]) for a in automations if "report after" in a["name"])

    ids = {name: server.deployment(name)["id"] for name in FLOWS}
    before = held()
    deploy(server, project)
    assert {name: server.deployment(name)["id"] for name in FLOWS} == ids
    assert held() == before == [("mixflows report after daily", "event")]
