"""The cost model: what it must say whatever its constants are, and what is known of real warehouses."""

from dataclasses import replace

import pytest

from harness.on_paper import backfill, daily_run, full_rebuild, tuned_rebuild
from mixflows.costs.model import JOBS_OF_A_RUN, Workload, day_statements, seconds_of, slot_ms_of

YEAR_OF_3_TB = Workload(events_per_day=3e12 / 365 / 396)


def test_a_rebuild_of_a_year_of_3_tb_takes_what_it_took() -> None:
    """250 slot-hours a day: one of the two rates was taken from it."""
    assert full_rebuild(YEAR_OF_3_TB).slot_hours == pytest.approx(250, rel=0.02)


def test_that_design_once_tuned_takes_about_what_it_took() -> None:
    """20 slot-hours a day: nothing was taken from it. The year is "several TB", and how it was tuned is a guess."""
    assert 20 / 1.6 < tuned_rebuild(YEAR_OF_3_TB).slot_hours < 20 * 1.6


def test_three_days_take_less_than_the_tuned_design_took() -> None:
    """20 slot-hours and 15 minutes for its three days; on the slots that 8 hours for 250 slot-hours tell of, and more."""
    run = daily_run(replace(YEAR_OF_3_TB, changed_days=2))
    assert run.slot_hours < 20 / 4
    assert run.wall_seconds < 15 * 60 / 4


def test_a_daily_run_does_not_grow_with_the_history() -> None:
    short, long = (daily_run(replace(YEAR_OF_3_TB, days_of_history=days)) for days in (10, 3650))
    assert (short.read_gb, short.slot_hours, short.jobs) == (long.read_gb, long.slot_hours, long.jobs)
    assert full_rebuild(replace(YEAR_OF_3_TB, days_of_history=3650)).slot_hours == pytest.approx(2500, rel=0.02)


def test_more_of_anything_never_costs_less() -> None:
    base = daily_run(YEAR_OF_3_TB)
    for more in (
        replace(YEAR_OF_3_TB, events_per_day=YEAR_OF_3_TB.events_per_day * 2),
        replace(YEAR_OF_3_TB, columns=40),
        replace(YEAR_OF_3_TB, changed_days=20),
        replace(YEAR_OF_3_TB, late_share=0.05),
    ):
        assert daily_run(more).slot_hours > base.slot_hours


def test_side_by_side_helps_until_changes_of_one_table_wait_for_each_other() -> None:
    small = Workload(events_per_day=1e5, batch_days=1)
    walls = [backfill(replace(small, concurrency=n)).wall_seconds for n in (1, 4, 16, 64)]
    assert walls[0] > 3 * walls[1] > 3 * walls[2]
    assert walls[3] >= backfill(small).days  # two changes of mp_events at a time, two seconds each


def test_limits_that_break_are_named() -> None:
    assert all(limit.holds for limit in backfill(YEAR_OF_3_TB).limits)
    crowded = backfill(replace(YEAR_OF_3_TB, concurrency=40, days_of_history=12_000))
    broken = [limit.what for limit in crowded.limits if not limit.holds]
    assert broken == ["changing statements of one table, running and waiting", "partitions of a table"]


def test_a_plan_is_priced_by_the_same_model() -> None:
    statements = day_statements(replace(YEAR_OF_3_TB, row_checks=False), "new")
    read, slots = sum(s.read_gb for s in statements) * 1e9, sum(s.slot_seconds for s in statements) * 1000
    assert slot_ms_of(read, "new") == pytest.approx(slots, rel=0.01)
    wall = daily_run(replace(YEAR_OF_3_TB, changed_days=0, row_checks=False)).wall_seconds
    assert seconds_of(slots, 1, 0, rows_per_day=1e6, concurrency=2, row_checks=False) == pytest.approx(wall, rel=0.001)


def test_a_backfill_leaves_the_expectations_on_rows_out() -> None:
    assert backfill(YEAR_OF_3_TB) == backfill(replace(YEAR_OF_3_TB, row_checks=False))
    assert daily_run(YEAR_OF_3_TB).jobs > daily_run(replace(YEAR_OF_3_TB, row_checks=False)).jobs


def test_a_batch_is_as_many_jobs_as_a_day_but_for_a_copy_of_each_day() -> None:
    small = Workload(events_per_day=1e3)
    day, year = (backfill(replace(small, days_of_history=days)) for days in (1, 365))
    assert (small.batches(365), year.jobs) == (1, day.jobs + 364)
    assert year.read_gb == pytest.approx(365 * day.read_gb)
    ten_days_a_batch = backfill(replace(small, batch_gb=10 * small.day_gb))
    assert ten_days_a_batch.jobs - JOBS_OF_A_RUN == 37 * (day.jobs - 1 - JOBS_OF_A_RUN) + 365
