"""A run that is cut off between a day's statements: the next run finishes the day, and no job of the dead run goes on."""

import re
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from mixflows.model import Run, Status
from mixflows.pipeline.run import RunResult
from mixflows.warehouse import close_warehouses
from tests.bigquery.fixtures import BigQueryApi
from tests.bigquery_engine.faults import Answer, Fault, Request, Runs, always, once, proxy
from tests.bigquery_engine.place import Place
from tests.spec.project import LetAll, Project
from tests.spec.tables import DAY, instant, milliseconds

COPIES = """
    id | time  | arrival | properties
    a  | 10:00 | 10:05   | {"n": 1}
    a  | 10:00 | 10:06   | {"n": 2}
    -  | 11:00 | 11:01   | {}
"""
EVENTS = """
    id | arrival | properties
    a  | 10:05   | {"n": 1}
"""
REJECTED = """
    id | arrival | reason
    a  | 10:06   | Duplicate event
    -  | 11:01   | Missing insert id
"""
CHANGED = """
    id | time  | arrival | properties
    a  | 10:00 | 10:01   | {"n": 0}
"""
EVENTS_THEN = """
    id | arrival | properties
    a  | 10:01   | {"n": 0}
"""
REJECTED_THEN = REJECTED + "    a | 10:05 | Duplicate event"
CAP = Answer(400, "bytesBilledLimitExceeded", "Query exceeded limit for bytes billed: 1. 10485760 or higher required.")
WRITES_REJECTED = r"MERGE INTO `[^`]+mp_rejected_events`"
SLOW = """
    SELECT COUNT(*) FROM UNNEST(GENERATE_ARRAY(1, 1000000)) AS a, UNNEST(GENERATE_ARRAY(1, 1000000)) AS b
    WHERE MOD(a * b, 7) = 1
"""


def run_through(
    api: BigQueryApi, place: Place, endpoint: str, fault: Callable[..., Fault], run: Run, **sections: Any
) -> RunResult:
    """Runs what is due with faults on the way to the server."""
    with proxy(endpoint, fault) as through:
        project = Project(Place(api, through, place.dataset), **sections)
        try:
            return project.run(run=run)
        finally:
            close_warehouses()


def test_a_day_that_was_cut_off_between_its_tables_is_finished_by_the_next_run(
    bigquery_api: BigQueryApi, project: Project, place: Place, endpoint: str
) -> None:
    """The events are written, the rejected copies are refused by the cap: a new day, then a changed one."""
    for number, (delivered, events, rejected) in enumerate(
        ((COPIES, EVENTS, REJECTED), (CHANGED, EVENTS_THEN, REJECTED_THEN))
    ):
        project.deliver(delivered)
        before, marks = project.rejected(), project.marks()
        cut = Run(f"cut{number}{place.dataset}")
        (outcome,) = run_through(bigquery_api, place, endpoint, always(CAP, WRITES_REJECTED), cut).outcomes
        assert outcome.row.status == "failed"
        assert "bigquery.maximum_bytes_billed" in outcome.row.error
        assert '"copy_events"' in outcome.row.step_costs, "what failed was billed too"
        project.has_events(events)
        assert project.rejected() == before

        project.run(run=Run(f"next{number}{place.dataset}"))
        assert project.status() == "published"
        project.has_events(events)
        project.has_rejected(rejected)
        assert marks <= project.marks()


NO_ROOM = "SELECT ERROR('Resources exceeded during query execution')"
CUTS = {
    "the statement is refused": lambda request: CAP,
    "the statement fails at its end": lambda request: Runs(
        re.sub(rf"{WRITES_REJECTED}.*?(?=;|\Z)", NO_ROOM, request.query, flags=re.DOTALL)
    ),
}


@pytest.mark.parametrize(("cut", "days"), [*zip(CUTS, (1, 2), strict=True)])
def test_a_copy_that_only_policy_keeps_is_in_one_of_the_tables_whenever_the_day_is_cut_off(
    bigquery_api: BigQueryApi, project: Project, place: Place, endpoint: str, cut: str, days: int
) -> None:
    """The published copy is gone from the source when a better one comes: it moves from the events to the rejected copies."""
    keep: dict[str, Any] = {"pipeline": {"source_deletes": "keep"}}
    project.set(**keep)
    project.deliver(COPIES)
    project.run()
    project.delete("id | arrival\na | 10:05")
    project.deliver(CHANGED + "    b | 10:00 | 10:01 | {}\n" + "    c | +1d 10:00 | +1d 10:01 | {}\n" * (days - 1))

    def fault(request: Request) -> Fault:
        return CUTS[cut](request) if re.search(WRITES_REJECTED, request.query) else None

    stopped = Run(f"cut{place.dataset}")
    outcomes = run_through(bigquery_api, place, endpoint, fault, stopped, **keep).outcomes
    assert "failed" in {outcome.row.status for outcome in outcomes}
    kept = Counter(row["mp_processing_time_ms"] for row in [*project.events(), *project.rejected()])
    assert kept[milliseconds(instant("10:05"))] == 1

    result = project.run(run=Run(f"next{place.dataset}"))
    assert result.exit_code == 0, [outcome.row.error for outcome in result.outcomes]
    project.has_rejected(REJECTED_THEN)
    assert Counter(row["mp_insert_id"] for row in project.events()) == Counter("ab" + "c" * (days - 1))


def test_a_day_whose_copy_is_refused_fails_alone_of_its_batch(
    bigquery_api: BigQueryApi, project: Project, place: Place, endpoint: str
) -> None:
    project.deliver(COPIES + "    b | +1d 10:00 | +1d 10:01 | {}\n    c | +2d 10:00 | +2d 10:01 | {}\n")
    second = DAY + timedelta(days=1)
    refused = always(Answer(400, "invalid", "Cannot copy"), rf"mp_events\${second:%Y%m%d}")
    result = run_through(bigquery_api, place, endpoint, refused, Run(f"cut{place.dataset}"))
    assert (result.exit_code, [outcome.row.partition_date for outcome in result.days(Status.FAILED)]) == (1, [second])
    assert Counter(row["mp_insert_id"] for row in project.events()) == Counter("ac")
    assert project.planned() == {second: "failed"}
    project.run(run=Run(f"next{place.dataset}"))
    assert Counter(row["mp_insert_id"] for row in project.events()) == Counter("abc")


class StopsWhileABigStatementRuns(LetAll):
    """Ctrl-C, or a worker's SIGTERM, in the main thread, once the server works on a statement of the run."""

    def __init__(self, place: Place, run: Run) -> None:
        self._place, self._run = place, run

    def warm_up(self) -> None:
        deadline = time.monotonic() + 60
        while ("copies", "RUNNING") not in [(j.labels["step"], j.state) for j in self._place.jobs(self._run.run_id)]:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        raise KeyboardInterrupt


def test_a_run_that_is_stopped_cancels_its_jobs_and_gives_its_days_back(
    bigquery_api: BigQueryApi, project: Project, place: Place, endpoint: str
) -> None:
    project.deliver(COPIES)
    run = Run(f"stopped{place.dataset}")
    with proxy(endpoint, once(Runs(SLOW), "stg_mp_copies")) as through:
        stopped = Project(Place(bigquery_api, through, place.dataset))
        with pytest.raises(KeyboardInterrupt):
            stopped.run(run=run, auditor=StopsWhileABigStatementRuns(place, run))
        close_warehouses()
    (job,) = [job for job in place.jobs(run.run_id) if job.labels.get("step") == "copies"]
    assert (job.state, job.error_result["reason"]) == ("DONE", "stopped")
    assert project.ledger() == []
    project.run(run=Run(f"next{place.dataset}"))
    project.has_events(EVENTS)
