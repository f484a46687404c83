"""One project per engine and module, emptied between its examples: opening a warehouse costs more than a tiny day."""

from collections.abc import Callable, Iterator

import pytest

from mixflows.warehouse import close_warehouses
from tests.spec.engines import DuckDBEngine, Engine
from tests.spec.project import Project


@pytest.fixture(scope="module")
def project_on(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Project]]:
    """Gives a project with an empty source on the named engine."""
    made: dict[str, Project] = {}

    def on(engine: str) -> Project:
        if engine not in made:
            if engine == "bigquery":
                made[engine] = Project(_place(request))
            else:
                made[engine] = Project(DuckDBEngine(tmp_path_factory.mktemp("property")))
            made[engine].create_source()
        return made[engine]

    yield on
    close_warehouses()
    for project in made.values():
        project.engine.close()


def _place(request: pytest.FixtureRequest) -> Engine:
    from tests.bigquery_engine.place import Place  # the client takes a second to import

    return Place(request.getfixturevalue("bigquery_api"))
