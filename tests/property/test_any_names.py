"""Whatever the source calls its columns, and whatever types the others have, its days are published whole."""

from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given
from hypothesis import strategies as st

from mixflows.errors import SourceColumnsError
from mixflows.warehouse import close_warehouses
from mixflows.warehouse.source import REJECTED_COLUMNS
from tests.spec.engines import DuckDBEngine, Engine
from tests.spec.project import Project
from tests.spec.tables import DAY, instant
from tests.support.column_names import NAMES, is_flexible
from tests.support.examples import examples

VALUES: dict[str, Any] = {
    "STRING": "text",
    "INT64": 5,
    "FLOAT64": 0.5,
    "BOOL": True,
    "DATE": date(2026, 1, 2),
    "TIMESTAMP": datetime(2026, 1, 2, tzinfo=UTC),
    "JSON": '{"a": 1}',
    "DECIMAL(20, 4)": 1.5,
    "VARCHAR[]": None,
    "BLOB": None,
    "UUID": None,
    "TIME": None,
}
ON_BIGQUERY = {kind: value for kind, value in VALUES.items() if kind.isalnum()} | {"NUMERIC": "1.5", "BYTES": None}
for _kind in ("BLOB", "UUID", "TIME"):
    del ON_BIGQUERY[_kind]


ROLES = ("event_name", "time", "distinct_id", "insert_id", "arrival", "loaded_at", "day", "customer_id")
ROLE_TYPES = ("STRING", "TIMESTAMP", "STRING", "STRING", "INT64", "TIMESTAMP", "DATE", "STRING")
KEYS = ("insert_id_time", "mixpanel", "mixpanel_day")


@pytest.mark.parametrize("engine", ["duckdb", "bigquery"])
def test_of_every_name_and_type_every_copy_is_published(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, engine: str
) -> None:
    def place() -> Engine:
        if engine == "duckdb":
            return DuckDBEngine(tmp_path_factory.mktemp("names"))
        from tests.bigquery_engine.place import Place  # the client takes a second to import

        return Place(request.getfixturevalue("bigquery_api"))

    names_of, value_of = (NAMES, VALUES) if engine == "duckdb" else (tuple(filter(is_flexible, NAMES)), ON_BIGQUERY)

    @examples(1, phases=[Phase.explicit, Phase.generate])
    @given(st.data())
    def holds(data: st.DataObject) -> None:
        size = len(ROLES) + len(value_of)
        names = data.draw(st.lists(st.sampled_from(names_of), min_size=size, max_size=size, unique_by=str.lower))
        roles, others = dict(zip(ROLES, names, strict=False)), dict(zip(names[len(ROLES) :], value_of, strict=True))
        project = Project(place(), columns=roles, pipeline={"key": data.draw(st.sampled_from(KEYS))})
        project.create_source(dict(zip(roles.values(), ROLE_TYPES, strict=True)) | others)

        def copy(arrival: str, *, name: str = "Open") -> dict[str, Any]:
            arrived = instant(arrival)
            values = (name, instant("10:00"), "u1", "a", int(arrived.timestamp() * 1000), arrived, DAY, "c1")
            return dict(zip(roles.values(), values, strict=True)) | {n: value_of[kind] for n, kind in others.items()}

        project.engine.insert("mp_master_event", [copy("10:01"), copy("10:02", name="View"), copy("10:03")])
        assert project.run(check_rows=True).exit_code in (0, 3)
        project.engine.insert("mp_master_event", [copy("10:04")])
        project.set(quality={"duplicate_rate": {"critical": 1.0}, "conflicting_duplicate_rate": {"critical": 1.0}})
        result = project.run("all", check_rows=True)
        assert result.exit_code == 0, [(o.row.error, o.row.note) for o in result.outcomes]
        found = Counter(row[roles["arrival"]] for row in [*project.events(), *project.rejected()])
        assert found == Counter(row[roles["arrival"]] for row in project.engine.rows("mp_master_event"))
        kept = 1 if project.settings.pipeline.key == "insert_id_time" else 2
        assert len(project.events()) == kept
        first, *_ = project.engine.rows("mp_master_event")
        for row in project.events():
            assert {name: row[name] for name in others} == {name: first[name] for name in others}
        close_warehouses()

    holds()


@pytest.mark.parametrize("name", [*REJECTED_COLUMNS, "Row_Num", "mf__x", "MF__day"])
def test_a_name_that_the_published_tables_need_is_refused_before_anything_is_written(tmp_path: Path, name: str) -> None:
    project = Project(DuckDBEngine(tmp_path))
    with pytest.raises(SourceColumnsError, match=f"(?i){name}"):
        project.create_source(
            {
                "mp_event_name": "STRING",
                "time": "TIMESTAMP",
                "distinct_id": "STRING",
                "mp_insert_id": "STRING",
                name: "STRING",
            }
        )
    close_warehouses()
    assert not project.engine.has_table("mp_events")
