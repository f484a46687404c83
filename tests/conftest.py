"""What every test stands on: no setting of the developer's machine reaches a test, and no test leaves it."""

import os
import shutil
import tempfile

import pytest
from hypothesis import settings

from tests.support.examples import EXAMPLES_IN_CI

# A property test runs a real warehouse, whose first statement is slower than its hundredth: no deadline.
# `ci` draws the same examples every time: a run judges the change, not the luck of the draw. `long` searches.
settings.register_profile("ci", max_examples=EXAMPLES_IN_CI, deadline=None, print_blob=True, derandomize=True)
settings.register_profile("long", max_examples=20 * EXAMPLES_IN_CI, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

pytest_plugins = ["tests.bigquery.fixtures", "tests.support.browser"]

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
