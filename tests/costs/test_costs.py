"""Costs: what the ledger tells of the runs so far, and what a plan will cost before it is run."""

from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from mixflows.costs.billed import Costs, in_words, read_costs
from mixflows.costs.model import slot_ms_of
from mixflows.model import Cost, LedgerRow, Plan, PlannedDay, PlanReason, Status, StepCost
from mixflows.pipeline.price import price_plan
from mixflows.report.data import collect
from mixflows.report.page import render_html
from mixflows.settings import Settings, load_settings
from mixflows.warehouse.base import BatchStatement, BatchTables
from mixflows.warehouse.duckdb.engine import DuckDBWarehouse

GIB = 2**30
FIRST = date(2026, 3, 1)
START = datetime(2026, 3, 2, 3, tzinfo=UTC)
ROW = LedgerRow(
    run_id="r1",
    attempt=1,
    partition_date=FIRST,
    plan_reason=PlanReason.NEW,
    status=Status.PUBLISHED,
    source_rows=1_000_000,
    kept_rows=500_000,
    rejected_rows=500_000,
    duplicate_rows=0,
    duplicate_rate=0.0,
    late_rows=0,
    inserted_rows=0,
    updated_rows=0,
    deleted_rows=0,
    source_version="v",
    rules_version="r",
    thresholds_version="t",
    bytes_processed=2 * GIB,
    slot_ms=3_600_000,
    started_at=START,
    finished_at=START + timedelta(seconds=10),
    engine="bigquery",
    step_costs='[{"step": "stage", "jobs": 1, "bytes_billed": 1610612736, "slot_ms": 3000000},'
    ' {"step": "copies", "jobs": 2, "bytes_billed": 536870912, "slot_ms": null}]',
)


class BilledWarehouse(DuckDBWarehouse):
    """DuckDB with BigQuery's answers about money: what a dry run says by statement, and how large the source is."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.dry_run: dict[str, int] = {}

    def price(self, statement: BatchStatement, replaces: str | None = None) -> int:
        return self.dry_run.get(f"replace_{replaces}" if replaces else statement.name, 0)

    def source_bytes(self) -> int:
        return 20 * GIB

    def refuse_full_scan(self, what: str, hint: str, queries: object) -> None:
        """Nothing here is too much."""

    def cost(self, tables: BatchTables) -> Cost:
        return Cost()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(
        None, {"warehouse": {"path": str(tmp_path / "w.duckdb")}, "bigquery": {"price_per_tib": 1024.0}}
    )


@pytest.fixture
def warehouse(settings: Settings) -> Iterator[BilledWarehouse]:
    opened = BilledWarehouse(settings)
    opened.create_tables()
    yield opened
    opened.close()


def recorded(warehouse: BilledWarehouse, *rows: LedgerRow) -> None:
    warehouse.append("ledger", [asdict(row) for row in rows])


def costs_of(warehouse: BilledWarehouse, settings: Settings) -> Costs:
    costs = read_costs(warehouse, settings)
    assert costs is not None
    return costs


def test_every_attempt_is_billed_and_the_last_published_count_of_events_holds(
    warehouse: BilledWarehouse, settings: Settings
) -> None:
    recorded(
        warehouse,
        ROW,
        replace(ROW, run_id="r2", status=Status.FAILED, kept_rows=None, finished_at=START + timedelta(days=1)),
        replace(ROW, run_id="r2", partition_date=FIRST + timedelta(days=1), bytes_processed=GIB, slot_ms=None),
    )

    costs = costs_of(warehouse, settings)

    assert [(d.day, d.attempts, d.events, d.bytes_billed, d.slot_ms) for d in costs.days] == [
        (FIRST, 2, 500_000, 4 * GIB, 7_200_000),
        (FIRST + timedelta(days=1), 1, 500_000, GIB, None),
    ]
    assert [(s.step, s.jobs, s.bytes_billed, s.slot_ms) for s in costs.steps] == [
        ("stage", 3, 3 * 1610612736, 9_000_000),
        ("copies", 6, 3 * 536870912, None),
    ]
    assert costs.bytes_per_million_events == 5 * GIB
    assert costs.runs == 2


def test_the_jobs_of_a_batch_are_counted_once(warehouse: BilledWarehouse, settings: Settings) -> None:
    days = [replace(ROW, partition_date=FIRST + timedelta(days=n), batch_id="b1") for n in range(3)]
    recorded(warehouse, *days, replace(ROW, run_id="r2", batch_id="b2"))

    steps = costs_of(warehouse, settings).steps

    assert [(s.step, s.jobs, s.bytes_billed) for s in steps] == [
        ("stage", 2, 4 * 1610612736),
        ("copies", 4, 4 * 536870912),
    ]


def test_the_saving_is_held_against_a_rebuild_in_every_run(warehouse: BilledWarehouse, settings: Settings) -> None:
    recorded(warehouse, ROW, replace(ROW, run_id="r2"))

    costs = costs_of(warehouse, settings)

    assert costs.rebuild_bytes == 40 * GIB
    assert costs.saving == pytest.approx(0.9)
    assert in_words(costs) == [
        "Billed: 4.0 GiB, 4.00 at 1024 per TiB; 2.00 per day, 8.00 per million events; 2.00 slot-hours.",
        "Rebuilding the whole history of 20.0 GiB in each of 2 runs would have read 40.0 GiB (40.00): 90.0% saved.",
    ]
    dear = replace(costs, source_bytes=GIB)
    assert in_words(dear)[1].endswith("100.0% more than that was billed.")
    assert len(in_words(replace(costs, source_bytes=None))) == 1


def test_where_nothing_is_billed_there_is_no_cost_to_show(warehouse: BilledWarehouse, settings: Settings) -> None:
    recorded(warehouse, replace(ROW, bytes_processed=None, slot_ms=None, step_costs=""))

    assert read_costs(warehouse, settings) is None
    assert collect(warehouse, settings).costs is None


def test_the_report_shows_costs_by_day_and_by_step(warehouse: BilledWarehouse, settings: Settings) -> None:
    recorded(warehouse, replace(ROW, status=Status.BLOCKED))

    page = render_html(collect(warehouse, settings))

    assert '<h2 id="costs">Cost</h2>' in page
    assert "Billed: 2.0 GiB, 2.00 at 1024 per TiB; 2.00 per day; 1.00 slot-hours." in page
    assert ">1.5 GiB<" in page


def planned(*days: PlannedDay) -> Plan:
    return Plan(days, check_rows=False)


NEW = PlannedDay(FIRST, PlanReason.NEW, 1_000_000, "v1")
CHANGED = PlannedDay(FIRST + timedelta(days=1), PlanReason.CHANGED, 2_000_000, "v2", published_version="v1")


def test_each_day_is_priced_by_dry_runs_of_the_statements_that_it_takes(
    warehouse: BilledWarehouse, settings: Settings
) -> None:
    warehouse.dry_run = {
        "events_next": 3 * GIB, "copies": 2 * GIB, "published_counts": 1, "touched": GIB // 2,
        "profile": GIB, "rejected_next": GIB, "winners": 4 * GIB, "added_events": 5 * GIB,
        "breakdown": 7 * GIB,
    }  # fmt: skip

    price = price_plan(warehouse, settings, planned(NEW, CHANGED))

    # What is published is counted twice: before, and as a check.
    new, changed = 11 * GIB + 2, 12 * GIB + GIB // 2 + 2
    assert [day.bytes_billed for day in price.days] == [new, changed]
    assert price.bytes_billed == new + changed
    assert price.flagged_bytes == 7 * GIB  # read for a day that is flagged only
    assert price.money(price.bytes_billed) == pytest.approx((price.bytes_billed or 0) / GIB)


def test_slot_time_and_time_come_from_earlier_runs_once_there_are_some(
    warehouse: BilledWarehouse, settings: Settings
) -> None:
    before = price_plan(warehouse, settings, planned(NEW))
    assert (before.slot_ms, before.seconds, before.modelled) == (None, None, False)
    warehouse.dry_run = {"events_next": 2 * GIB, "copies": GIB}
    modelled = price_plan(warehouse, settings, planned(NEW, CHANGED))
    assert modelled.modelled
    assert modelled.slot_ms == slot_ms_of(3 * GIB, "new") + slot_ms_of(3 * GIB, "changed")
    assert modelled.seconds

    recorded(warehouse, ROW)
    after = price_plan(warehouse, settings, planned(NEW, CHANGED))

    assert not after.modelled
    assert [day.slot_ms for day in after.days] == [3_600_000, 7_200_000]
    assert after.seconds == pytest.approx(30)


def test_dry_runs_that_count_nothing_leave_the_price_unknown(warehouse: BilledWarehouse, settings: Settings) -> None:
    assert price_plan(warehouse, settings, planned(NEW, CHANGED)).bytes_billed is None
    assert price_plan(warehouse, settings, planned()).bytes_billed is None


def test_a_day_that_is_gone_from_the_source_is_priced_as_nothing(
    warehouse: BilledWarehouse, settings: Settings
) -> None:
    warehouse.dry_run = {"events_next": GIB}
    gone = replace(CHANGED, source_rows=0)

    price = price_plan(warehouse, settings, planned(NEW, gone))

    assert [day.bytes_billed for day in price.days] == [GIB, 0]


def test_a_step_cost_has_the_ledgers_names() -> None:
    assert list(asdict(StepCost("stage", 1, 2, 3))) == ["step", "jobs", "bytes_billed", "slot_ms"]
