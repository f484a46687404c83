"""One warehouse for a module, emptied for each test: opening one costs more than a tiny day."""

from collections.abc import Iterator

import pytest

from mixflows.warehouse import close_warehouses
from tests.slots.days import Days
from tests.spec.engines import DuckDBEngine, Engine
from tests.spec.project import Project

USUAL = {"key": "insert_id_time", "keep": "first", "missing_insert_id": "reject", "source_deletes": None}


@pytest.fixture(scope="module", params=["duckdb", "bigquery"])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Days]:
    folder = tmp_path_factory.mktemp("slots")
    engine = _place(request) if request.param == "bigquery" else DuckDBEngine(folder)
    yield Days(Project(engine), folder)
    close_warehouses()
    engine.close()


def _place(request: pytest.FixtureRequest) -> Engine:
    from tests.bigquery_engine.place import Place  # the client takes a second to import

    return Place(request.getfixturevalue("bigquery_api"))


@pytest.fixture
def days(made: Days) -> Days:
    """A project without rows, with the usual settings."""
    made.project.set(pipeline=USUAL, project_timezone="UTC", landing={"time_unit": "s"}, source={"feed": None})
    made.clear()
    return made
