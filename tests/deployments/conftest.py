"""One server, one project, one worker for all tests of this folder: starting them takes longer than most tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deployments.project import Project
from tests.deployments.server import PREFECT, ROOT, PrefectServer, Process


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
    # The commands of docs/operations.md run where mixflows.toml is.
    return server.cli(
        "deploy", "--prefect-file", str(ROOT / "deployments/prefect.yaml"), "--all", folder=project.folder
    )


@pytest.fixture(scope="session")
def worker(server: PrefectServer, project: Project, deployed: str) -> Iterator[Process]:
    started = start_worker(server, project.folder, "worker")
    yield started
    started.stop()


def start_worker(server: PrefectServer, folder: Path, name: str) -> Process:
    command = [*PREFECT, "worker", "start", "--pool", "mixflows", "--name", name]
    return Process(command, server.env, folder, server.folder / f"{name}.log")
