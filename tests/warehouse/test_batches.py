"""How large a batch is: on each engine in its own measure, by one rule."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from mixflows.model import PlannedDay, PlanReason
from mixflows.pipeline.plan import PlanRequest, make_plan
from mixflows.pipeline.run import batches
from mixflows.settings import Settings
from mixflows.warehouse.bigquery.partitions import partition_days
from tests.spec.engines import DuckDBEngine
from tests.spec.project import Project
from tests.spec.tables import DAY

FIRST = date(2026, 6, 1)


def sizes(days: list[PlannedDay], settings: Settings) -> list[int]:
    return [len(batch) for batch in batches(days, settings)]


@pytest.mark.parametrize(
    ("shares", "expected"),
    [
        ([0.1] * 25, [10, 10, 5]),
        ([0.6, 0.6, 0.3], [1, 2]),
        ([0.5, 3.0, 0.5, 0.5], [1, 1, 2]),
        ([0.0] * 901, [400, 400, 101]),
    ],
)
def test_days_fill_a_batch_and_a_larger_one_is_its_own(shares: list[float], expected: list[int]) -> None:
    planned = [
        PlannedDay(FIRST + timedelta(days=n), PlanReason.NEW, 1, None, share=share) for n, share in enumerate(shares)
    ]
    assert sizes(planned, Settings()) == expected


def test_duckdb_counts_rows(tmp_path: Path) -> None:
    project = Project(DuckDBEngine(tmp_path), backfill={"batch_rows": 4})
    project.create_source()
    project.deliver(
        "id | time | arrival\n" + "\n".join(f"{day}{n} | +{day}d 10:00 | -" for day in range(5) for n in "ab")
    )
    plan = make_plan(project.warehouse, project.settings, PlanRequest())
    assert [day.day for day in plan.days] == [DAY + timedelta(days=n) for n in range(5)]
    assert sizes(list(plan.days), project.settings) == [2, 2, 1]


@pytest.mark.parametrize(("cap", "expected"), [(None, [4, 4, 2]), (6_000, [2, 2, 2, 2, 2])])
def test_bigquery_counts_bytes_and_heeds_the_cap_on_what_is_billed(cap: int | None, expected: list[int]) -> None:
    place: dict[str, Any] = {"project": "p", "batch_bytes": 4_000, "maximum_bytes_billed": cap}
    settings = Settings.model_validate({"warehouse": {"engine": "bigquery"}, "bigquery": place})
    partitions = [
        {"partition_id": f"202606{n:02}", "total_rows": 9_000_000, "total_logical_bytes": 1_000} for n in range(1, 11)
    ]
    listed, _ = partition_days(partitions, "partition_date", settings, {}, {})
    planned = [PlannedDay(d.day, PlanReason.NEW, d.rows, d.version, share=d.share) for d in listed]
    assert sizes(planned, settings) == expected
