"""Two runs at once, and runs whose machine dies."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta

import pytest

from tests.deployments.alerting import Told, impatient
from tests.deployments.project import Project, days_from
from tests.deployments.server import PrefectServer, Process, eventually, flow_processes

pytestmark = [pytest.mark.operation, pytest.mark.xdist_group("operation"), pytest.mark.timeout(900)]


def test_a_second_run_waits_and_a_dead_machines_run_can_be_rerun_at_once(
    server: PrefectServer, project: Project, worker: Process, told: Told
) -> None:
    """The first run is marked as crashed by a person, the second one by the automation."""
    days = days_from(date(2026, 6, 1), 30)
    project.land(days, rows=1000)
    with project.setting("[backfill]\nbatch_days = 1\n"), worker_again(server, worker):
        server.idle()
        # Two at a time in the pool, so that it is the deployment's limit that keeps them apart.
        server.pool_limit(2)
        first = server.start("backfill", start="2026-06-01", end="2026-06-30", concurrency=1)
        server.in_state(first, "Running")
        second = server.start("backfill", start="2026-06-01", end="2026-06-30", concurrency=1)
        server.in_state(second, "AwaitingConcurrencySlot")

        die(worker, first)
        assert server.run(first)["state_name"] == "Running", "nobody told the server"
        assert slots(server) == 1
        server.change_state(first, "CRASHED")
        assert slots(server) == 0

        with impatient(server, "a run lost its process", silence=timedelta(seconds=15)):
            worker.start()
            server.in_state(second, "Running")
            sign_of_life = ("prefect.flow-run.heartbeat", f"prefect.flow-run.{second}")
            eventually(lambda: server.events(*sign_of_life), "the second run gives a sign of life")
            die(worker, second)
            lost = server.in_state(second, "Crashed")
        assert "no sign of life for 15 s" in lost["state"]["message"]
        assert "no sign of life" in told.message("mixflows: a run failed", second)
        assert slots(server) == 0

    server.retry(first)
    assert server.ended(first, run_count=2)["state_name"] == "Completed"
    assert {status for _, status, _ in project.ledger(days)} == {"published"}
    assert len(project.ledger(days)) == len(days), "a day was published twice"
    assert project.published(days) == dict.fromkeys(days, 1000)


@contextmanager
def worker_again(server: PrefectServer, worker: Process) -> Iterator[None]:
    """Leaves the worker and its pool as the other tests need them, whatever happens."""
    try:
        yield
    finally:
        worker.stop(signal.SIGKILL)
        worker.start()
        server.pool_limit(1)


def die(worker: Process, run_id: str) -> None:
    """The worker and the run's process are killed, as when a machine loses its power."""
    worker.stop(signal.SIGKILL)
    for process in flow_processes(run_id):
        process.kill()


def slots(server: PrefectServer) -> int:
    """The slots of `backfill` that are taken."""
    return server.deployment("backfill")["global_concurrency_limit"]["active_slots"]
