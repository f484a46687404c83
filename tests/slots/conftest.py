"""One warehouse for a module, emptied for each test: opening one costs more than a tiny day."""

from collections.abc import Iterator

import pytest

from mixflows.warehouse import close_warehouses
from tests.slots.days import Days
from tests.spec.engines import DuckDBEngine
from tests.spec.project import Project

USUAL = {"key": "insert_id_time", "keep": "first", "missing_insert_id": "reject", "source_deletes": None}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Days]:
    folder = tmp_path_factory.mktemp("slots")
    yield Days(Project(DuckDBEngine(folder)), folder)
    close_warehouses()


@pytest.fixture
def days(made: Days) -> Days:
    """A project without rows, with the usual settings."""
    made.project.set(pipeline=USUAL, project_timezone="UTC", landing={"time_unit": "s"}, source={"feed": None})
    made.clear()
    return made
