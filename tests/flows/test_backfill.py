"""The flow `backfill`: its states, what it leaves in Prefect, and what it refuses."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from prefect.client.schemas.objects import TaskRun

from flows.backfill import backfill
from flows.daily import daily
from flows.land import land
from mixflows.days import last_complete_day
from mixflows.model import Mode
from mixflows.pipeline.totals import Totals
from mixflows.warehouse import close_warehouses
from tests.flows.project import Project

pytestmark = pytest.mark.xdist_group("prefect")

BLOCKED, WARNED = "2024-01-04", "2024-01-02"
FLAGGED = "0.99 % of 202 rows are duplicates (limit 0.5 %); no event name, hour or source file stands out"
DAYS = [f"2024-01-0{n}" for n in range(1, 7)]


@pytest.fixture(scope="module")
def landed_once(server: str, tmp_path_factory: pytest.TempPathFactory) -> Project:
    made = Project(tmp_path_factory.mktemp("landed"), server)
    made.land(6, 200, twice={1: 2, 3: 100})
    return made


@pytest.fixture
def landed(landed_once: Project, tmp_path: Path) -> Iterator[Project]:
    """Six days of 200 events; on the second 2 of them came twice (a warning), on the fourth 100 (blocked)."""
    yield landed_once.copied_to(tmp_path)
    close_warehouses()


def test_a_backfill_with_a_blocked_day_and_its_rerun(landed: Project) -> None:
    ran = landed.run(backfill)
    assert ran.named == ("FAILED", "Blocked")
    assert f"blocked: {BLOCKED} (33.33 % of 300 rows are duplicates (limit 1 %)" in ran.message
    assert f"warnings: {WARNED} (0.99 % of 202 rows are duplicates (limit 0.5 %)" in ran.message
    assert f'\nmixflows release {BLOCKED} --because "…"\n' in ran.message

    table = ran.table("mixflows-days")
    assert [(row["day"], row["status"]) for row in table[:2]] == [(BLOCKED, "blocked"), (WARNED, "published")]
    assert sorted(row["day"] for row in table) == DAYS
    assert table[1] == {
        "day": WARNED, "status": "published", "reason": "new", "rows": 202, "kept": 200, "rejected": 2,
        "duplicate rate": "0.99 %", "note": FLAGGED,
    }  # fmt: skip
    summary = ran.artifact("mixflows-summary")
    assert summary is not None
    assert str(summary.data).startswith("**6 days**, 1,302 source rows: 5 published, 1 blocked.")
    assert f"- {BLOCKED}: 33.33 %" in str(summary.data)
    everything = "Over all days: 1,302 rows delivered = 1,000 kept + 2 rejected + 300 held back."
    assert everything in str(summary.data)
    assert f"\nmixflows inspect {BLOCKED}\n" in str(summary.data)
    progress = ran.artifact("mixflows-progress")
    assert progress is not None
    assert progress.data == 100

    days = f"{DAYS[0]}..{DAYS[-1]}"
    tasks = ran.task_runs(5)
    states = {name: run.state.name for name, run in tasks.items() if run.state and name.endswith((days, BLOCKED))}
    assert states == {
        f"stage {days}": "Completed",
        f"audit {days}": "Completed",
        f"publish {days}": "Completed",
        f"publish {BLOCKED}": "Blocked",
    }

    ledger = landed.ledger()
    assert {row["run_id"] for row in ledger} == {str(ran.flow_run.id)}
    assert {row["attempt"] for row in ledger} == {1}
    assert (landed.totals()["event_rows"], landed.totals()["rejected_rows"]) == (1000, 2)

    again = landed.run(backfill)
    assert again.named == ("COMPLETED", "StandingBlocks")
    assert again.message == f"nothing to do; standing: {BLOCKED} blocked"
    assert again.artifact("mixflows-days") is None
    told = again.artifact("mixflows-summary")
    assert told is not None
    assert everything in str(told.data)
    landed.close()
    flags = [word for assignment in landed.assignments for word in ("--set", assignment)]
    assert str(Totals(**landed.place.run("status", "--json", *flags).json["totals"])) in everything
    assert f"\nmixflows inspect {BLOCKED}\n" in str(told.data)
    assert f"\nmixflows acknowledge {BLOCKED} --because" in str(told.data)
    assert landed.ledger() == ledger

    asked = landed.run(backfill, mode=Mode.BLOCKED)
    assert asked.named == ("FAILED", "Blocked")
    assert [row["day"] for row in asked.table("mixflows-days")] == [BLOCKED]


def test_warnings_alone_complete_with_warnings(landed: Project) -> None:
    ran = landed.run(backfill, end=date(2024, 1, 2))
    assert (ran.flow_run.name, *ran.named) == ("backfill ..2024-01-02", "COMPLETED", "CompletedWithWarnings")
    assert ran.message == f"2 days; warnings: {WARNED} ({FLAGGED})"


def test_a_failed_day_fails_the_run_beside_a_blocked_one_and_the_others_go_on(
    landed: Project, caplog: pytest.LogCaptureFixture
) -> None:
    landed.refuse("mp_events", date(2024, 1, 3))
    ran = landed.run(backfill, start=date(2024, 1, 3))
    assert ran.named == ("FAILED", "Failed")
    assert "failed: 2024-01-03 (" in ran.message
    assert f"blocked: {BLOCKED} (" in ran.message
    statuses = {str(row["partition_date"]): row["status"] for row in landed.ledger()}
    assert statuses == {
        "2024-01-03": "failed",
        BLOCKED: "blocked",
        "2024-01-05": "published",
        "2024-01-06": "published",
    }
    (failed,) = [row for row in ran.table("mixflows-days") if row["status"] == "failed"]
    assert (failed["day"], failed["rows"], failed["duplicate rate"]) == ("2024-01-03", None, None)

    logged = [record.message for record in caplog.records]
    (why,) = [message for message in logged if message.startswith(f"{BLOCKED} blocked: ")]
    assert "33.33 % of 300 rows are duplicates" in why
    assert not [message for message in logged if "None inserted" in message]
    with_commands = [message for message in logged if f"mixflows inspect {BLOCKED}" in message]
    assert [message[:24] for message in with_commands] == ["Finished in state Failed"], (
        "the flow's state alone has them"
    )


def test_a_dry_run_leaves_its_plan_and_writes_nothing(landed: Project) -> None:
    ran = landed.run(backfill, dry_run=True, newest_first=True, start=date(2024, 1, 4))
    assert ran.named == ("COMPLETED", "Completed")
    assert ran.message == "dry run: 3 days, 700 source rows"
    assert [(row["day"], row["reason"], row["rows"]) for row in ran.table("mixflows-plan")] == [
        ("2024-01-06", "new", 200), ("2024-01-05", "new", 200), (BLOCKED, "new", 300),
    ]  # fmt: skip
    assert ran.artifact("mixflows-days") is None
    assert landed.ledger() == []


@pytest.mark.parametrize("concurrency", [1, 3])
def test_so_many_batches_are_in_flight_and_no_more(concurrency: int, landed: Project) -> None:
    ran = landed.run(backfill, "backfill.batch_days=1", concurrency=concurrency, end=date(2024, 1, 4))
    tasks = ran.task_runs(12)
    for step in ("stage", "publish"):
        batches = [tasks[f"{step} {day}"] for day in DAYS[:4]]
        assert most_at_once(batches) <= concurrency


def test_a_held_day_is_named_and_left_alone(landed: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIXFLOWS_PIPELINE__WAIT_MINUTES", "0")
    day = date(2024, 1, 1)
    landed.warehouse().claim([day], "another-run")
    ran = landed.run(backfill, end=date(2024, 1, 2))
    assert ran.named == ("FAILED", "HeldElsewhere")
    assert "held by another run and left alone: 2024-01-01" in ran.message
    summary = ran.artifact("mixflows-summary")
    assert summary is not None
    assert "- 2024-01-01: another-run" in str(summary.data)
    assert [str(row["partition_date"]) for row in landed.ledger()] == [WARNED]


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"start": date(2024, 1, 5), "end": date(2024, 1, 1)}, "ends on 2024-01-01, before it starts on 2024-01-05"),
        ({"concurrency": 0}, "backfill.concurrency: Input should be greater than or equal to 1"),
        ({"mode": "some"}, "mode: Input should be 'due', 'missing', 'changed', 'failed', 'blocked' or 'all'"),
        ({"start": "soon"}, "start: Input should be a valid date"),
    ],
)
def test_parameters_that_cannot_be_meant_are_refused_with_a_sentence(
    parameters: dict[str, Any], sentence: str, landed: Project
) -> None:
    ran = landed.run(backfill, **parameters)
    assert ran.named[0] == "FAILED"
    assert sentence in " ".join(ran.message.split())
    assert landed.ledger() == []


def test_a_run_before_anything_is_landed_says_so(project: Project) -> None:
    for flow in (backfill, daily):
        ran = project.run(flow)
        assert ran.named == ("FAILED", "Failed")
        assert "Land files first" in ran.message
    yesterday = last_complete_day(datetime.now(UTC), ZoneInfo("Pacific/Kiritimati"))
    assert project.run(daily, "project_timezone=Pacific/Kiritimati").flow_run.name == f"daily {yesterday}"
    assert project.run(daily, "project_timezone=nowhere").flow_run.name == "daily"


def test_daily_takes_days_up_to_as_of_and_then_only_what_changed(landed: Project) -> None:
    first = landed.run(daily, as_of=date(2024, 1, 3))
    assert (first.flow_run.name, *first.named) == ("daily 2024-01-03", "COMPLETED", "CompletedWithWarnings")
    assert sorted(row["day"] for row in first.table("mixflows-days")) == DAYS[:3]
    landed.run(land, files=[landed.export("late.jsonl", 1, 201)], again=False)
    ran = landed.run(daily, "quality.min_rows=1000", as_of=date(2024, 1, 3))
    assert [(row["day"], row["reason"]) for row in ran.table("mixflows-days")] == [("2024-01-01", "changed")]
    assert str(ran.flow_run.id) in {row["run_id"] for row in landed.ledger()}


def most_at_once(runs: Sequence[TaskRun]) -> int:
    """The highest number of task runs that ran at the same instant."""
    moments: list[tuple[datetime, int]] = []
    for run in runs:
        assert run.start_time
        assert run.end_time
        moments += [(run.start_time, 1), (run.end_time, -1)]
    at_once = most = 0
    for _, step in sorted(moments):
        at_once += step
        most = max(most, at_once)
    return most


def test_a_range_without_a_day_says_so(landed: Project) -> None:
    ran = landed.run(backfill, start=date(2023, 1, 1), end=date(2023, 1, 31))
    assert ran.named == ("COMPLETED", "Completed")
    assert "2023-01-01 to 2023-01-31" in ran.message
    assert f"{DAYS[0]} to {DAYS[-1]}" in ran.message
    summary = ran.artifact("mixflows-summary")
    assert summary is not None
    assert "2023-01-01 to 2023-01-31" in str(summary.data)
