"""What a run on BigQuery writes beside the events has no value of any row: tables, labels, statements, errors, reports, logs."""

import json
import logging
import re
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

import pytest

from expectations.gate import GreatExpectationsAuditor
from mixflows.model import Run, Status
from mixflows.pipeline.inspect import inspect_day
from mixflows.pipeline.release import release_day
from mixflows.report.page import Format, write_report
from mixflows.warehouse import close_warehouses
from tests.bigquery.fixtures import BigQueryApi
from tests.bigquery_engine.faults import JobFails, always, proxy
from tests.bigquery_engine.place import Place
from tests.spec.project import Project
from tests.spec.tables import DAY, instant

MARKER = "Zq7private"
UNREADABLE = DAY + timedelta(days=1)
HOLD_EVENTS = {"mp_master_event", "mp_events", "mp_rejected_events", "mp_malformed_records"}
KINDS: tuple[Format, ...] = ("html", "json", "markdown")


def marked(project: Project) -> None:
    """Two days, one full of copies that differ; every value of a row has the marker, names of events and properties aside."""
    for day in (0, 1):
        at = instant("10:00") + timedelta(days=day)
        copy = {
            "time": at,
            "distinct_id": f"user-{MARKER}",
            "mp_insert_id": f"id-{MARKER}",
            "mp_processing_time_ms": int(at.timestamp() * 1000),
        }
        values = [
            json.dumps({"page": f"{MARKER}{n}", "mp_lib": MARKER, "plan": f"plan-{MARKER}-{n}"}) for n in range(6)
        ]
        project.add([copy | {"properties": value} for value in values])
        project.add([copy | {"mp_insert_id": None, "properties": values[0]}])


def test_nothing_but_the_events_tables_and_the_one_property_that_may_be_shown_has_a_value(
    bigquery_api: BigQueryApi, endpoint: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    said: list[str] = []
    broken = always(JobFails(f"Bad int64 value: {MARKER}"), rf"(?s)TABLE .*stg_mp_copies.*DATE '{UNREADABLE}'")
    with proxy(endpoint, broken) as through:
        place = Place(bigquery_api, through)
        project = Project(place, quality={"min_rows": 1, "shown_properties": ["page"]})
        project.create_source()
        marked(project)
        result = project.run_judged(check_rows=True)
        assert {o.row.partition_date: o.row.status for o in result.outcomes} == {
            DAY: Status.BLOCKED,
            UNREADABLE: Status.FAILED,
        }
        (failed,) = result.days(Status.FAILED)
        assert "was refused as wrong: Bad int64 value: …" in failed.row.error
        said += [str(asdict(outcome)) for outcome in result.outcomes]
        auditor = GreatExpectationsAuditor(project.settings, project.warehouse.row_access())
        looked = inspect_day(project.context(Run("look")), DAY, auditor)
        said += [str(looked.samples), str(looked.verdict), str(looked.staged.profile)]
        said.append(str(release_day(project.context(Run("release")), DAY, "looked at", auditor)))
        for kind in KINDS:
            out = write_report(project.warehouse, project.settings, tmp_path / kind, kind=kind)
            said.append(out.read_text(encoding="utf-8"))
        close_warehouses()
    tables = {table.table_id for table in place.client.list_tables(place.dataset)} - HOLD_EVENTS
    assert {"mp_partition_runs", "mp_quality_results", "mp_day_profiles"} <= tables
    said += [str(place.rows(table)) for table in tables if not table.startswith("stg_")]
    sent = [job for job in place.jobs() if not job.query.startswith("SELECT ERROR")]
    said += [str((job.labels, job.to_api_repr()["configuration"])) for job in sent]
    said.append(caplog.text)

    # Samples have insert ids, so that `explain` can follow; logs have not.
    assert MARKER not in caplog.text
    said = [text.replace(f"id-{MARKER}", "") for text in said]
    without_pages = [re.sub(rf"{MARKER}\d", "", text) for text in said]
    assert without_pages != said
    for text in without_pages:
        assert MARKER not in text
    assert any("hidden" in text for text in said)
    place.close()
