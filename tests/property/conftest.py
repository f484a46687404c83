"""One project per test, emptied between its examples: opening a warehouse costs more than running a tiny day."""

from collections.abc import Iterator

import pytest

from mixflows.warehouse import close_warehouses
from tests.spec.engines import DuckDBEngine
from tests.spec.project import Project


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project with an empty source."""
    project = Project(DuckDBEngine(tmp_path_factory.mktemp("property")))
    project.create_source()
    yield project
    close_warehouses()
