"""`mixflows serve`: the same without a work pool."""

import signal
import sys
from collections.abc import Iterator
from datetime import date

import pytest

from tests.deployments.conftest import deploy
from tests.deployments.project import Project
from tests.deployments.server import PrefectServer, Process, eventually

pytestmark = [pytest.mark.operation, pytest.mark.xdist_group("operation"), pytest.mark.timeout(900)]


@pytest.fixture
def served(server: PrefectServer, project: Project, worker: Process) -> Iterator[Process]:
    """In the worker's place."""
    server.idle()
    worker.stop()
    command = [sys.executable, "-c", "from mixflows.cli import main; main()", "serve", "--cron", "30 4 * * *"]
    started = Process(command, server.env, project.folder, server.folder / "serve.log")
    yield started
    started.stop()
    deploy(server, project)
    worker.start()


def test_one_process_serves_and_runs_and_pauses_the_schedules_when_it_stops(
    server: PrefectServer, project: Project, served: Process
) -> None:
    def schedules() -> list[tuple[str, str, bool]]:
        found = server.deployment("daily")["schedules"]
        return [(s["schedule"]["cron"], s["schedule"]["timezone"], s["active"]) for s in found]

    eventually(lambda: schedules() == [("30 4 * * *", "Europe/Berlin", True)], "the deployments are served")

    project.write_export("served.jsonl", [date(2026, 8, 1)], rows=20)
    run = server.ended(server.start("land", files=["served.jsonl"]))
    assert run["state"]["message"] == "1 file, 20 source rows"
    assert project.query("SELECT count(*) FROM mp_master_event WHERE source_file LIKE '%served.jsonl'") == [(20,)]

    served.stop(signal.SIGINT)
    eventually(lambda: server.deployment("daily")["paused"] or not schedules()[0][-1], "the schedules are paused")
