"""A published day that somebody damaged is repaired; one that cannot be repaired is `failed`, and never published.

A run takes days that are damaged in different ways, and one that is not; each test looks at its day.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from expectations.gate import GreatExpectationsAuditor
from mixflows.model import DayOutcome, Mode, Plan, PlanReason, Run, Status
from mixflows.pipeline.context import RunContext
from mixflows.pipeline.plan import PlanRequest, make_plan
from mixflows.pipeline.publish import REPAIRED
from mixflows.pipeline.run import RunResult, ThreadSteps, process
from mixflows.settings import Settings
from mixflows.warehouse.base import BatchStatement, Row
from mixflows.warehouse.duckdb.engine import DuckDBWarehouse
from tests.failure.conftest import Yard
from tests.failure.exports import DAYS, first_export, line
from tests.failure.tables import Tables

DAY, OTHER = DAYS
OWN = "row_num, rejection_reason, rejection_timestamp, is_exact_copy, run_id"


def row(table: str, name: str, day: date) -> str:
    return f"FROM {table} WHERE partition_date = '{day}' AND mp_insert_id = 'id-{name}'"


def exchanged(day: date) -> str:
    """A rejected copy becomes an event, and an event a rejected copy."""
    loser, event = row("mp_rejected_events", "e4", day), row("mp_events", "e7", day)
    return f"""
        INSERT INTO mp_events BY NAME SELECT * EXCLUDE ({OWN}) {loser};
        DELETE {loser};
        INSERT INTO mp_rejected_events BY NAME
          SELECT *, 2 AS row_num, 'Duplicate event' AS rejection_reason, now() AS rejection_timestamp,
            FALSE AS is_exact_copy, 'x' AS run_id {event};
        DELETE {event}"""


def damages(day: date) -> dict[str, str]:
    event, winner = row("mp_events", "e7", day), row("mp_events", "e4", day)
    rejected, same_twice = row("mp_rejected_events", "e4", day), row("mp_rejected_events", "e3", day)
    events, all_rejected = (
        f"FROM {table} WHERE partition_date = '{day}'" for table in ("mp_events", "mp_rejected_events")
    )
    return {
        "an event deleted": f"DELETE {event}",
        "an event with copies deleted": f"DELETE {winner}",
        "all events of the day deleted": f"DELETE {events}",
        "an event doubled": f"INSERT INTO mp_events SELECT * {event}",
        "an event with copies doubled": f"INSERT INTO mp_events SELECT * {winner}",
        "all events doubled": f"INSERT INTO mp_events SELECT * {events}",
        "a rejected row deleted": f"DELETE {rejected}",
        "one of two equal rejected rows deleted": "DELETE FROM mp_rejected_events"
        f" WHERE rowid = (SELECT min(rowid) {same_twice})",
        "all rejected rows deleted": f"DELETE {all_rejected}",
        "a rejected row doubled": f"INSERT INTO mp_rejected_events SELECT * {rejected}",
        "an invalid row doubled": f"INSERT INTO mp_rejected_events SELECT * {row('mp_rejected_events', 'future', day)}",
        "a reason changed": "UPDATE mp_rejected_events SET rejection_reason = 'I do not like it'"
        f" WHERE rowid = (SELECT min(rowid) {rejected})",
        "the day deleted from both tables": f"DELETE {events}; DELETE {all_rejected}",
        "a rejected row among the events": f"INSERT INTO mp_events BY NAME SELECT * EXCLUDE ({OWN}) {rejected};"
        f" DELETE {rejected}",
        "a rejected row among the events, and an event among the rejected rows": exchanged(day),
        "winner and loser exchanged": f"""
            CREATE TEMP TABLE loser AS SELECT * {rejected};
            CREATE TEMP TABLE winner AS SELECT * {winner};
            DELETE {winner};
            INSERT INTO mp_events BY NAME SELECT * EXCLUDE ({OWN}) FROM loser;
            DELETE {rejected};
            INSERT INTO mp_rejected_events BY NAME
              SELECT w.*, 2 AS row_num, 'Duplicate event' AS rejection_reason, now() AS rejection_timestamp,
                FALSE AS is_exact_copy, 'x' AS run_id
              FROM winner AS w""",
    }


def foreign(day: date) -> dict[str, str]:
    event, rejected = row("mp_events", "e7", day), row("mp_rejected_events", "e4", day)
    return {
        "an event that the source never had": "INSERT INTO mp_events BY NAME"
        f" SELECT * REPLACE ('id-foreign' AS mp_insert_id) {event}",
        "a rejected row that the source never had": "INSERT INTO mp_rejected_events BY NAME"
        f" SELECT * REPLACE ('id-foreign' AS mp_insert_id) {rejected}",
        "an event's arrival changed": "UPDATE mp_events SET mp_processing_time_ms = 1"
        f" WHERE rowid = (SELECT min(rowid) {event})",
    }


def wrong(day: date) -> dict[str, str]:
    event = row("mp_events", "e7", day)
    return {
        "one row too few": f"DELETE {event}",
        "one row too many": f"INSERT INTO mp_events SELECT * {event}",
        "another row instead": "UPDATE mp_events SET mp_insert_id = 'id-e8',"
        f" time = (SELECT time {row('mp_events', 'e8', day)}) WHERE rowid = (SELECT min(rowid) {event})",
    }


DAMAGES, FOREIGN, WRONG = list(damages(DAY)), list(foreign(DAY)), list(wrong(DAY))


def days_for(names: Iterable[str]) -> dict[str, date]:
    """A day for each name."""
    return {name: DAY + timedelta(number) for number, name in enumerate(names)}


@dataclass(frozen=True)
class Step:
    """A run of every day, and the tables after it."""

    result: RunResult
    tables: Tables

    @classmethod
    def of(cls, yard: Yard, mode: Mode = Mode.DUE, **how: Any) -> "Step":
        result = yard.backfill(mode, **how)
        return cls(result, yard.tables())

    def outcome(self, day: date) -> DayOutcome:
        (outcome,) = (outcome for outcome in self.result.outcomes if outcome.row.partition_date == day)
        return outcome

    def status(self, day: date) -> Status:
        return self.outcome(day).row.status


def landed(folder: Path, days: Iterable[date]) -> Yard:
    yard = Yard(folder)
    yard.land(first_export(list(days)))
    return yard


# Repaired


@dataclass(frozen=True)
class Story:
    """Days that were published, damaged, and run twice."""

    days: Mapping[str, date]
    untouched: date
    whole: Tables
    damaged: Tables
    first: Step
    again: Step


def damaged(
    folder: Path, names: Iterable[str], damage: Callable[[date], Mapping[str, str]], **sections_of_second_run: Any
) -> Story:
    days = days_for(names)
    untouched = DAY + timedelta(len(days))
    yard = landed(folder, [*days.values(), untouched])
    yard.backfill()
    whole = yard.tables()
    yard.execute(";".join(damage(day)[name] for name, day in days.items()))
    tables = yard.tables()
    first = Step.of(yard, Mode.ALL)
    yard.sections = sections_of_second_run
    return Story(days, untouched, whole, tables, first, Step.of(yard, Mode.ALL))


@pytest.fixture(scope="module")
def repaired(tmp_path_factory: pytest.TempPathFactory) -> Story:
    return damaged(tmp_path_factory.mktemp("repaired"), DAMAGES, damages)


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_repaired(repaired: Story, name: str) -> None:
    day = repaired.days[name]
    whole = repaired.whole.published_on(str(day))
    assert repaired.damaged.published_on(str(day)) != whole
    assert repaired.first.status(day) is Status.PUBLISHED
    assert repaired.first.tables.published_on(str(day)) == whole
    assert repaired.first.tables.status_of(str(day)) == ["published", "published"]
    assert repaired.again.status(day) is Status.UNCHANGED


def test_a_day_beside_repaired_ones_is_unchanged(repaired: Story) -> None:
    assert [step.status(repaired.untouched) for step in (repaired.first, repaired.again)] == [Status.UNCHANGED] * 2
    assert [step.result.exit_code for step in (repaired.first, repaired.again)] == [0, 0]
    assert [step.tables.published for step in (repaired.first, repaired.again)] == [repaired.whole.published] * 2


def test_a_key_that_is_published_twice_is_found_where_all_copies_add_up(published: Yard) -> None:
    """The copies of both tables together, and the rows of each, are as they were; one key is there twice, another not at all."""
    whole = published.tables()
    published.execute(exchanged(DAY))
    published.execute(f"UPDATE mp_partition_runs SET source_version = 'another' WHERE partition_date = '{DAY}'")
    (outcome,) = published.backfill().outcomes
    assert (outcome.row.plan_reason, outcome.row.status) == ("changed", "published")
    assert published.tables().published == whole.published


# Blocked


@pytest.fixture(scope="module")
def blocked(tmp_path_factory: pytest.TempPathFactory) -> Story:
    """The second run removes what the source does not have."""
    return damaged(tmp_path_factory.mktemp("blocked"), FOREIGN, foreign, pipeline={"source_deletes": "apply"})


@pytest.mark.parametrize("name", FOREIGN)
def test_a_row_that_the_source_never_had_blocks_the_day(blocked: Story, name: str) -> None:
    day = blocked.days[name]
    assert blocked.damaged.published_on(str(day)) != blocked.whole.published_on(str(day))
    assert blocked.first.status(day) is Status.BLOCKED
    assert blocked.first.outcome(day).row.note == "published copies are no longer in the source (1, limit 0)"
    assert blocked.first.tables.published_on(str(day)) == blocked.damaged.published_on(str(day))
    assert blocked.again.status(day) is Status.PUBLISHED
    assert blocked.again.tables.published_on(str(day)) == blocked.whole.published_on(str(day))


def test_a_day_beside_blocked_ones_is_unchanged(blocked: Story) -> None:
    assert [step.status(blocked.untouched) for step in (blocked.first, blocked.again)] == [Status.UNCHANGED] * 2
    assert blocked.first.result.exit_code == 3
    assert blocked.first.tables.published == blocked.damaged.published
    assert blocked.again.tables.published == blocked.whole.published


# Written wrongly


class WrongWarehouse(DuckDBWarehouse):
    """Writes the events of some days wrongly, every time or the first time only."""

    def __init__(self, settings: Settings, wrong_sql: Mapping[date, str], *, times: int) -> None:
        super().__init__(settings)
        self._wrong_sql, self._times = wrong_sql, dict.fromkeys(wrong_sql, times)

    def replace_days(self, table: str, statement: BatchStatement, rows: Mapping[date, int], *, is_empty: bool) -> None:
        super().replace_days(table, statement, rows, is_empty=is_empty)
        if table == "events":
            self._write_wrongly(statement)

    def run(self, statement: BatchStatement) -> list[Row]:
        rows = super().run(statement)
        if statement.name in ("added_events", "delta_events"):
            self._write_wrongly(statement)
        return rows

    def _write_wrongly(self, statement: BatchStatement) -> None:
        for day in [day.day for day in statement.days if self._times.get(day.day)]:
            self._times[day] -= 1
            self._execute(self._wrong_sql[day])


def wrongly(wrong_sql: Mapping[date, str], times: int) -> Callable[[Settings], Any]:
    return lambda settings: WrongWarehouse(settings, wrong_sql, times=times)


WRONG_DAYS = days_for(WRONG)
WRONG_SQL = {day: wrong(day)[name] for name, day in WRONG_DAYS.items()}
RIGHT_DAY = DAY + timedelta(len(WRONG))


@dataclass(frozen=True)
class Unrepaired:
    """Days that are written wrongly whenever they are written: new ones, and published ones whose events are deleted."""

    new: Step
    after_it: Step
    damaged: Tables
    old: Step


@pytest.fixture(scope="module")
def unrepaired(tmp_path_factory: pytest.TempPathFactory) -> Unrepaired:
    yard = landed(tmp_path_factory.mktemp("unrepaired"), [*WRONG_DAYS.values(), RIGHT_DAY])
    new = Step.of(yard, opener=wrongly(WRONG_SQL, times=9))
    after_it = Step.of(yard)
    for day in WRONG_DAYS.values():
        yard.execute(damages(day)["all events of the day deleted"])
    damaged = yard.tables()
    return Unrepaired(new, after_it, damaged, Step.of(yard, Mode.ALL, opener=wrongly(WRONG_SQL, times=9)))


@pytest.mark.parametrize("day", WRONG_DAYS.values(), ids=list(WRONG_DAYS))
def test_a_day_that_cannot_be_repaired_is_failed(unrepaired: Unrepaired, day: date) -> None:
    failed = unrepaired.new.outcome(day).row
    assert failed.status is Status.FAILED
    assert failed.error.startswith(f"day {day}: ")
    assert "replacing the day did not help" in failed.error
    assert unrepaired.new.tables.published_on(str(day)) == ([], [])
    assert unrepaired.new.tables.status_of(str(day)) == ["failed"]
    # The next run takes it again by itself.
    again = unrepaired.after_it.outcome(day).row
    assert (again.status, again.plan_reason) == (Status.PUBLISHED, "failed")
    assert len(unrepaired.after_it.tables.published_on(str(day))[0]) == 40


@pytest.mark.parametrize("day", WRONG_DAYS.values(), ids=list(WRONG_DAYS))
def test_a_day_that_was_published_before_keeps_that_when_it_cannot_be_repaired(
    unrepaired: Unrepaired, day: date
) -> None:
    assert unrepaired.old.status(day) is Status.FAILED
    assert unrepaired.old.tables.published_on(str(day)) == unrepaired.damaged.published_on(str(day))


def test_days_beside_failed_ones_go_on(unrepaired: Unrepaired) -> None:
    assert unrepaired.new.status(RIGHT_DAY) is Status.PUBLISHED
    assert unrepaired.old.status(RIGHT_DAY) is Status.UNCHANGED
    assert {outcome.row.partition_date for outcome in unrepaired.after_it.result.outcomes} == set(WRONG_DAYS.values())
    assert [step.result.exit_code for step in (unrepaired.new, unrepaired.after_it, unrepaired.old)] == [1, 0, 1]
    assert unrepaired.old.tables.published == unrepaired.damaged.published


def test_days_that_were_written_wrongly_once_are_replaced(tmp_path: Path) -> None:
    yard = landed(tmp_path, [*WRONG_DAYS.values(), RIGHT_DAY])
    yard.sections = {"backfill": {"batch_days": 1}}
    step = Step.of(yard, opener=wrongly(WRONG_SQL, times=1))
    for day in (*WRONG_DAYS.values(), RIGHT_DAY):
        assert step.status(day) is Status.PUBLISHED
        assert step.outcome(day).row.note == ("" if day == RIGHT_DAY else REPAIRED)
        assert [len(rows) for rows in step.tables.published_on(str(day))] == [40, 7]
        assert step.tables.status_of(str(day)) == ["published"]


def test_a_batch_that_was_written_wrongly_is_done_again_day_by_day(yard: Yard) -> None:
    step = Step.of(yard, opener=wrongly({DAY: wrong(DAY)["one row too few"]}, times=1))
    assert [step.status(day) for day in DAYS] == [Status.PUBLISHED] * 2
    assert [len(rows) for rows in step.tables.published_on(str(DAY))] == [40, 7]
    assert step.tables.status_of(str(DAY)) == ["published"]


@pytest.mark.parametrize(("times", "status", "note"), [(1, Status.PUBLISHED, REPAIRED), (9, Status.FAILED, "")])
def test_a_delta_that_was_written_wrongly_is_replaced_and_its_neighbours_end_as_they_would(
    published: Yard, times: int, status: Status, note: str
) -> None:
    other = published.tables().published_on(str(OTHER))
    published.land([line(DAY, "late", late_ms=300_000_000)])
    settings = published.settings
    warehouse = WrongWarehouse(settings, {DAY: wrong(DAY)["one row too few"]}, times=times)
    try:
        # The other day is looked at as in a source that gives no signal of change.
        days = make_plan(warehouse, settings, PlanRequest(Mode.ALL)).days
        looked_at = [replace(day, reason=PlanReason.LOOKBACK) for day in days]
        context = RunContext(warehouse, settings, Run("late"))
        auditor = GreatExpectationsAuditor(settings, warehouse.row_access())
        result = process(context, Plan(tuple(looked_at), check_rows=False), ThreadSteps(context, auditor))
    finally:
        warehouse.close()
    step = Step(result, published.tables())
    assert [step.status(day) for day in DAYS] == [status, Status.UNCHANGED]
    assert step.outcome(DAY).row.note == note
    assert step.tables.published_on(str(OTHER)) == other
