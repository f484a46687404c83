"""One warehouse for a module, with other settings and no rows for each test."""

from collections.abc import Iterator

import pytest

from mixflows.warehouse import close_warehouses
from tests.slots.days import Days
from tests.spec.engines import DuckDBEngine
from tests.spec.project import Project


@pytest.fixture
def days(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Days]:
    """An empty project without a source."""
    folder = tmp_path_factory.mktemp("slots")
    yield Days(Project(DuckDBEngine(folder)), folder)
    close_warehouses()
