"""Every example gets its project on every engine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mixflows.warehouse import close_warehouses
from tests.spec.engines import DuckDBEngine, Engine
from tests.spec.project import Project

ENGINES = {"duckdb": DuckDBEngine}


@pytest.fixture(params=ENGINES)
def engines(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An engine with an empty place."""
    yield ENGINES[request.param](tmp_path)
    close_warehouses()


@pytest.fixture
def project(engines: Engine) -> Project:
    """A project with an empty source as `land` makes it, and the default settings."""
    project = Project(engines)
    project.create_source()
    return project
