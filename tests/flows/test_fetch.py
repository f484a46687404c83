"""The flow `fetch`, against a stand-in of Mixpanel."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from prefect.blocks.system import Secret
from pydantic import SecretStr

from flows.daily import daily
from flows.fetch import fetch
from mixflows.errors import FetchHeldError
from mixflows.mixpanel.memory import Memory
from tests.flows.project import Project, Ran
from tests.support.command_line import export
from tests.support.export_api import ExportApi, Fault

pytestmark = pytest.mark.xdist_group("prefect")

SECRET = "s3cret"
DAYS = [date(2024, 1, 1 + n) for n in range(3)]


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[ExportApi]:
    monkeypatch.setenv("MIXFLOWS_MIXPANEL__SECRET", SECRET)
    with ExportApi(secret=SECRET) as running:
        for n, day in enumerate(DAYS):
            running.put(day, [line.encode() for line in export(1, 20, first_day=n).splitlines()])
        yield running


def given(project: Project, api: ExportApi) -> list[str]:
    return [
        f"mixpanel.project_id={api.project_id}",
        f"mixpanel.service_account={api.user}",
        f"mixpanel.api_url={api.url}",
        f"fetch.folder={project.folder / 'fetched'}",
        "fetch.days_per_query=2",
    ]


def run_fetch(project: Project, api: ExportApi, **parameters: object) -> Ran:
    return project.run(fetch, *given(project, api), **{"start": DAYS[0], "end": DAYS[-1], **parameters})


def test_a_range_of_days_is_fetched_and_told(project: Project, api: ExportApi) -> None:
    ran = run_fetch(project, api)
    assert ran.named == ("COMPLETED", "Completed")
    assert ran.message == "2 deliveries: 2 landed"
    assert ran.flow_run.name == "fetch 2024-01-01..2024-01-03"
    assert project.totals()["source_rows"] == 60
    told = ran.artifact("mixflows-fetch")
    assert told is not None
    assert "| 2024-01-02..2024-01-03 | requested | landed | 40 | 0 | 0 | 40 | 0 | 0 |" in str(told.data)
    assert SECRET not in str(told.data) + ran.flow_run.model_dump_json()


def test_the_secret_may_be_in_a_block(project: Project, api: ExportApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MIXFLOWS_MIXPANEL__SECRET")
    named = [*given(project, api), "mixpanel.secret_block=mixpanel-export"]
    missing = project.run(fetch, *named, start=DAYS[0], end=DAYS[0])
    assert missing.named == ("FAILED", "Failed")
    assert "there is no Secret block 'mixpanel-export'" in missing.message
    Secret(value=SecretStr(SECRET)).save("mixpanel-export")  # pyright: ignore[reportUnusedCoroutine]
    ran = project.run(fetch, *named, start=DAYS[0], end=DAYS[0])
    assert ran.named == ("COMPLETED", "Completed")
    assert SECRET not in ran.flow_run.model_dump_json() + str(ran.state) + ran.message
    settings = (f"[mixpanel]\nproject_id = {api.project_id}\nservice_account = \"{api.user}\"\napi_url = \"{api.url}\"\n"
                'secret_block = "mixpanel-export"\n')  # fmt: skip
    project.close()
    project.place.write("mixflows.toml", settings)
    told = project.place.run("fetch", "--start", str(DAYS[1]), "--end", str(DAYS[2]))
    assert "2 days in 1 delivery: 1 landed." in told.out
    assert SECRET not in told.out + told.err
    files = [path for path in project.folder.rglob("*") if path.is_file()]
    assert [path for path in files if SECRET.encode() in path.read_bytes()] == []


def test_a_day_that_shrank_fails_the_run_until_it_is_accepted(project: Project, api: ExportApi) -> None:
    run_fetch(project, api)
    api.put(DAYS[0], [])
    ran = run_fetch(project, api)
    assert ran.named == ("FAILED", "Failed")
    assert "1 shrunk, 1 unchanged; 2024-01-01: " in ran.message
    assert run_fetch(project, api, accept_shrink=[DAYS[0]]).named == ("COMPLETED", "Completed")


def test_a_second_fetch_of_the_project_is_held_elsewhere(project: Project, api: ExportApi) -> None:
    with Memory(project.folder / "fetched", api.project_id).alone():
        ran = run_fetch(project, api)
    assert ran.named == ("FAILED", "HeldElsewhere")
    assert isinstance(ran.state.result(raise_on_failure=False), FetchHeldError)
    assert api.requests == []


def test_daily_runs_what_was_fetched_and_fails_for_what_was_not(project: Project, api: ExportApi) -> None:
    first_day = datetime.now(UTC).date() - timedelta(days=3)
    second_day = first_day + timedelta(days=1)
    for day in (first_day, second_day):
        lines = export(1, 20, first_day=(day - date(2024, 1, 1)).days).splitlines()
        api.put(day, [line.encode() for line in lines])
    api.faults.append(Fault("terminated_early", times=None, day=second_day))
    fed = [*given(project, api), "source.feed=mixpanel", "fetch.days_per_query=1", f"mixpanel.first_day={first_day}"]
    ran = project.run(daily, *fed)
    assert ran.named == ("FAILED", "Failed")
    assert f"not fetched: {second_day}: " in ran.message
    assert [(row["partition_date"], row["status"]) for row in project.ledger()] == [(first_day, "published")]
    summary = ran.artifact("mixflows-summary")
    assert summary is not None
    assert "### Not fetched" in str(summary.data)
    api.faults.clear()
    project.close()
    again = project.place.run("run", *(word for name in fed for word in ("--set", name)), "--json").json
    assert again["exit_code"] == 0
    assert [day["status"] for day in again["days"]] == ["published"]
    assert {row["partition_date"] for row in project.ledger()} == {first_day, second_day}
