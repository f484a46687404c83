"""Jobs: what is told of each, what is tried again and what is not, and that no statement runs twice."""

import re
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import replace

import pytest

from mixflows.errors import WarehouseError
from mixflows.model import Run
from mixflows.warehouse.base import BatchTables
from mixflows.warehouse.bigquery import jobs as bigquery_jobs
from mixflows.warehouse.bigquery.client import make_client
from mixflows.warehouse.bigquery.jobs import ATTEMPTS, DML_AT_ONCE, Jobs, Step
from tests.bigquery.fixtures import BigQueryApi
from tests.bigquery_engine.faults import (
    CONFLICT,
    LOST,
    TOO_MANY,
    UNAVAILABLE,
    Answer,
    Fault,
    JobFails,
    Request,
    Runs,
    Waits,
    proxy,
)
from tests.bigquery_engine.place import Place
from tests.bigquery_engine.test_crash import SLOW
from tests.spec.tables import DAY

STEP = Step("append_ledger", Run("run-1", 2), DAY, 3)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bigquery_jobs, "FIRST_WAIT_SECONDS", 0.001)


@contextmanager
def jobs(api: BigQueryApi, place: Place, through: str | None = None, **bigquery: object) -> Iterator[Jobs]:
    """Jobs as another process would have them."""
    settings = Place(api, through, place.dataset).settings({"bigquery": bigquery}).bigquery
    yield Jobs(make_client(settings), settings)


@pytest.fixture
def numbers(place: Place) -> str:
    """A table of numbers."""
    place.create_table("numbers", {"n": "INT64"})
    return place.table("numbers")


def test_a_job_tells_what_it_is_for_and_is_held_to_the_settings(bigquery_api: BigQueryApi, place: Place) -> None:
    held = {
        "priority": "INTERACTIVE",
        "maximum_bytes_billed": 10**9,
        "job_timeout_seconds": 77,
        "labels": {"team": "data"},
    }
    with jobs(bigquery_api, place, **held) as own:
        run = Run(f"Run.{place.dataset}/é", flow="backfill")
        tables = BatchTables.of(DAY, run)
        own.run("SELECT @text", {"text": "a"}, Step("stage", run, DAY, 3, tables))
        (cost,) = own.cost(tables).steps
        assert own.cost(tables).steps == ()
    (job,) = place.jobs(f"run_{place.dataset}__")
    assert job.labels == {
        "app": "mixflows", "team": "data", "step": "stage", "day": "2026-03-10", "days": "3",
        "run_id": f"run_{place.dataset}__", "flow": "backfill",
    }  # fmt: skip
    assert (job.priority, job.maximum_bytes_billed, job.use_query_cache) == ("INTERACTIVE", 10**9, False)
    assert job.to_api_repr()["configuration"]["jobTimeoutMs"] == "77000"
    assert re.fullmatch(rf"mixflows_Run{place.dataset.replace('_', '')}_1_20260310_stage_1_[0-9a-f]{{12}}", job.job_id)
    assert job.query == "SELECT @text"
    assert (cost.step, cost.jobs) == ("stage", 1)


def test_the_same_statement_of_an_attempt_runs_once_whoever_sends_it(
    bigquery_api: BigQueryApi, place: Place, numbers: str
) -> None:
    """A process that died after it sent a statement, and the one that begins anew with the same attempt."""
    insert = f"INSERT INTO `{numbers}` (n) VALUES (@n)"
    for _ in range(2):
        with jobs(bigquery_api, place) as own:
            own.run(insert, {"n": 1}, STEP)
    with jobs(bigquery_api, place) as own:
        own.run(insert, {"n": 2}, STEP)
    assert sorted(row["n"] for row in place.rows("numbers")) == [1, 2]


@pytest.mark.parametrize("rows", [0, 1, 5_000])
def test_a_result_comes_with_the_answer_that_its_statement_has_ended(
    bigquery_api: BigQueryApi, place: Place, endpoint: str, rows: int
) -> None:
    requests: list[Request] = []
    with proxy(endpoint, requests.append) as through, jobs(bigquery_api, place, through) as own:
        found = own.run(f"SELECT n FROM UNNEST(GENERATE_ARRAY(1, {rows})) AS n ORDER BY n", {}, STEP)
    assert [row["n"] for row in found] == list(range(1, rows + 1))
    assert len(requests) == 2


QUOTA = Answer(403, "quotaExceeded", "Quota exceeded: Your project exceeded quota for free query bytes scanned.")
DENIED = Answer(403, "accessDenied", "Access Denied")
CAP = Answer(500, "bytesBilledLimitExceeded", "Query exceeded limit for bytes billed: 1000000.")
WRONG = JobFails("Bad double value: 'jane@example.org'")


@pytest.mark.parametrize(
    ("fault", "again"),
    [
        (UNAVAILABLE, True),
        (TOO_MANY, True),
        (CONFLICT, True),
        (LOST, True),
        (QUOTA, False),
        (DENIED, False),
        (CAP, False),
        (WRONG, False),
    ],
    ids=["503", "429", "serialization", "lost answer", "quota", "denied", "cap", "wrong statement"],
)
def test_only_what_may_work_the_next_time_is_sent_again(
    bigquery_api: BigQueryApi, place: Place, numbers: str, endpoint: str, fault: Fault, again: bool
) -> None:
    sent: list[str] = []

    def first(request: Request) -> Fault:
        if not request.query:
            return None
        sent.append(request.job)
        return fault if len(sent) == 1 else None

    with (
        proxy(endpoint, first) as through,
        jobs(bigquery_api, place, through) as own,
        nullcontext() if again else pytest.raises(WarehouseError) as refused,
    ):
        own.run(f"INSERT INTO `{numbers}` (n) VALUES (1)", {}, Step("insert", Run(place.dataset), DAY))
    assert refused is None or "jane" not in str(refused.value)
    assert (len(sent), len(place.rows("numbers"))) == ((2, 1) if again else (1, 0))
    assert (len(set(sent)) == 1) == (fault != CONFLICT), "a job that failed has used its id up; a request has not"


def test_a_conflict_that_never_ends_is_told_after_a_few_tries(
    bigquery_api: BigQueryApi, place: Place, endpoint: str
) -> None:
    sent: list[str] = []

    def always(request: Request) -> Fault:
        sent.extend([request.job] * bool(request.query))
        return CONFLICT if request.query else None

    with (
        proxy(endpoint, always) as through,
        jobs(bigquery_api, place, through) as own,
        pytest.raises(WarehouseError, match="statement delta_events on "),
    ):
        own.run("SELECT 1", {}, Step("delta_events", Run(place.dataset), DAY))
    assert len(set(sent)) == len(sent) == ATTEMPTS


def test_a_statement_that_takes_too_long_is_cancelled(bigquery_api: BigQueryApi, place: Place, endpoint: str) -> None:
    with (
        proxy(endpoint, lambda request: Runs(SLOW) if request.query else None) as through,
        jobs(bigquery_api, place, through, job_timeout_seconds=1) as own,
        pytest.raises(WarehouseError, match=r"took longer than bigquery.job_timeout_seconds \(1\) and was cancelled"),
    ):
        own.run("SELECT 1", {}, Step("stage", Run(place.dataset), DAY))
    (job,) = place.jobs(place.dataset)
    assert (job.state, job.error_result["reason"]) == ("DONE", "stopped")


@pytest.mark.parametrize(("priority", "is_cancelled"), [("BATCH", False), ("INTERACTIVE", True)])
def test_a_batch_job_may_wait_for_slots_longer_than_it_may_run(
    bigquery_api: BigQueryApi, place: Place, endpoint: str, priority: str, is_cancelled: bool
) -> None:
    started_at = time.monotonic() + 3

    def waits(request: Request) -> Fault:
        is_asked = "/jobs" in request.path or "/queries" in request.path
        return Waits() if is_asked and time.monotonic() < started_at else None

    with (
        proxy(endpoint, waits) as through,
        jobs(bigquery_api, place, through, job_timeout_seconds=1, priority=priority) as own,
        pytest.raises(WarehouseError, match="took longer") if is_cancelled else nullcontext(),
    ):
        assert own.run("SELECT 1 AS one", {}, Step("stage", Run(place.dataset), DAY)) == [{"one": 1}]
    (job,) = place.jobs(place.dataset)
    assert (job.priority, "jobTimeoutMs" in job.to_api_repr()["configuration"]) == (priority, is_cancelled)


def test_no_more_statements_change_a_table_at_once_than_bigquery_lets_wait(
    bigquery_api: BigQueryApi, place: Place, endpoint: str
) -> None:
    """40 batches in flight; those that change no shared table, or another one, do not wait for them."""
    sent: list[int] = []
    may_go_on = threading.Event()

    def slow(request: Request) -> Fault:
        if "delta_events" in request.job:
            sent.append(1)
            assert may_go_on.wait(60)
        return None

    with proxy(endpoint, slow) as through, jobs(bigquery_api, place, through) as own:
        tables = BatchTables.of(DAY, Run(place.dataset))
        steps = [Step("delta_events", Run(f"{place.dataset}{n}"), DAY, 1, tables) for n in range(40)]
        with ThreadPoolExecutor(64) as pool:
            first = [pool.submit(own.run, "SELECT 1", {}, step) for step in steps]
            while len(sent) < DML_AT_ONCE:
                time.sleep(0.01)
            others = [pool.submit(own.run, "SELECT 1", {}, replace(step, name="delta_rejected")) for step in steps[:2]]
            for other in others:
                other.result()
            assert len(sent) == DML_AT_ONCE
            may_go_on.set()
            for done in first:
                done.result()
    assert len(sent) == 40
