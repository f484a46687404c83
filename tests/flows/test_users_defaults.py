"""A user's defaults for Prefect are for the user's own flows and tasks: none of them changes a day's verdict."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import prefect.settings
import pytest
from prefect.settings import get_current_settings, temporary_settings

from flows.backfill import backfill
from mixflows.warehouse import close_warehouses
from tests.flows.project import Project

pytestmark = pytest.mark.xdist_group("prefect")

DEFAULTS = {
    "PREFECT_TASKS_DEFAULT_RETRIES": "2",
    "PREFECT_TASKS_DEFAULT_RETRY_DELAY_SECONDS": "1",
    "PREFECT_FLOWS_DEFAULT_RETRIES": "2",
    "PREFECT_FLOWS_DEFAULT_RETRY_DELAY_SECONDS": "1",
    "PREFECT_TASKS_DEFAULT_PERSIST_RESULT": "true",
    "PREFECT_TASKS_REFRESH_CACHE": "true",
    "PREFECT_TASKS_DISABLE_CACHING": "true",
    "PREFECT_TASKS_DEFAULT_NO_CACHE": "true",
    "PREFECT_TASKS_RUNNER_THREAD_POOL_MAX_WORKERS": "1",
    "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "true",
    "PREFECT_RESULTS_DEFAULT_SERIALIZER": "json",
    "PREFECT_RESULTS_DEFAULT_STORAGE_BLOCK": "local-file-system/absent",
    "PREFECT_RESULTS_LOCAL_STORAGE_PATH": "/proc/not-writable",
    "PREFECT_TASKS_SCHEDULING_DEFAULT_STORAGE_BLOCK": "local-file-system/absent",
    "PREFECT_DEPLOYMENTS_DEFAULT_WORK_POOL_NAME": "absent",
    "PREFECT_SERVER_API_DEFAULT_LIMIT": "2",
    "PREFECT_LOGGING_LOG_PRINTS": "true",
    "PREFECT_LOGGING_MARKUP": "true",
}
STATUSES = ["published", "published", "blocked", "failed"]


@pytest.fixture(scope="module")
def landed_once(server: str, tmp_path_factory: pytest.TempPathFactory) -> Project:
    made = Project(tmp_path_factory.mktemp("landed"), server)
    made.land(4, 40, twice={2: 20})
    made.refuse("mp_events", date(2024, 1, 4))
    return made


@pytest.fixture
def landed(landed_once: Project, tmp_path: Path) -> Iterator[Project]:
    """Four days: two are right, one is blocked by its duplicates, and one is refused by its table."""
    yield landed_once.copied_to(tmp_path)
    close_warehouses()


def test_all_of_them_together(landed: Project) -> None:
    sets = [word for assignment in landed.assignments for word in ("--set", assignment)]
    env = {"PREFECT_API_URL": landed.api, **DEFAULTS}
    landed.place.run_alone("backfill", *sets, env=env, code=1)
    assert [(row["status"], row["attempt"]) for row in landed.ledger()] == [(status, 1) for status in STATUSES]


@pytest.mark.parametrize(
    "defaults",
    [
        {"PREFECT_TASKS_DEFAULT_PERSIST_RESULT": True, "PREFECT_RESULTS_DEFAULT_SERIALIZER": "json"},
        {
            "PREFECT_RESULTS_PERSIST_BY_DEFAULT": True,
            "PREFECT_RESULTS_DEFAULT_SERIALIZER": "json",
            "PREFECT_TASKS_REFRESH_CACHE": True,
        },
    ],
    ids=["of tasks", "of all results"],
)
def test_those_that_are_read_while_a_flow_runs(defaults: dict[str, Any], landed: Project) -> None:
    with temporary_settings({getattr(prefect.settings, name): value for name, value in defaults.items()}):
        storage = get_current_settings().results.local_storage_path
        before = set(storage.glob("*"))  # other tests of this process store results there
        ran = landed.run(backfill)
    assert ran.named == ("FAILED", "Failed")
    assert [row["status"] for row in landed.ledger()] == STATUSES
    assert set(storage.glob("*")) == before
