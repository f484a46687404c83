"""What stands under the name of one of our tables and is another's is refused."""

import pytest

from mixflows.errors import UsageError
from mixflows.warehouse import close_warehouses
from tests.spec.engines import LANDED, Engine
from tests.spec.project import Project


@pytest.mark.parametrize(
    ("name", "why"),
    [("mp_events", "it has no column partition_date"), ("mp_changed_days", "it is a table")],
    ids=["a published table", "a view"],
)
def test_a_table_of_another_is_refused(engines: Engine, name: str, why: str) -> None:
    project = Project(engines)
    engines.create_table(project.settings.tables.source, LANDED)
    engines.create_table(name, {"x": "INT64"})
    close_warehouses()
    with pytest.raises(UsageError, match=f"^{name} is not the .* that mixflows makes: {why}"):
        project.warehouse.create_tables()
