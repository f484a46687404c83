"""Batches side by side through faults: the tables are those of a run without, and nothing ran twice."""

from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from mixflows.model import Run, Status
from mixflows.warehouse import close_warehouses
from tests.bigquery.fixtures import BigQueryApi
from tests.bigquery_engine.faults import Faults, proxy
from tests.bigquery_engine.place import Place
from tests.spec.engines import DuckDBEngine
from tests.spec.project import Project
from tests.spec.tables import DAY, instant

DAYS, BATCH_DAYS = 24, 2
STATEMENTS_OF_NEW_DAYS = {
    "events_next": 1,
    "copies": 1,
    "winners": 1,
    "stage": 1,
    "published_counts": 2,
    "profile": 1,
    "rejected_next": 1,
    "replace_rejected": 1,
    "append_profiles": 1,
    "append_ledger": 1,
}


def copies(days: int) -> list[dict[str, Any]]:
    """Five copies a day: an exact duplicate, one with other content, one without insert id."""
    made: list[dict[str, Any]] = []
    for number in range(days):
        at = instant("10:00") + timedelta(days=number)
        arrival = int(at.timestamp() * 1000)
        same = {"mp_insert_id": f"a{number}", "time": at, "mp_processing_time_ms": arrival, "properties": '{"n": 1}'}
        made += [
            same,
            same,
            same | {"mp_processing_time_ms": arrival + 5, "properties": '{"n": 2}'},
            same | {"mp_insert_id": f"b{number}", "properties": '{"z": 1, "a": [1, 2.5, "x"]}'},
            same | {"mp_insert_id": None},
        ]
    return made


@pytest.mark.timeout(900)
def test_batches_side_by_side_through_faults(bigquery_api: BigQueryApi, endpoint: str, tmp_path: Path) -> None:
    plain = Project(DuckDBEngine(tmp_path))
    plain.create_source()
    plain.add(copies(DAYS))
    plain.run()
    expected = plain.content()
    close_warehouses()

    faults = Faults(share=0.2)
    with proxy(endpoint, faults) as through:
        place = Place(bigquery_api, through)
        project = Project(place, backfill={"batch_days": BATCH_DAYS, "concurrency": 8})
        project.create_source()
        project.add(copies(DAYS))
        run = Run(place.dataset)
        result = project.run(run=run)
        close_warehouses()

    assert {kind: count > 2 for kind, count in faults.injected.items()} == {
        "503": True, "429": True, "Lost": True, "JobFails": True,
    }  # fmt: skip
    assert len(result.days(Status.PUBLISHED)) == DAYS
    assert Counter(row["partition_date"] for row in project.ledger()) == Counter(
        DAY + timedelta(days=number) for number in range(DAYS)
    )
    ran = Counter((job.labels["day"], job.labels["days"], job.labels["step"]) for job in place.jobs(run.run_id)
                  if "day" in job.labels and not job.error_result)  # fmt: skip
    assert ran == Counter(
        {
            ((DAY + timedelta(days=number)).isoformat(), str(BATCH_DAYS), step): count
            for number in range(0, DAYS, BATCH_DAYS)
            for step, count in STATEMENTS_OF_NEW_DAYS.items()
        }
    )
    assert project.content() == expected
    place.close()
