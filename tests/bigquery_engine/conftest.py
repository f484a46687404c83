"""A dataset for each of these tests, and a project on it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mixflows.warehouse import close_warehouses
from tests.bigquery.fixtures import BigQueryApi
from tests.bigquery_engine.exports import write_export
from tests.bigquery_engine.place import Place
from tests.spec.project import Project


@pytest.fixture
def endpoint(bigquery_api: BigQueryApi) -> str:
    """The server's address, to put a proxy before it; skips on a real project, before which there is none."""
    if bigquery_api.endpoint is None:
        pytest.skip("faults are injected between the client and a server on loopback")
    return bigquery_api.endpoint


@pytest.fixture
def place(bigquery_api: BigQueryApi) -> Iterator[Place]:
    """A dataset of its own."""
    place = Place(bigquery_api)
    yield place
    close_warehouses()
    place.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """An export of a few lines."""
    return write_export(tmp_path / "export.jsonl")


@pytest.fixture
def project(place: Place) -> Project:
    """A project with an empty source, and the default settings."""
    project = Project(place)
    project.create_source()
    return project
