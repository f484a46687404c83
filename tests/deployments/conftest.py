"""One server, one project, one worker for all tests of this folder: starting them takes longer than most tests."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.deployments.alerting import BLOCK, Told, Webhook
from tests.deployments.project import Project
from tests.deployments.server import ROOT, PrefectServer, Process

REPORT_URL = "https://reports.example.org/mixflows-report.html"
NIGHTLY_DAYS = tuple(date(2026, 7, n) for n in range(1, 12))


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectServer]:
    started = PrefectServer(tmp_path_factory.mktemp("prefect"))
    yield started
    started.stop()


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="session")
def deployed(server: PrefectServer, project: Project) -> str:
    """What `prefect deploy` said."""
    server.cli("work-pool", "create", "mixflows", "--type", "process", folder=project.folder)
    server.cli("work-pool", "set-concurrency-limit", "mixflows", "1", folder=project.folder)
    return deploy(server, project)


def deploy(server: PrefectServer, project: Project) -> str:
    """Runs the command of docs/operations.md where mixflows.toml is."""
    prefect_file = str(ROOT / "deployments/prefect.yaml")
    return server.cli("deploy", "--prefect-file", prefect_file, "--all", folder=project.folder)


@pytest.fixture(scope="session")
def worker(server: PrefectServer, project: Project, deployed: str) -> Iterator[Process]:
    started = start_worker(server, project.folder, "worker")
    yield started
    started.stop()


def start_worker(server: PrefectServer, folder: Path, name: str) -> Process:
    command = [*server.prefect, "worker", "start", "--pool", "mixflows", "--name", name]
    return Process(command, server.env, folder, server.folder / f"{name}.log")


@pytest.fixture(scope="session")
def told(server: PrefectServer, project: Project, deployed: str) -> Iterator[Told]:
    """The automations are made; messages arrive here."""
    with Webhook() as webhook:
        server.python("-c", webhook.block, folder=project.folder)
        said = server.python("-m", "deployments.automations", "--notify", BLOCK, folder=project.folder)
        yield Told(said, webhook.messages)


@pytest.fixture(scope="session")
def nightly(server: PrefectServer, project: Project, worker: Process, told: Told) -> dict[str, Any]:
    """A run of `daily`: eleven days, the last three above the warning, the very last one blocked."""
    project.land(NIGHTLY_DAYS[:8], rows=1500)
    project.land(NIGHTLY_DAYS[8:10], rows=1500, twice=0.007)
    project.land(NIGHTLY_DAYS[10:], rows=1500, twice=0.03)
    server.post("/variables/", name="mixflows_report_url", value=REPORT_URL)
    return server.ended(server.start("daily"))
