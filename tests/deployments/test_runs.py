"""Runs on a worker: scheduled, from the form, retried, cancelled, crashed, two at once."""

import signal
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psutil
import pytest

from tests.deployments.conftest import start_worker
from tests.deployments.project import Project
from tests.deployments.server import PrefectServer, Process, eventually

pytestmark = [pytest.mark.operation, pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def nightly(server: PrefectServer, project: Project, worker: Process) -> dict[str, Any]:
    """A run of `daily` that the scheduler made: three days, the third one blocked, each above the warning."""
    project.land(date(2026, 3, 1), days=2, rows=2000, twice=0.007)
    project.land(date(2026, 3, 3), days=1, rows=2000, twice=0.03)
    deployment = server.deployment("daily")["id"]
    soon = (datetime.now(UTC) + timedelta(seconds=15)).isoformat()
    minutely = {"schedule": {"interval": 60, "anchor_date": soon}, "active": True}
    created = server.api.post(f"/deployments/{deployment}/schedules", json=[minutely]).raise_for_status().json()

    def started() -> str | None:
        runs = server.post(
            "/flow_runs/filter",
            flow_runs={"deployment_id": {"any_": [deployment]}, "state": {"type": {"any_": ["RUNNING", "FAILED"]}}},
        )
        return runs[0]["id"] if runs else None

    run_id = eventually(started, f"a scheduled run starts; see {server.folder}")
    server.api.delete(f"/deployments/{deployment}/schedules/{created[0]['id']}").raise_for_status()
    return server.ended(run_id)


def test_a_scheduled_run_publishes_what_is_due(
    server: PrefectServer, project: Project, nightly: dict[str, Any]
) -> None:
    days = [date(2026, 3, n) for n in (1, 2, 3)]
    assert nightly["auto_scheduled"]
    assert nightly["state_name"] == "Blocked"
    assert "2026-03-03 (duplicate_rate" in nightly["state"]["message"]
    assert project.ledger(days) == [(days[0], "published", 1), (days[1], "published", 1), (days[2], "blocked", 1)]
    assert project.published(days) == {days[0]: 2000, days[1]: 2000}


def test_a_run_logs_a_line_per_day_and_step(server: PrefectServer, nightly: dict[str, Any]) -> None:
    def whole() -> list[str] | None:
        found = server.messages(nightly["id"])
        return found if any("2026-03-02 published" in message for message in found) else None

    messages = eventually(whole, "the log arrives")
    for day, ending in (("2026-03-01", "published: 2000 inserted"), ("2026-03-03", "blocked")):
        assert [m for m in messages if m.startswith(f"{day} staged: ")], day
        assert [m for m in messages if m.startswith(f"{day} {ending}")], day
    assert any(m.startswith("3 days audited: 1 blocked") for m in messages)
    assert not [m for m in messages if "u96" in m or "-1999" in m], "a line names a user or an event"


def test_a_run_leaves_its_artifacts_under_stable_keys(server: PrefectServer, nightly: dict[str, Any]) -> None:
    artifacts = server.artifacts(nightly["id"])
    assert {"mixflows-days", "mixflows-summary"} <= set(artifacts)
    assert "2026-03-03" in artifacts["mixflows-days"]["data"]
    assert "Blocked" in artifacts["mixflows-summary"]["data"]


def test_the_published_tables_are_assets_made_from_the_source(server: PrefectServer, nightly: dict[str, Any]) -> None:
    def told(table: str) -> dict[str, Any]:
        events = server.events("prefect.asset.materialization.succeeded", f"duckdb://mixflows/{table}")
        (event,) = [e for e in events if any(nightly["id"] in r["prefect.resource.id"] for r in e["related"])]
        assets = [r["prefect.resource.id"] for r in event["related"] if r["prefect.resource.role"] == "asset"]
        assert assets == ["duckdb://mixflows/mp_master_event"]
        return event["payload"]

    eventually(lambda: len(server.events("prefect.asset.materialization")) >= 2, "the assets' events arrive")
    days = {"days": 2, "first_day": "2026-03-01", "last_day": "2026-03-02", "source_rows": 4028}
    assert told("mp_events") == {**days, "rows": 4000, "inserted_rows": 4000, "updated_rows": 0}
    assert told("mp_rejected_events") == {**days, "rows": 28}


def test_three_days_of_duplicates_are_told(server: PrefectServer, nightly: dict[str, Any]) -> None:
    (event,) = eventually(lambda: server.events("mixflows.duplicate-rate.high"), "the event arrives")
    assert event["payload"]["days"] == 3
    assert event["payload"]["last_day"] == "2026-03-03"


def test_a_retry_takes_what_is_not_published_and_counts_attempts(
    server: PrefectServer, project: Project, nightly: dict[str, Any]
) -> None:
    days = [date(2026, 3, n) for n in (1, 2, 3)]
    first = [(days[0], "published", 1), (days[1], "published", 1), (days[2], "blocked", 1)]
    server.retry(nightly["id"])
    again = server.ended(nightly["id"], run_count=2)
    assert again["state_name"] == "Blocked", again["state"]["message"]
    assert project.ledger(days) == [*first, (days[2], "blocked", 2)]

    settings = project.folder / "mixflows.toml"
    before = settings.read_text()
    settings.write_text(before + "[quality.duplicate_rate]\ncritical = 0.05\n")
    try:
        server.retry(nightly["id"])
        third = server.ended(nightly["id"], run_count=3)
    finally:
        settings.write_text(before)
    assert third["state_name"] == "CompletedWithWarnings", third["state"]["message"]
    assert project.ledger(days) == [*first, (days[2], "blocked", 2), (days[2], "published", 3)]
    results = project.query(
        "SELECT DISTINCT attempt FROM mp_quality_results WHERE partition_date = ? ORDER BY 1", days[2]
    )
    assert results == [(1,), (2,), (3,)]
    assert project.published(days) == dict.fromkeys(days, 2000)


def test_the_report_follows(server: PrefectServer, project: Project, nightly: dict[str, Any]) -> None:
    run_id = server.start("daily")
    assert server.ended(run_id)["state"]["message"] == "nothing to do"
    deployment = server.deployment("report")["id"]

    def reports() -> list[dict[str, Any]]:
        return server.post("/flow_runs/filter", flow_runs={"deployment_id": {"any_": [deployment]}})

    run = server.ended(eventually(reports, "the report is started")[0]["id"])
    assert run["state_name"] == "Completed"
    assert "2026-03-03" in (project.folder / "mixflows-report.html").read_text()
    assert {"mixflows-report"} == set(server.artifacts(run["id"]))


def test_a_backfill_from_the_form_and_rerun_when_complete(
    server: PrefectServer, project: Project, worker: Process
) -> None:
    days = project.land(date(2026, 4, 1), days=3, rows=50)
    form = {"start": "2026-04-01", "end": "2026-04-02", "mode": "all", "concurrency": 2, "dry_run": False}
    run_id = server.start("backfill", **form)
    assert server.ended(run_id)["state_name"] == "Completed"
    assert project.ledger(days) == [(days[0], "published", 1), (days[1], "published", 1)]
    progress = server.artifacts(run_id)["mixflows-progress"]
    assert float(progress["data"]) == 100
    before = project.query("SELECT * FROM mp_events ORDER BY ALL")
    server.retry(run_id)
    assert server.ended(run_id, run_count=2)["state_name"] == "Completed"
    assert project.ledger(days) == [(days[0], "published", 1), (days[1], "published", 1)]
    assert project.query("SELECT * FROM mp_events ORDER BY ALL") == before


def test_a_dry_run_only_plans_and_a_bad_range_is_refused_with_a_sentence(
    server: PrefectServer, project: Project, worker: Process
) -> None:
    days = project.land(date(2026, 4, 10), days=2, rows=50)
    dry = server.start("backfill", start="2026-04-10", end="2026-04-11", dry_run=True)
    wrong = server.start("backfill", start="2026-04-11", end="2026-04-10")
    assert server.ended(dry)["state"]["message"].startswith("dry run: 2 days")
    assert "2026-04-10" in server.artifacts(dry)["mixflows-plan"]["data"]
    assert project.ledger(days) == []
    failed = server.ended(wrong)
    assert failed["state_name"] == "Failed"
    assert "2026-04-11" in failed["state"]["message"]


def test_a_cancelled_backfill_leaves_days_whole_and_its_retry_completes_them(
    server: PrefectServer, project: Project, worker: Process
) -> None:
    days = project.land(date(2026, 5, 1), days=30, rows=3000)
    run_id = server.start("backfill", start="2026-05-01", end="2026-05-30", concurrency=1)

    def published() -> int:
        return sum(
            t["name"].startswith("publish-") and t["state_type"] == "COMPLETED" for t in server.task_runs(run_id)
        )

    eventually(lambda: published() >= 2, "two days are published", 240)
    server.cancel(run_id)
    assert server.ended(run_id)["state_name"] == "Cancelled"
    eventually(lambda: not flow_processes(run_id), "the run's process ends")

    done = project.ledger(days)
    assert 2 <= len(done) < len(days)
    assert {(status, attempt) for _, status, attempt in done} == {("published", 1)}
    assert project.published(days) == dict.fromkeys((day for day, _, _ in done), 3000)

    server.retry(run_id)
    assert server.ended(run_id, run_count=2)["state_name"] == "Completed"
    left = [day for day in days if day not in {day for day, _, _ in done}]
    assert project.ledger(days) == sorted([*done, *((day, "published", 2) for day in left)])
    assert project.published(days) == dict.fromkeys(days, 3000)


def test_a_second_run_waits_and_a_dead_machines_run_can_be_rerun_at_once(
    server: PrefectServer, project: Project, worker: Process
) -> None:
    days = project.land(date(2026, 6, 1), days=20, rows=3000)
    worker.stop()
    # Two at a time in the pool, so that it is the deployment's limit that keeps them apart.
    server.cli("work-pool", "set-concurrency-limit", "mixflows", "2", folder=project.folder)
    doomed = start_worker(server, project.folder, "doomed")
    first = server.start("backfill", start="2026-06-01", end="2026-06-20", concurrency=1)
    server.in_state(first, "Running")
    other = start_worker(server, project.folder, "other")
    try:
        second = server.start("backfill", start="2026-06-01", end="2026-06-20")
        server.in_state(second, "AwaitingConcurrencySlot")

        doomed.stop(signal.SIGKILL)
        for process in flow_processes(first):
            process.kill()
        assert server.run(first)["state_name"] == "Running", "nobody told the server"
        assert server.deployment("backfill")["global_concurrency_limit"]["active_slots"] == 1

        server.change_state(first, "CRASHED")
        assert server.deployment("backfill")["global_concurrency_limit"]["active_slots"] == 0
        server.retry(first)
        ended = [server.ended(first, run_count=2), server.ended(second)]
    finally:
        other.stop()
        doomed.stop()
        worker.start()
        server.cli("work-pool", "set-concurrency-limit", "mixflows", "1", folder=project.folder)
    assert [run["state_name"] for run in ended] == ["Completed", "Completed"]
    (earlier, later) = sorted(ended, key=lambda run: run["start_time"])
    assert later["start_time"] >= earlier["start_time"]
    assert {status for _, status, _ in project.ledger(days)} == {"published"}
    assert len(project.ledger(days)) == len(days), "a day was published twice"
    assert project.published(days) == dict.fromkeys(days, 3000)


def flow_processes(run_id: str) -> list[psutil.Process]:
    """The processes that run a flow run."""
    return [p for p in psutil.process_iter() if _runs(p, run_id)]


def _runs(process: psutil.Process, run_id: str) -> bool:
    try:
        return run_id in process.environ().get("PREFECT__FLOW_RUN_ID", "")
    except psutil.Error:
        return False
