"""Blocked and failed days stand in every later run's way until a person or the source changes that; and no row is lost sight of."""

from datetime import date, timedelta

import pytest

from mixflows.days import DayRange
from mixflows.errors import NotAcknowledgedError, UsageError
from mixflows.ledger.standing import standing_days
from mixflows.model import Run, Status
from mixflows.pipeline.acknowledge import acknowledge_day
from mixflows.pipeline.totals import Totals, read_totals
from tests.spec.engines import ON_DUCKDB
from tests.spec.project import Project
from tests.spec.tables import DAY

NEXT = DAY + timedelta(days=1)
ONE_BAD_DAY = """
    id | time      | arrival
    a  | 10:00     | 10:01
    b  | +1d 10:00 | +1d 10:01
    b  | +1d 10:00 | +1d 10:02
"""


@pytest.fixture
def blocked(project: Project) -> Project:
    """A project of which the second day is blocked."""
    project.set(quality={"min_rows": 1, "row_checks": "never"})
    project.deliver(ONE_BAD_DAY)
    assert project.run_judged().exit_code == 3
    return project


def acknowledge(project: Project, day: date = NEXT, because: str = "known") -> None:
    acknowledge_day(project.context(Run("acknowledge")), day, because)


@ON_DUCKDB
def test_a_blocked_day_keeps_every_later_run_from_ending_well(blocked: Project) -> None:
    again = blocked.run_judged()
    assert (again.outcomes, again.exit_code) == ((), 3)
    (day,) = again.standing
    assert (day.day, day.status, day.failed_expectations) == (NEXT, Status.BLOCKED, ("duplicate_rate",))
    assert blocked.run_judged(days=DayRange(end=DAY)).exit_code == 0, "the day is out of the range"
    assert blocked.run_judged("missing").exit_code == 3, "the mode does not take it, and it stands all the same"
    assert blocked.run("blocked").exit_code == 0


def test_an_acknowledged_day_stands_until_its_source_changes(blocked: Project) -> None:
    events = blocked.events()
    acknowledge(blocked)
    assert [day.acknowledged for day in standing_days(blocked.warehouse)] == ["known"]
    assert blocked.run_judged().exit_code == 0
    assert blocked.run_judged("blocked").exit_code == 0, "judged again, it fails as it did"
    assert blocked.planned() == {}
    assert blocked.events() == events
    blocked.deliver("id | time | arrival\nb | +1d 10:00 | +1d 10:03")
    changed = blocked.run_judged()
    assert (changed.exit_code, [day.acknowledged for day in changed.standing]) == (3, [""])


@ON_DUCKDB
def test_an_acknowledged_day_stands_until_its_verdict_changes(blocked: Project) -> None:
    acknowledge(blocked)
    blocked.set(quality={"late_rate": {"critical": 0.5}, "missing_insert_id_rate": {"warning": None, "critical": 0}})
    assert blocked.run_judged().exit_code == 0, "other thresholds, the same expectation fails"
    blocked.set(quality={"volume_change": {"warning": None, "critical": None}, "duplicate_rate": {"critical": 0.9}})
    passed = blocked.run_judged()
    assert (passed.exit_code, len(passed.days(Status.PUBLISHED))) == (0, 1)
    with pytest.raises(NotAcknowledgedError, match="published"):
        acknowledge(blocked)


@ON_DUCKDB
def test_only_a_blocked_day_is_acknowledged_as_it_was_blocked(blocked: Project) -> None:
    with pytest.raises(UsageError, match="reason"):
        acknowledge(blocked, because=" ")
    with pytest.raises(NotAcknowledgedError, match="not blocked"):
        acknowledge(blocked, DAY)
    blocked.deliver("id | time | arrival\nc | +1d 11:00 | +1d 11:01")
    with pytest.raises(NotAcknowledgedError, match="changed"):
        acknowledge(blocked)


def counted(project: Project) -> Totals:
    """The totals, held against the tables themselves."""
    totals, names = read_totals(project.warehouse, project.settings), project.settings.tables
    assert totals.holds, str(totals)
    assert totals.kept == len(project.engine.rows(names.events))
    assert totals.rejected == len(project.engine.rows(names.rejected))
    assert totals.delivered - totals.malformed == len(project.engine.rows(names.source))
    return totals


def test_every_row_is_in_one_of_the_totals(project: Project) -> None:
    project.set(quality={"min_rows": 1, "row_checks": "never"}, pipeline={"source_deletes": "keep"})
    project.deliver("""
        id | time      | arrival
        a  | 10:00     | 10:01
        k  | 11:00     | 11:01
        b  | +1d 10:00 | +1d 10:01
        d  | +3d 10:00 | +3d 10:01
        -  | +3d 11:00 | +3d 11:01
    """)
    assert counted(project) == Totals(5, 0, 0, 0, 0, waiting=5, malformed=0)
    project.run()
    assert counted(project) == Totals(5, 0, 4, 1, 0, 0, 0)
    project.delete("id | time | arrival\nk | 11:00 | 11:01")  # kept, though the source has it no more
    project.deliver("""
        id | time      | arrival
        b  | +1d 10:00 | +1d 10:02
        b  | +1d 10:00 | +1d 10:03
        c  | +2d 10:00 | +2d 10:01
        c  | +2d 10:00 | +2d 10:02
    """)
    assert len(project.run_judged().days(Status.BLOCKED)) == 2
    project.deliver("id | time | arrival\ne | +4d 10:00 | +4d 10:01")
    # Day 1 keeps a deletion; day 2 is blocked beside what was published of it; day 3 is blocked and new; day 5 waits.
    assert counted(project) == Totals(9, 2, 4, 1, held_back=5, waiting=1, malformed=0)
    project.delete("id | time | arrival\nb | +1d 10:00 | +1d 10:03")
    assert counted(project) == Totals(8, 2, 4, 1, held_back=4, waiting=1, malformed=0), "blocked, and shrunk since"
    acknowledge(project, DAY + timedelta(days=2))
    assert counted(project) == Totals(8, 2, 4, 1, held_back=4, waiting=1, malformed=0)
    project.run()
    acknowledged = counted(project)
    assert (acknowledged.held_back, acknowledged.waiting) == (2, 0)
    project.engine.delete(project.settings.tables.events, {"mp_insert_id": "a"})
    assert read_totals(project.warehouse, project.settings).holds, "a damaged day is due"
