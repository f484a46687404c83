"""The table that the suites on the rows read on DuckDB: a staged day's rows, some of its columns, and not for long."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from mixflows.model import Run, StagedBatch, StagedDay
from mixflows.pipeline.stage import stage_batch
from mixflows.warehouse import close_warehouses
from mixflows.warehouse.duckdb.connection import STAGING
from tests.spec.engines import DuckDBEngine
from tests.spec.project import Project
from tests.spec.tables import DAY


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    made = Project(DuckDBEngine(tmp_path))
    made.create_source()
    made.deliver("""
        id | time      | arrival
        a  | 10:00     | 10:01
        a  | 10:00     | 10:02
        b  | 10:00     | 10:03
        c  | +1d 10:00 | +1d 10:03
    """)
    yield made
    close_warehouses()


def staged(project: Project) -> StagedBatch:
    return stage_batch(project.context(Run("narrowed")), project.plan().days)


def run_sql(project: Project, sql: str) -> list[tuple[object, ...]]:
    with project.warehouse.row_access().engine_options["creator"]() as cursor:
        return cursor.execute(sql).fetchall()


def tables(project: Project) -> list[tuple[object, ...]]:
    return run_sql(project, f"SELECT table_name FROM duckdb_tables() WHERE database_name = '{STAGING}' ORDER BY ALL")


def test_has_one_days_staged_rows_and_goes_away(project: Project) -> None:
    day, before = staged(project).days[0], tables(project)
    for wanted, rows in (
        (DAY, [("a", 1), ("a", 2), ("b", 1)]),
        (DAY + timedelta(days=1), [("c", 1)]),
        (None, [("a", 1), ("a", 2), ("b", 1), ("c", 1)]),
    ):
        with project.warehouse.row_access().narrowed(day.stage_table, ["mp_insert_id", "row_num"], wanted) as name:
            assert run_sql(project, f'SELECT * FROM {STAGING}.main."{name}" ORDER BY ALL') == rows
    assert tables(project) == before


@pytest.mark.parametrize("damaged", [False, True])
def test_a_key_that_is_kept_twice_is_seen_through_it(project: Project, damaged: bool) -> None:
    day = staged(project).days[0]
    if damaged:  # as if staging had not ranked
        stage = f'{STAGING}.main."{day.stage_table}"'
        run_sql(
            project,
            f"CREATE OR REPLACE VIEW {stage} AS SELECT *, partition_date AS mf__day, 1 AS row_num,"
            " NULL::VARCHAR AS rejection_reason FROM mp_master_event",
        )
    assert failed(project, day) == ({"kept_keys_unique"} if damaged else set())


def failed(project: Project, day: StagedDay) -> set[str]:
    findings = project.auditor().judge([day], check_rows=True)[day.day].failures
    return {finding.expectation for finding in findings if finding.suite == "rows"}


def test_of_a_changed_day_the_rows_are_judged_that_publishing_may_change(project: Project) -> None:
    many = "".join(f"k{n} | 12:00 | 12:01\n" for n in range(20))
    project.deliver(f"id | time | arrival\n{many}")
    project.run_judged(check_rows=True)
    project.deliver("id | time | arrival\nz | 13:00 | 13:01\nnew | +2d 10:00 | +2d 10:01")
    late, new = staged(project).days
    assert (late.is_delta, new.is_delta, late.judged_table) == (True, False, new.judged_table)
    read = f'SELECT mp_insert_id, row_num FROM {STAGING}.main."{late.judged_table}" ORDER BY ALL'
    assert run_sql(project, read) == [("a", 1), ("a", 2), ("new", 1), ("z", 1)]
    assert failed(project, late) == failed(project, new) == set()

    copies = f'{STAGING}.main."{late.judged_table.replace("judged", "copies")}"'
    run_sql(project, f"INSERT INTO {copies} SELECT * FROM {copies} WHERE mp_insert_id = 'z'")
    assert (failed(project, late), failed(project, new)) == ({"kept_keys_unique"}, set())
