"""Two runs claim days at once: in no order of their statements do both hold a day."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from mixflows.warehouse.bigquery.claims import EXPIRY, Claims
from mixflows.warehouse.bigquery.engine import BigQueryWarehouse
from tests.bigquery_engine.place import Place
from tests.bigquery_engine.turns import Turn, Turns, every_trace
from tests.spec.project import Project

FIRST = date(2026, 3, 1)
Statement = Callable[[str, dict[str, Any], str], list[dict[str, Any]]]


def days(*numbers: int, after: int = 0) -> list[date]:
    return [FIRST + timedelta(days=number + after) for number in numbers]


def held_by_both(execute: Statement, order: str, after: int = 0) -> tuple[str, set[date]]:
    """A claims two days and B two, one of them A's, in an order; what became of the order, and what both got."""
    turns = Turns(order)

    def claims(mine: list[date], holder: str) -> Callable[[Turn], set[date]]:
        def work(turn: Turn) -> set[date]:
            def in_turn(name: str, params: dict[str, Any], whose: str) -> list[dict[str, Any]]:
                with turn():
                    return execute(name, params, whose)

            return set(mine) - set(Claims(in_turn).claim(mine, holder))

        return work

    got = turns.run(claims(days(0, 1, after=after), "a"), claims(days(1, 2, after=after), "b"))
    assert all(isinstance(mine, set) for mine in got), got
    assert got[0] | got[1] == set(days(0, 1, 2, after=after)), "somebody holds the day that both wanted"
    return turns.trace, got[0] & got[1]


def test_in_no_order_of_two_claims_both_get_a_day(project: Project, place: Place) -> None:
    """All orders where A is first, with the tries that they lead to; with A and B exchanged they are the same."""
    warehouse = place.warehouse(project.settings)
    own_days = count(0, 10)

    def run(order: str) -> str:
        trace, both = held_by_both(warehouse._claim_statement, order, after=next(own_days))
        assert both == set(), trace
        return trace

    assert every_trace(run, begin="A") == 14


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def warehouse(project: Project, place: Place) -> BigQueryWarehouse:
    return place.warehouse(project.settings)


def test_a_claim_lasts_until_it_is_released_or_expires_and_is_renewed_by_claiming(warehouse: BigQueryWarehouse) -> None:
    clock = Clock()
    claims = Claims(warehouse._claim_statement, clock)
    assert claims.claim(days(0, 1), "a") == {}
    assert claims.claim(days(1, 2), "b") == {days(1)[0]: "a"}

    clock.now += EXPIRY - timedelta(seconds=1)
    assert claims.claim(days(1), "a") == {}, "renewed"
    clock.now += timedelta(seconds=2)
    assert claims.claim(days(0, 1), "b") == {days(1)[0]: "a"}, "what was not renewed is free"

    claims.release(days(0, 1), "a")
    assert claims.claim(days(0, 1, 2), "c") == {days(0)[0]: "b"}, "a run releases nothing of another's"


def test_a_run_leaves_days_alone_that_another_holds_and_gives_its_own_back(project: Project) -> None:
    project.deliver("""
        id | time
        a  | 10:00
        b  | +1d 10:00
    """)
    first, second = (day.day for day in project.plan().days)
    assert project.warehouse.claim([first], "another") == {}
    result = project.run()
    assert result.held == {first: "another"}
    assert [outcome.row.partition_date for outcome in result.outcomes] == [second]
    assert project.warehouse.claim([first, second], "third") == {first: "another"}
