"""A published day that somebody damaged is repaired; one that cannot be repaired is `failed`, and never published."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from expectations.gate import GreatExpectationsAuditor
from mixflows.model import Mode, Plan, PlanReason, Run, Status
from mixflows.pipeline.context import RunContext
from mixflows.pipeline.plan import PlanRequest, make_plan
from mixflows.pipeline.publish import REPAIRED
from mixflows.pipeline.run import RunResult, ThreadSteps, process
from mixflows.settings import Settings
from mixflows.warehouse.base import BatchStatement, Row
from mixflows.warehouse.duckdb.engine import DuckDBWarehouse
from tests.failure.conftest import Yard
from tests.failure.exports import DAYS, line

DAY, OTHER = DAYS
EVENT = f"FROM mp_events WHERE partition_date = '{DAY}' AND mp_insert_id = 'id-e7'"
WINNER = f"FROM mp_events WHERE partition_date = '{DAY}' AND mp_insert_id = 'id-e4'"
REJECTED = f"FROM mp_rejected_events WHERE partition_date = '{DAY}' AND mp_insert_id = 'id-e4'"
SAME_TWICE = f"FROM mp_rejected_events WHERE partition_date = '{DAY}' AND mp_insert_id = 'id-e3'"
DELETE_REJECTED = "DELETE FROM mp_rejected_events WHERE rowid ="
OWN = "row_num, rejection_reason, rejection_timestamp, is_exact_copy, run_id"
LOSER_AMONG_EVENTS = f"INSERT INTO mp_events BY NAME SELECT * EXCLUDE ({OWN}) {REJECTED}; DELETE {REJECTED};"
EVENT_AMONG_REJECTED = f"""
    INSERT INTO mp_rejected_events BY NAME
      SELECT *, 2 AS row_num, 'Duplicate event' AS rejection_reason, now() AS rejection_timestamp,
        FALSE AS is_exact_copy, 'x' AS run_id {EVENT};
    DELETE {EVENT}"""

DAMAGE = {
    "an event deleted": f"DELETE {EVENT}",
    "an event with copies deleted": f"DELETE {WINNER}",
    "all events of the day deleted": f"DELETE FROM mp_events WHERE partition_date = '{DAY}'",
    "an event doubled": f"INSERT INTO mp_events SELECT * {EVENT}",
    "an event with copies doubled": f"INSERT INTO mp_events SELECT * {WINNER}",
    "all events doubled": f"INSERT INTO mp_events SELECT * FROM mp_events WHERE partition_date = '{DAY}'",
    "a rejected row deleted": f"DELETE {REJECTED}",
    "one of two equal rejected rows deleted": f"{DELETE_REJECTED} (SELECT min(rowid) {SAME_TWICE})",
    "all rejected rows deleted": f"DELETE FROM mp_rejected_events WHERE partition_date = '{DAY}'",
    "a rejected row doubled": f"INSERT INTO mp_rejected_events SELECT * {REJECTED}",
    "an invalid row doubled": "INSERT INTO mp_rejected_events SELECT * FROM mp_rejected_events"
    f" WHERE partition_date = '{DAY}' AND mp_insert_id = 'id-future'",
    "a reason changed": "UPDATE mp_rejected_events SET rejection_reason = 'I do not like it'"
    f" WHERE rowid = (SELECT min(rowid) {REJECTED})",
    "the day deleted from both tables": f"DELETE FROM mp_events WHERE partition_date = '{DAY}';"
    f" DELETE FROM mp_rejected_events WHERE partition_date = '{DAY}'",
    "a rejected row among the events": LOSER_AMONG_EVENTS,
    "a rejected row among the events, and an event among the rejected rows": LOSER_AMONG_EVENTS + EVENT_AMONG_REJECTED,
    "winner and loser exchanged": f"""
        CREATE TEMP TABLE loser AS SELECT * {REJECTED};
        CREATE TEMP TABLE winner AS SELECT * {WINNER};
        DELETE {WINNER};
        INSERT INTO mp_events BY NAME
          SELECT * EXCLUDE ({OWN}) FROM loser;
        DELETE {REJECTED};
        INSERT INTO mp_rejected_events BY NAME
          SELECT w.*, 2 AS row_num, 'Duplicate event' AS rejection_reason, now() AS rejection_timestamp,
            FALSE AS is_exact_copy, 'x' AS run_id
          FROM winner AS w""",
}


def statuses(result: RunResult) -> dict[str, Status]:
    return {str(outcome.row.partition_date): outcome.row.status for outcome in result.outcomes}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=list(DAMAGE))
def test_damage_is_repaired(yard: Yard, damage: str) -> None:
    yard.backfill()
    whole = yard.tables()
    yard.execute(damage)
    assert yard.tables().published != whole.published
    result = yard.backfill(Mode.ALL)
    assert statuses(result) == {str(DAY): Status.PUBLISHED, str(OTHER): Status.UNCHANGED}
    assert result.exit_code == 0
    assert yard.tables().published == whole.published
    assert yard.tables().status_of(str(DAY)) == ["published", "published"]
    assert statuses(yard.backfill(Mode.ALL)) == {str(DAY): Status.UNCHANGED, str(OTHER): Status.UNCHANGED}


def test_a_key_that_is_published_twice_is_found_where_all_copies_add_up(yard: Yard) -> None:
    """The copies of both tables together, and the rows of each, are as they were; one key is there twice, another not at all."""
    yard.backfill()
    whole = yard.tables()
    yard.execute(LOSER_AMONG_EVENTS + EVENT_AMONG_REJECTED)
    yard.execute(f"UPDATE mp_partition_runs SET source_version = 'another' WHERE partition_date = '{DAY}'")
    (outcome,) = yard.backfill().outcomes
    assert (outcome.row.plan_reason, outcome.row.status) == ("changed", "published")
    assert yard.tables().published == whole.published


FOREIGN = {
    "an event that the source never had": "INSERT INTO mp_events BY NAME"
    f" SELECT * REPLACE ('id-foreign' AS mp_insert_id) {EVENT}",
    "a rejected row that the source never had": "INSERT INTO mp_rejected_events BY NAME"
    f" SELECT * REPLACE ('id-foreign' AS mp_insert_id) {REJECTED}",
    "an event's arrival changed": "UPDATE mp_events SET mp_processing_time_ms = 1"
    f" WHERE rowid = (SELECT min(rowid) {EVENT})",
}


@pytest.mark.parametrize("damage", FOREIGN.values(), ids=list(FOREIGN))
def test_a_row_that_the_source_never_had_blocks_the_day(yard: Yard, damage: str) -> None:
    yard.backfill()
    whole = yard.tables()
    yard.execute(damage)
    damaged = yard.tables()
    result = yard.backfill(Mode.ALL)
    assert statuses(result) == {str(DAY): Status.BLOCKED, str(OTHER): Status.UNCHANGED}
    assert result.exit_code == 3
    (blocked,) = result.days(Status.BLOCKED)
    assert blocked.row.note == "published copies are no longer in the source (1, limit 0)"
    assert yard.tables().published == damaged.published
    yard.sections = {"pipeline": {"source_deletes": "apply"}}
    assert statuses(yard.backfill(Mode.ALL)) == {str(DAY): Status.PUBLISHED, str(OTHER): Status.UNCHANGED}
    assert yard.tables().published == whole.published


class WrongWarehouse(DuckDBWarehouse):
    """Writes one day's events wrongly, every time or the first time only."""

    def __init__(self, settings: Settings, wrong_sql: str, *, times: int) -> None:
        super().__init__(settings)
        self._wrong_sql, self._times = wrong_sql, times

    def replace_days(self, table: str, statement: BatchStatement, rows: Mapping[date, int], *, is_empty: bool) -> None:
        super().replace_days(table, statement, rows, is_empty=is_empty)
        if table == "events" and DAY in [day.day for day in statement.days] and self._times:
            self._write_wrongly()

    def run(self, statement: BatchStatement) -> list[Row]:
        rows = super().run(statement)
        if (
            statement.name in ("added_events", "delta_events")
            and DAY in [day.day for day in statement.days]
            and self._times
        ):
            self._write_wrongly()
        return rows

    def _write_wrongly(self) -> None:
        self._times -= 1
        self._execute(self._wrong_sql)


WRONG = {
    "one row too few": f"DELETE {EVENT}",
    "one row too many": f"INSERT INTO mp_events SELECT * {EVENT}",
    "another row instead": f"UPDATE mp_events SET mp_insert_id = 'id-e8', time = (SELECT time FROM mp_events WHERE"
    f" mp_insert_id = 'id-e8' AND partition_date = '{DAY}') WHERE rowid = (SELECT min(rowid) {EVENT})",
}


def wrong(sql: str, times: int) -> Callable[[Settings], Any]:
    return lambda settings: WrongWarehouse(settings, sql, times=times)


@pytest.mark.parametrize("sql", WRONG.values(), ids=list(WRONG))
def test_a_day_that_cannot_be_repaired_is_failed_and_the_others_go_on(yard: Yard, sql: str) -> None:
    result = yard.backfill(opener=wrong(sql, times=9))
    assert statuses(result) == {str(DAY): Status.FAILED, str(OTHER): Status.PUBLISHED}
    assert result.exit_code == 1
    (failed,) = result.days(Status.FAILED)
    assert failed.row.error.startswith(f"day {DAY}: ")
    assert "replacing the day did not help" in failed.row.error
    tables = yard.tables()
    assert tables.published_on(str(DAY)) == ([], [])
    assert tables.status_of(str(DAY)) == ["failed"]
    # The next run takes it again by itself.
    again = yard.backfill()
    assert statuses(again) == {str(DAY): Status.PUBLISHED}
    assert [outcome.row.plan_reason for outcome in again.outcomes] == ["failed"]
    assert len(yard.tables().published_on(str(DAY))[0]) == 40


@pytest.mark.parametrize("sql", WRONG.values(), ids=list(WRONG))
def test_a_day_that_was_published_before_keeps_that_when_it_cannot_be_repaired(yard: Yard, sql: str) -> None:
    yard.backfill()
    yard.execute(DAMAGE["all events of the day deleted"])
    damaged = yard.tables()
    result = yard.backfill(Mode.ALL, opener=wrong(sql, times=9))
    assert statuses(result) == {str(DAY): Status.FAILED, str(OTHER): Status.UNCHANGED}
    assert yard.tables().published == damaged.published


@pytest.mark.parametrize("sql", WRONG.values(), ids=list(WRONG))
def test_a_day_that_was_written_wrongly_once_is_replaced(yard: Yard, sql: str) -> None:
    yard.sections = {"backfill": {"batch_days": 1}}
    result = yard.backfill(opener=wrong(sql, times=1))
    assert statuses(result) == {str(DAY): Status.PUBLISHED, str(OTHER): Status.PUBLISHED}
    assert {str(outcome.row.partition_date): outcome.row.note for outcome in result.outcomes} == {
        str(DAY): REPAIRED,
        str(OTHER): "",
    }
    assert [len(rows) for rows in yard.tables().published_on(str(DAY))] == [40, 7]
    assert yard.tables().status_of(str(DAY)) == ["published"]


def test_a_batch_that_was_written_wrongly_is_done_again_day_by_day(yard: Yard) -> None:
    result = yard.backfill(opener=wrong(WRONG["one row too few"], times=1))
    assert statuses(result) == {str(DAY): Status.PUBLISHED, str(OTHER): Status.PUBLISHED}
    assert [len(rows) for rows in yard.tables().published_on(str(DAY))] == [40, 7]
    assert yard.tables().status_of(str(DAY)) == ["published"]


@pytest.mark.parametrize(("times", "status", "note"), [(1, Status.PUBLISHED, REPAIRED), (9, Status.FAILED, "")])
def test_a_delta_that_was_written_wrongly_is_replaced_and_its_neighbours_end_as_they_would(
    yard: Yard, times: int, status: Status, note: str
) -> None:
    yard.backfill()
    other = yard.tables().published_on(str(OTHER))
    yard.land([line(DAY, "late", late_ms=300_000_000)])
    settings = yard.settings
    warehouse = WrongWarehouse(settings, WRONG["one row too few"], times=times)
    try:
        # The other day is looked at as in a source that gives no signal of change.
        days = make_plan(warehouse, settings, PlanRequest(Mode.ALL)).days
        looked_at = [replace(day, reason=PlanReason.LOOKBACK) for day in days]
        context = RunContext(warehouse, settings, Run("late"))
        auditor = GreatExpectationsAuditor(settings, warehouse.row_access())
        result = process(context, Plan(tuple(looked_at), check_rows=False), ThreadSteps(context, auditor))
    finally:
        warehouse.close()
    assert statuses(result) == {str(DAY): status, str(OTHER): Status.UNCHANGED}
    assert [outcome.row.note for outcome in result.outcomes if outcome.row.partition_date == DAY] == [note]
    assert yard.tables().published_on(str(OTHER)) == other
