"""The view of changed days, and the tables of docs/downstream.md that are rebuilt from it."""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import jinja2
import pytest

from mixflows.model import Run
from mixflows.warehouse import close_warehouses
from tests.spec.engines import DuckDBEngine
from tests.spec.project import Project
from tests.spec.tables import DAY

EXAMPLES = Path(__file__).parents[2] / "docs/examples"
NEXT = DAY + timedelta(days=1)
TWO_DAYS = """
    id | time      | arrival   | user
    a  | 10:00     | 10:01     | u1
    b  | 11:00     | 11:01     | u2
    c  | +1d 10:00 | +1d 10:01 | u1
"""
LATE = """
    id | time      | arrival   | user
    d  | 12:00     | +2d 12:00 | u3
"""


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    made = Project(DuckDBEngine(tmp_path), pipeline={"source_deletes": "apply"})
    made.create_source()
    made.deliver(TWO_DAYS)
    made.run()
    yield made
    close_warehouses()


def changed(project: Project) -> list[tuple[Any, ...]]:
    names = ("day", "inserted_rows", "updated_rows", "restated_rows", "deleted_rows")
    rows = sorted(project.engine.rows("mp_changed_days"), key=lambda row: (row["published_at"], row["day"]))
    return [tuple(row[name] for name in names) for row in rows]


def test_a_row_is_there_for_each_change_and_for_nothing_else(project: Project) -> None:
    new = [(DAY, 2, 0, 0, 0), (NEXT, 1, 0, 0, 0)]
    assert changed(project) == new
    project.run("all")
    assert changed(project) == new, "days that were found unchanged are not in it"
    project.deliver(LATE)
    project.run()
    assert changed(project) == [*new, (DAY, 1, 0, 0, 0)]
    project.delete("id\na")
    project.run()
    assert changed(project) == [*new, (DAY, 1, 0, 0, 0), (DAY, 0, 0, 0, 1)]


def test_days_whose_rows_moved_with_the_time_zone_are_in_it(project: Project) -> None:
    project.set(project_timezone="Pacific/Kiritimati")
    project.run(accept_rules=True, run=Run("moved"))
    days = {row["day"] for row in project.engine.rows("mp_changed_days") if row["run_id"] == "moved"}
    assert days == {row["partition_date"] for row in project.events()} | {DAY}


class Tables:
    """An example's table in a DuckDB file of mixflows, while no warehouse is open."""

    def __init__(self, project: Project, build: Callable[[duckdb.DuckDBPyConnection], None]) -> None:
        self._project, self._build = project, build

    def built(self) -> list[tuple[Any, ...]]:
        """Runs the example; the table's days with events and users."""
        close_warehouses()
        with duckdb.connect(str(self._project.settings.warehouse.path)) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            self._build(connection)
            return connection.sql("SELECT day, events, users FROM daily_activity ORDER BY day").fetchall()

    def spoil(self) -> None:
        """Writes figures that only a rebuild mends."""
        with duckdb.connect(str(self._project.settings.warehouse.path)) as connection:
            connection.execute("UPDATE daily_activity SET users = 99")


def plain_sql(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute((EXAMPLES / "daily_activity.sql").read_text(encoding="utf-8"))


def dbt_model(connection: duckdb.DuckDBPyConnection) -> None:
    """What dbt does with the model: renders it, and replaces the rows with its unique keys."""
    there = bool(connection.sql("SELECT 1 FROM duckdb_tables() WHERE table_name = 'daily_activity'").fetchall())
    asked: dict[str, Any] = {}

    def run_query(sql: str) -> Any:
        columns: Sequence[Sequence[Any]] = list(zip(*connection.sql(sql).fetchall(), strict=True)) or [()]
        return SimpleNamespace(columns=[SimpleNamespace(values=lambda column=column: column) for column in columns])

    environment = jinja2.Environment(extensions=["jinja2.ext.do"], undefined=jinja2.StrictUndefined, autoescape=False)
    select = environment.from_string((EXAMPLES / "dbt/daily_activity.sql").read_text(encoding="utf-8")).render(
        config=lambda **options: asked.update(options) or "",  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
        source=lambda _, table: table,  # pyright: ignore[reportUnknownLambdaType]
        is_incremental=lambda: there,
        run_query=run_query,
        target=SimpleNamespace(type="duckdb"),
        this="daily_activity",
        execute=True,
    )
    assert (asked["incremental_strategy"], asked["unique_key"]) == ("delete+insert", "day")
    connection.execute(f"CREATE TEMP TABLE made AS {select}")
    if there:
        connection.execute("DELETE FROM daily_activity WHERE day IN (SELECT day FROM made)")
        connection.execute("INSERT INTO daily_activity FROM made")
    else:
        connection.execute("CREATE TABLE daily_activity AS FROM made")


@pytest.mark.parametrize("build", [plain_sql, dbt_model])
def test_an_example_rebuilds_what_changed_and_nothing_else(
    project: Project, build: Callable[[duckdb.DuckDBPyConnection], None]
) -> None:
    tables = Tables(project, build)
    assert tables.built() == [(DAY, 2, 2), (NEXT, 1, 1)]
    tables.spoil()
    assert tables.built() == [(DAY, 2, 99), (NEXT, 1, 99)], "nothing changed"
    project.deliver(LATE)
    project.run()
    assert tables.built() == [(DAY, 3, 3), (NEXT, 1, 99)], "only the day that changed"
    project.delete("id\nc")
    project.run()
    assert tables.built() == [(DAY, 3, 3), (NEXT, 0, 0)], "a day of which every event is gone"
