"""Great Expectations reads the staged day where it is, in few queries of narrow columns, and takes counts home."""

import re
from typing import Any

import pytest

from expectations.audit import judge
from mixflows.model import Run
from mixflows.pipeline.day import discard_stage, stage_day
from tests.bigquery_engine.place import Place
from tests.spec.project import Project

JUDGED = {"mp_insert_id", "time", "distinct_id", "mp_event_name", "row_num", "rejection_reason"}
MOST_QUERIES = 12


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
    warehouse, settings, run = project.warehouse, project.settings, Run("audited")
    (planned,) = project.plan().days
    staged = stage_day(warehouse, settings, planned, run)
    warehouse.cost(planned.day)
    found = judge(settings, [staged], check_rows=True, access=warehouse.row_access())[planned.day]
    rows = [finding for finding in found.findings if finding.suite == "rows"]
    assert len(rows) >= 7
    assert {(finding.success, finding.note) for finding in rows} == {(True, "")}

    jobs = [job for job in place.jobs() if job.labels["step"] == "audit_rows"]
    print(len(jobs)); [print(j.query) for j in jobs]
    assert 0 < len(jobs) <= MOST_QUERIES
    for job in jobs:
        assert job.labels["team"] == "data"
        assert job.labels["day"] == planned.day.isoformat()
        assert job.maximum_bytes_billed == 10_000_000
        assert staged.stage_table in job.query
        assert _columns(job.query) <= JUDGED, job.query
        taken = [dict(row.items()) for row in job.result()]
        assert len(taken) <= 1
        assert "u1" not in str(taken)
        assert "secret" not in str(taken)
    assert [step.step for step in warehouse.cost(planned.day).steps] == ["audit_rows"]

    place.sql(f"UPDATE `{place.table(staged.stage_table)}` SET row_num = 1, rejection_reason = NULL WHERE row_num = 2")
    found = judge(settings, [staged], check_rows=True, access=warehouse.row_access())[planned.day]
    assert {f.expectation: f.unexpected_count for f in found.failures} == {"kept_keys_unique": 2}
    discard_stage(warehouse, planned, run)


def _columns(query: str) -> set[str]:
    names: set[Any] = set(re.findall(r"`(\w+)`", query)) | set(re.findall(r"\b(?:staged)\.(\w+)", query))
    known = JUDGED | {"properties", "mp_processing_time_ms", "loaded_at", "source_file", "is_exact_copy", "fingerprint"}
    return names & known
