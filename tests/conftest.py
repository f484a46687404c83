"""What every test stands on: no setting of the developer's machine reaches a test, and no test leaves it."""

import os
import shutil
import tempfile

import pytest
from hypothesis import settings

# A property test runs a real warehouse, whose first statement is slower than its hundredth.
# In CI the examples are the same every time: a run judges the change, not the luck of the draw.
settings.register_profile("mixflows", deadline=None, print_blob=True, derandomize=bool(os.environ.get("CI")))
settings.load_profile("mixflows")

pytest_plugins = ["tests.bigquery.fixtures"]

OFFLINE = {
    "DO_NOT_TRACK": "1",
    "COLUMNS": "120",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "90",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
}
PREFECT_HOME = "PREFECT_HOME"


def _is_worker() -> bool:
    return "PYTEST_XDIST_WORKER" in os.environ


def pytest_configure(config: pytest.Config) -> None:
    for name in [name for name in os.environ if name.startswith("MIXFLOWS_")]:
        del os.environ[name]
    os.environ.update(OFFLINE)
    if not _is_worker():  # the workers inherit it
        os.environ[PREFECT_HOME] = tempfile.mkdtemp(prefix="mixflows-tests-")


def pytest_unconfigure(config: pytest.Config) -> None:
    if not _is_worker():
        shutil.rmtree(os.environ[PREFECT_HOME], ignore_errors=True)
