"""Great Expectations reads the staged day where it is, in few queries of narrow columns, and takes counts home."""

import pytest
from sqlglot import exp, parse_one
from sqlglot.optimizer import optimize
from sqlglot.optimizer.pushdown_projections import pushdown_projections
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import traverse_scope

from expectations.gate import judge
from mixflows.model import Run
from mixflows.pipeline.publish import discard_stage, stage_day
from tests.bigquery_engine.place import Place
from tests.spec.engines import LANDED
from tests.spec.project import Project

JUDGED = {"mp_insert_id", "time", "distinct_id", "mp_event_name", "row_num", "rejection_reason"}
STAGED = (*LANDED, "row_num", "rejection_reason", "is_exact_copy", "fingerprint")
MOST_QUERIES = 8


@pytest.mark.parametrize("key", ["insert_id_time", "mixpanel"])
def test_the_rows_suite_in_few_queries_of_the_judged_columns(project: Project, place: Place, key: str) -> None:
    project.set(pipeline={"key": key}, bigquery={"labels": {"team": "data"}, "maximum_bytes_billed": 10_000_000})
    project.deliver("""
        id | user | time  | arrival | properties
        a  | u1   | 10:00 | 10:05   | {"secret": "of a user"}
        a  | u1   | 10:00 | 10:06   | {"secret": "of a user"}
        b  | -    | 11:00 | 11:01   | {}
        -  | u2   | 12:00 | 12:01   | {}
    """)
    warehouse, settings, run = project.warehouse, project.settings, Run(place.dataset)
    (planned,) = project.plan().days
    staged = stage_day(warehouse, settings, planned, run)
    warehouse.cost(planned.day)
    found = judge(settings, [staged], check_rows=True, access=warehouse.row_access())[planned.day]
    rows = [finding for finding in found.findings if finding.suite == "rows"]
    assert len(rows) >= 7
    assert {(finding.success, finding.note) for finding in rows} == {(True, "")}

    jobs = [job for job in place.jobs() if job.labels["step"] == "audit_rows"]
    assert 0 < len(jobs) <= MOST_QUERIES
    for job in jobs:
        assert job.labels["team"] == "data"
        assert (job.labels["run_id"], job.labels["day"]) == (run.run_id, planned.day.isoformat())
        assert job.maximum_bytes_billed == 10_000_000
        assert staged.stage_table in job.query
        assert _columns(job.query, staged.stage_table) <= JUDGED, job.query
        taken = [dict(row.items()) for row in job.result()]
        assert len(taken) <= 1
        assert "u1" not in str(taken)
        assert "secret" not in str(taken)
    assert [step.step for step in warehouse.cost(planned.day).steps] == ["audit_rows"]

    place.sql(f"UPDATE `{place.table(staged.stage_table)}` SET row_num = 1, rejection_reason = NULL WHERE row_num = 2")
    found = judge(settings, [staged], check_rows=True, access=warehouse.row_access())[planned.day]
    assert {f.expectation: f.unexpected_count for f in found.failures} == {"kept_keys_unique": 1}
    discard_stage(warehouse, planned, run)


def _columns(query: str, stage: str) -> set[str]:
    """Columns of the staged day that a query's result depends on; BigQuery reads, and bills, no other."""
    schema = {"staging": {stage: dict.fromkeys(STAGED, "STRING")}}
    parsed = parse_one(query, dialect="bigquery")
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
