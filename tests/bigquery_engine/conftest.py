"""A server for these tests, and a project on it."""

from collections.abc import Iterator

import pytest

from mixflows.warehouse import close_warehouses
from tests.bigquery_engine.place import Place
from tests.spec.project import Project

SERVER = "http://127.0.0.1:9978"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "bigquery_engine" in item.path.parts:
            item.add_marker(pytest.mark.xdist_group("bigquery"))


@pytest.fixture(scope="session")
def server() -> str:
    return SERVER


@pytest.fixture
def place(server: str) -> Iterator[Place]:
    """A dataset of its own."""
    yield Place(server)
    close_warehouses()


@pytest.fixture
def project(place: Place) -> Project:
    """A project with an empty source, and the default settings."""
    project = Project(place)
    project.create_source()
    return project
