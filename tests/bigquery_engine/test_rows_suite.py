"""Great Expectations reads the staged day where it is, in few queries of narrow columns, and takes counts home."""

import pytest
from sqlglot import exp, parse_one
from sqlglot.optimizer import optimize
from sqlglot.optimizer.pushdown_projections import pushdown_projections
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import traverse_scope

from expectations.gate import GreatExpectationsAuditor
from mixflows.model import Run
from mixflows.pipeline.stage import discard_batch, stage_batch
from mixflows.warehouse.base import BatchTables
from mixflows.warehouse.bigquery.engine import BigQueryWarehouse
from tests.bigquery_engine.place import Place
from tests.spec.engines import LANDED
from tests.spec.project import Project

JUDGED = {
    "mp_insert_id",
    "time",
    "distinct_id",
    "mp_event_name",
    "row_num",
    "rejection_reason",
    "mf__day",
    "mf__in_day",
}
STAGED = (*LANDED, "mf__day", "mf__in_day", "mf__gone", "row_num", "rejection_reason", "is_exact_copy")
MOST_QUERIES = 8


@pytest.mark.parametrize("key", ["insert_id_time", "mixpanel"])
def test_the_rows_suite_in_few_queries_of_the_judged_columns(project: Project, place: Place, key: str) -> None:
    project.set(pipeline={"key": key}, bigquery={"labels": {"team": "data"}, "maximum_bytes_billed": 10_000_000})
    project.deliver("""
        id | user | time      | arrival   | properties
        a  | u1   | 10:00     | 10:05     | {"secret": "of a user"}
        a  | u1   | 10:00     | 10:06     | {"secret": "of a user"}
        b  | -    | 11:00     | 11:01     | {}
        -  | u2   | 12:00     | 12:01     | {}
        c  | u1   | +1d 10:00 | +1d 10:05 | {"secret": "of a user"}
        c  | u1   | +1d 10:00 | +1d 10:06 | {"secret": "of a user"}
    """)
    warehouse, settings, run = project.warehouse, project.settings, Run(place.dataset)
    assert isinstance(warehouse, BigQueryWarehouse)
    batch = stage_batch(project.context(run), project.plan().days)
    tables, days = BatchTables.of(batch.first_day, run), [staged.day for staged in batch.days]
    warehouse.cost(tables)
    verdicts = GreatExpectationsAuditor(settings, warehouse.row_access()).judge(batch.days, check_rows=True)
    for day in days:
        rows = [finding for finding in verdicts[day].findings if finding.suite == "rows"]
        assert len(rows) >= 7
        assert {(finding.success, finding.note) for finding in rows} == {(True, "")}

    jobs = [job for job in place.jobs() if job.labels["step"] == "audit_rows"]
    queries = [job for job in jobs if job.statement_type == "SELECT"]
    assert 0 < len(queries) <= MOST_QUERIES, "days that pass are judged together"
    assert len(jobs) == len(queries)
    for job in jobs:
        assert job.labels["team"] == "data"
        assert (job.labels["run_id"], job.labels["day"]) == (run.run_id, days[0].isoformat())
        assert job.maximum_bytes_billed == 10_000_000
        assert tables.stage in job.query
        assert _columns(job.query) <= JUDGED, job.query
        taken = [dict(row.items()) for row in job.result()]
        assert len(taken) <= 1
        assert "u1" not in str(taken)
        assert "secret" not in str(taken)
    assert [step.step for step in warehouse.cost(tables).steps] == ["audit_rows"]

    staged = place.table(tables.events_next)
    place.sql(
        f"INSERT INTO `{staged}` SELECT * FROM `{staged}` WHERE partition_date > '1900-01-01' AND mp_insert_id = 'c'"
    )
    verdicts = GreatExpectationsAuditor(settings, warehouse.row_access()).judge(batch.days, check_rows=True)
    failed = {day: {f.expectation: f.unexpected_count for f in verdicts[day].failures} for day in days}
    assert failed == {days[0]: {}, days[1]: {"kept_keys_unique": 1}}, "the day that is wrong, and no other"
    discard_batch(project.context(run), batch)


def _columns(query: str) -> set[str]:
    """Columns of the staged day that a query's result depends on; BigQuery reads, and bills, no other."""
    statement = parse_one(query, dialect="bigquery")
    parsed = statement.expression if isinstance(statement, exp.Create) else statement
    names = {table.name for table in parsed.find_all(exp.Table)}
    schema = {"staging": {name: dict.fromkeys(STAGED, "STRING") for name in names}}
    for table in parsed.find_all(exp.Table):
        table.set("db", exp.to_identifier("staging"))
        table.set("catalog", None)
    found = optimize(parsed, schema=schema, dialect="bigquery", rules=(qualify, pushdown_projections))
    return {
        column.name
        for scope in traverse_scope(found)
        for alias, source in scope.sources.items()
        if isinstance(source, exp.Table)
        for column in scope.columns
        if column.table == alias
    }
