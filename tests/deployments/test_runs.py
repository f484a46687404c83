"""Runs on a worker: scheduled, retried, from the form, cancelled."""

import re
from datetime import date
from typing import Any

import pytest

from tests.deployments.conftest import NIGHTLY_DAYS, REPORT_URL
from tests.deployments.project import Project, days_from
from tests.deployments.server import PrefectServer, Process, eventually, flow_processes

pytestmark = [pytest.mark.operation, pytest.mark.xdist_group("operation"), pytest.mark.timeout(900)]
BLOCKED = NIGHTLY_DAYS[-1]
FIRST_ATTEMPT = [*((day, "published", 1) for day in NIGHTLY_DAYS[:-1]), (BLOCKED, "blocked", 1)]


def test_a_run_publishes_what_is_due_but_what_the_gate_blocks(project: Project, nightly: dict[str, Any]) -> None:
    assert nightly["state_name"] == "Blocked"
    assert f"{BLOCKED} (2.91 % of 1,545 rows are duplicates (limit 1 %)" in nightly["state"]["message"]
    assert project.ledger(NIGHTLY_DAYS)[: len(FIRST_ATTEMPT)] == FIRST_ATTEMPT
    assert project.published(NIGHTLY_DAYS[:-1]) == dict.fromkeys(NIGHTLY_DAYS[:-1], 1500)


def test_a_run_logs_a_line_per_day_and_step(server: PrefectServer, nightly: dict[str, Any]) -> None:
    messages = server.log(nightly["id"], "2026-07-11 blocked: ")
    seconds = r"\d+\.\d\d s"
    for day in NIGHTLY_DAYS:
        status, inserted = ("blocked", 0) if day == BLOCKED else ("published", 1500)
        line = rf"{day} {status}: \d+ rows, 1500 kept, \d+ rejected, {inserted} inserted, 0 updated"
        assert len([m for m in messages if re.match(line, m)]) == 1, line
    assert [m for m in messages if re.match(rf"11 days staged, 0 of them unchanged by their keys, in {seconds}", m)]
    assert [m for m in messages if re.match(rf"11 days recorded in {seconds}", m)]
    assert [m for m in messages if re.match(rf"11 days audited: 1 blocked, 3 with warnings, {seconds}", m)]
    assert not [m for m in messages if re.search(r"\bu\d|-1499|DayOutcome", m)], (
        "a line names a user, an event, an object"
    )


def test_a_run_leaves_its_artifacts_under_stable_keys(server: PrefectServer, nightly: dict[str, Any]) -> None:
    artifacts = server.artifacts(nightly["id"])
    assert set(artifacts) == {"mixflows-days", "mixflows-summary"}
    assert "2026-07-11" in artifacts["mixflows-days"]["data"]
    assert f"[the report]({REPORT_URL})" in artifacts["mixflows-days"]["description"]
    assert "Blocked" in artifacts["mixflows-summary"]["data"]


def test_the_published_tables_are_assets_made_from_the_source(server: PrefectServer, nightly: dict[str, Any]) -> None:
    def told(table: str) -> dict[str, Any]:
        def of_this_run() -> dict[str, Any] | None:
            events = server.events("prefect.asset.materialization.succeeded", f"duckdb://mixflows/{table}")
            return next((e for e in events if nightly["id"] in str(e["related"])), None)

        event = eventually(of_this_run, f"the asset {table} is told")
        assets = [r["prefect.resource.id"] for r in event["related"] if r["prefect.resource.role"] == "asset"]
        assert assets == ["duckdb://mixflows/mp_master_event"]
        return event["payload"]

    rejected = 8 * 1 + 2 * 10
    days = {"days": 10, "first_day": "2026-07-01", "last_day": "2026-07-10", "source_rows": 15_000 + rejected}
    assert told("mp_events") == {**days, "rows": 15_000, "inserted_rows": 15_000, "updated_rows": 0}
    assert told("mp_rejected_events") == {**days, "rows": rejected}


def test_the_report_follows(server: PrefectServer, project: Project, nightly: dict[str, Any]) -> None:
    run = server.ended(eventually(lambda: server.runs("report"), "the report is started")[0]["id"])
    assert run["state_name"] == "Completed"
    assert run["start_time"] >= nightly["end_time"]
    assert "2026-07-11" in (project.folder / "mixflows-report.html").read_text()
    artifacts = server.artifacts(run["id"])
    assert set(artifacts) == {"mixflows-report"}
    assert REPORT_URL in artifacts["mixflows-report"]["data"]


def test_a_retry_takes_what_is_not_published_and_counts_attempts(
    server: PrefectServer, project: Project, nightly: dict[str, Any]
) -> None:
    with project.setting("[quality.duplicate_rate]\ncritical = 0.05\n"):
        server.retry(nightly["id"])
        again = server.ended(nightly["id"], run_count=2)
    assert again["state_name"] == "CompletedWithWarnings", again["state"]["message"]
    assert project.ledger(NIGHTLY_DAYS) == [*FIRST_ATTEMPT, (BLOCKED, "published", 2)]
    assert project.published(NIGHTLY_DAYS) == dict.fromkeys(NIGHTLY_DAYS, 1500)
    judged = "SELECT DISTINCT attempt FROM mp_quality_results WHERE partition_date = ? ORDER BY 1"
    assert project.query(judged, BLOCKED) == [(1,), (2,)]
    assert project.query(judged, NIGHTLY_DAYS[0]) == [(1,)]
    tables = server.artifacts_named("mixflows-days", nightly["id"])
    assert [str(BLOCKED) in table["data"] for table in tables] == [True, True], "the key has a history"


def test_the_scheduler_starts_a_run(server: PrefectServer, project: Project, worker: Process) -> None:
    days = [date(2026, 3, 1)]
    project.land(days, rows=50)

    def scheduled() -> dict[str, Any] | None:
        return next((run for run in server.runs("daily") if run["auto_scheduled"]), None)

    with server.soon_and_every_minute("daily"):
        run = eventually(scheduled, f"a scheduled run starts; see {server.folder}")
    assert server.ended(run["id"])["state_name"] == "Completed"
    assert project.ledger(days) == [(days[0], "published", 1)]


def test_a_backfill_from_the_form_and_rerun_when_complete(
    server: PrefectServer, project: Project, worker: Process
) -> None:
    days = days_from(date(2026, 4, 1), 3)
    project.land(days, rows=50)
    form = {"start": "2026-04-01", "end": "2026-04-02", "mode": "all", "concurrency": 2, "dry_run": False}
    run_id = server.start("backfill", **form)
    assert server.ended(run_id)["state_name"] == "Completed"
    assert project.ledger(days) == [(days[0], "published", 1), (days[1], "published", 1)]
    progress = server.artifacts(run_id)["mixflows-progress"]
    assert float(progress["data"]) == 100
    before = project.query("SELECT * FROM mp_events ORDER BY ALL")
    server.retry(run_id)
    assert server.ended(run_id, run_count=2)["state"]["message"] == "nothing to do"
    assert project.ledger(days) == [(days[0], "published", 1), (days[1], "published", 1)]
    assert project.query("SELECT * FROM mp_events ORDER BY ALL") == before


def test_a_cancelled_backfill_leaves_days_whole_and_its_retry_completes_them(
    server: PrefectServer, project: Project, worker: Process
) -> None:
    days = days_from(date(2025, 1, 1), 120)
    project.land(days, rows=100)
    with project.setting("[backfill]\nbatch_days = 3\n"):
        run_id = server.start("backfill", start=str(days[0]), end=str(days[-1]), concurrency=1)
        project.writes_days()
    server.cancel(run_id)
    assert server.ended(run_id)["state_name"] == "Cancelled"
    eventually(lambda: not flow_processes(run_id), "the run's process ends")

    done = project.ledger(days)
    assert 0 < len(done) < len(days)
    assert {(status, attempt) for _, status, attempt in done} == {("published", 1)}
    assert project.published(days) == dict.fromkeys((day for day, _, _ in done), 100)

    server.retry(run_id)
    assert server.ended(run_id, run_count=2)["state_name"] == "Completed"
    left = [day for day in days if day not in {day for day, _, _ in done}]
    assert project.ledger(days) == sorted([*done, *((day, "published", 2) for day in left)])
    assert project.published(days) == dict.fromkeys(days, 100)
