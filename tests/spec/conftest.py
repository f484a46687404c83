"""Every example gets its project on every engine."""

from collections.abc import Callable, Iterator

import pytest

from mixflows.warehouse import close_warehouses
from tests.spec.engines import DuckDBEngine, Engine
from tests.spec.project import Project


def _place(request: pytest.FixtureRequest) -> Engine:
    from tests.bigquery_engine.place import Place  # the client takes a second to import

    return Place(request.getfixturevalue("bigquery_api"))


ENGINES: dict[str, Callable[[pytest.FixtureRequest], Engine]] = {
    "duckdb": lambda request: DuckDBEngine(request.getfixturevalue("tmp_path")),
    "bigquery": _place,
}


@pytest.fixture(params=ENGINES)
def engines(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """An engine with an empty place."""
    engine = ENGINES[request.param](request)
    yield engine
    close_warehouses()
    engine.close()


@pytest.fixture
def project(engines: Engine) -> Project:
    """A project with an empty source as `land` makes it, and the default settings."""
    project = Project(engines)
    project.create_source()
    return project
