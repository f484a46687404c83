"""A real Prefect server on loopback, and projects whose flows run against it."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect.settings import PREFECT_API_URL, PREFECT_HOME, PREFECT_LOGGING_TO_API_ENABLED, temporary_settings

from mixflows.warehouse import close_warehouses
from tests.flows.project import Project

START_SECONDS = 120
WITHOUT = {
    f"PREFECT_SERVER_SERVICES_{service}_ENABLED": "false"
    for service in ("EVENT_PERSISTER", "TRIGGERS", "FOREMAN", "SCHEDULER", "LATE_RUNS")
}
"""Services of the server for automations, schedules and workers, which no test here has."""


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server's API; its database goes with it."""
    home = tmp_path_factory.mktemp("prefect-server")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    api = f"http://127.0.0.1:{port}/api"
    with (home / "server.log").open("w", encoding="utf-8") as log:
        running = subprocess.Popen(
            [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)],
            env={**os.environ, **WITHOUT, "PREFECT_HOME": str(home), "PREFECT_SERVER_LOGGING_LEVEL": "WARNING"},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_until_healthy(api, running, home / "server.log")
        with temporary_settings(
            {PREFECT_API_URL: api, PREFECT_HOME: home / "client", PREFECT_LOGGING_TO_API_ENABLED: False}
        ):
            yield api
    finally:
        running.terminate()
        running.wait(timeout=30)


def _wait_until_healthy(api: str, running: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and running.poll() is None:
        try:
            with urllib.request.urlopen(f"{api}/health", timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"the Prefect server did not start:\n{log.read_text(encoding='utf-8')[-2000:]}")


@pytest.fixture
def project(server: str, tmp_path: Path) -> Iterator[Project]:
    """An empty project."""
    yield Project(tmp_path, server)
    close_warehouses()
