"""Two runs on the same day at once: what every order of their statements comes to.

Statements that only read the source or write a run's own staged tables are left out of the orders: they change nothing
that the other run sees. The claims keep two runs from the same day; these tests go around them.
"""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from datetime import date
from typing import Any

import pytest

from mixflows.model import DayOutcome, PlannedDay, PlanReason, Run, StagedBatch
from mixflows.pipeline.context import RunContext
from mixflows.pipeline.publish import publish_batch
from mixflows.pipeline.stage import stage_batch
from mixflows.verdict import Verdict
from mixflows.warehouse.base import BatchStatement, BatchTables, Row, Warehouse
from tests.bigquery_engine.place import Place
from tests.bigquery_engine.turns import Turn, Turns, orders
from tests.spec.project import Project
from tests.spec.tables import DAY

Table = frozenset[str]
NEITHER, BOTH, EVENTS, REJECTED = Table(), Table({"events", "rejected"}), Table({"events"}), Table({"rejected"})
NEW_DAY = ((BOTH, NEITHER), (EVENTS, EVENTS), (REJECTED, REJECTED), (BOTH, NEITHER))
"""What the statements of a day read and write of the shared tables: counts, events, rejected, check."""
CHANGED_DAY = (NEW_DAY[0], (BOTH, NEITHER), (BOTH, NEITHER), (REJECTED, NEITHER), *NEW_DAY[1:])
"""And, of a published day, what is touched, the changes, and the rejected copies as they were."""
SHARED = {"published_counts", "touched", "changes", "restated"}


class InTurns:
    """A warehouse whose statements on the shared tables wait for their turn; the others run once for all orders."""

    def __init__(self, warehouse: Warehouse, turn: Turn, known: dict[tuple[str, str], list[Row]]) -> None:
        self._warehouse, self._turn, self._known = warehouse, turn, known

    def __getattr__(self, name: str) -> Any:
        return getattr(self._warehouse, name)

    def run(self, statement: BatchStatement) -> list[Row]:
        if statement.name in SHARED or "published" in statement.flags:
            with self._turn():
                return self._warehouse.run(statement)
        if statement.name in ("touched_days", "rejected_next"):
            return self._warehouse.run(statement)
        key = statement.name, statement.tables.stage
        if key not in self._known:
            self._known[key] = self._warehouse.run(statement)
        return self._known[key]

    def stage(self, copies: BatchStatement, *views: BatchStatement) -> None:
        key = "stage", copies.tables.stage
        if key not in self._known:
            self._warehouse.stage(copies, *views)
            self._known[key] = []

    def replace_days(self, table: str, statement: BatchStatement, rows: Mapping[date, int], *, is_empty: bool) -> None:
        with self._turn():
            self._warehouse.replace_days(table, statement, rows, is_empty=is_empty)

    def append(self, table: str, rows: Sequence[Row]) -> None:
        """Only plans read the ledger."""

    def drop_batch(self, tables: BatchTables) -> None:
        """They serve the next order too."""


class TwoRuns:
    """Runs A and B of one day, and C after them."""

    def __init__(self, project: Project, place: Place) -> None:
        self.project, self._place = project, place
        self._known: dict[tuple[str, str], list[Row]] = {}

    def stage(self, name: str) -> None:
        """Lets a run see the source as it is now, whenever it comes to its turn."""
        self._staged(self._context(name, nullcontext))

    def publish(self, name: str, turn: Turn) -> DayOutcome:
        context = self._context(name, turn)
        (outcome,) = publish_batch(context, self._staged(context), {DAY: Verdict()})
        return outcome

    def in_order(self, order: str) -> None:
        ended = Turns(order).run(lambda turn: self.publish("A", turn), lambda turn: self.publish("B", turn))
        assert all(isinstance(outcome, DayOutcome) for outcome in ended), ended

    def start_over(self) -> None:
        """Empties both published tables."""
        for table in ("mp_events", "mp_rejected_events"):
            self._place.sql(f"DELETE FROM `{self._place.table(table)}` WHERE partition_date = '{DAY}'")

    def _context(self, name: str, turn: Turn) -> RunContext:
        warehouse: Any = InTurns(self.project.warehouse, turn, self._known)
        return RunContext(warehouse, self.project.settings, Run(f"{name}{self._place.dataset}"))

    @staticmethod
    def _staged(context: RunContext) -> StagedBatch:
        return stage_batch(context, [PlannedDay(DAY, PlanReason.REQUESTED, 5, None)])


@pytest.fixture
def two_runs(project: Project, place: Place) -> TwoRuns:
    project.deliver(COPIES)
    project.warehouse.create_tables()
    return TwoRuns(project, place)


def different_orders(steps: Sequence[tuple[Table, Table]]) -> list[str]:
    """An order of each kind in which A is first.

    Orders that differ only in neighbours that do not touch each other come to the same, and so do A and B exchanged.
    """

    def touch(a: tuple[Table, Table], b: tuple[Table, Table]) -> bool:
        return bool(a[1] & (b[0] | b[1]) or b[1] & a[0])

    def first_of_its_kind(order: str) -> bool:
        at = {"A": 0, "B": 0}
        before = None
        for name in order:
            step = steps[at[name]]
            at[name] += 1
            if before and before[0] == "B" and name == "A" and not touch(before[1], step):
                return False
            before = name, step
        return order.startswith("A")

    return [order for order in orders(len(steps), len(steps)) if first_of_its_kind(order)]


COPIES = """
    id | time  | arrival | properties
    a  | 10:00 | 10:05   | {"n": 1}
    a  | 10:00 | 10:06   | {"n": 2}
    b  | 11:00 | 11:01   | {"n": 3}
    -  | 12:00 | 12:01   | {}
"""
EARLIER_WINNER = """
    id | time  | arrival | properties
    a  | 10:00 | 10:01   | {"n": 0}
    c  | 13:00 | 13:01   | {"n": 4}
"""
PUBLISHED = """
    id | arrival | properties
    a  | 10:05   | {"n": 1}
    b  | 11:01   | {"n": 3}
"""
REJECTED_ROWS = """
    id | arrival | reason
    a  | 10:06   | Duplicate event
    -  | 12:01   | Missing insert id
"""
PUBLISHED_THEN = """
    id | arrival | properties
    a  | 10:01   | {"n": 0}
    b  | 11:01   | {"n": 3}
    c  | 13:01   | {"n": 4}
"""
REJECTED_THEN = """
    id | arrival | reason
    a  | 10:05   | Duplicate event
    a  | 10:06   | Duplicate event
    -  | 12:01   | Missing insert id
"""


@pytest.mark.timeout(900)
def test_a_new_day_comes_out_the_same_in_every_order(two_runs: TwoRuns) -> None:
    found = different_orders(NEW_DAY)
    assert len(found) >= 15
    for order in found:
        two_runs.start_over()
        two_runs.in_order(order)
        two_runs.project.has_events(PUBLISHED)
        two_runs.project.has_rejected(REJECTED_ROWS)


def test_a_changed_day_comes_out_the_same(two_runs: TwoRuns) -> None:
    """Some of the orders: the first run of each publishes the day as it was, the other two merge what came since."""
    two_runs.stage("C")
    two_runs.project.deliver(EARLIER_WINNER)
    found = different_orders(CHANGED_DAY)
    for order in found[:: len(found) // 5]:
        two_runs.start_over()
        two_runs.publish("C", nullcontext)
        two_runs.in_order(order)
        two_runs.project.has_events(PUBLISHED_THEN)
        two_runs.project.has_rejected(REJECTED_THEN)


def test_after_two_runs_that_saw_different_copies_one_more_run_makes_the_day_right(two_runs: TwoRuns) -> None:
    """Without claims, the run that saw less may publish last; the claims are there to spare that."""
    two_runs.stage("A")
    two_runs.project.deliver(EARLIER_WINNER)
    found = different_orders(NEW_DAY)
    for order in found[:: len(found) // 5]:
        two_runs.start_over()
        Turns(order).run(lambda turn: two_runs.publish("A", turn), lambda turn: two_runs.publish("B", turn))
        two_runs.publish("C", nullcontext)
        two_runs.project.has_events(PUBLISHED_THEN)
        two_runs.project.has_rejected(REJECTED_THEN)
