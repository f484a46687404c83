"""What a statement is billed at least, told from the text of the statement."""

import pytest

from mixflows.warehouse.base import DayStatement
from mixflows.warehouse.bigquery.pricing import LEAST_BYTES
from tests.conformance.cases import DAY_PARAMETERS, TABLES, Case, Offline, cases

TABLES_READ = {
    "copies": 1,  # the source, which it names twice
    "stage": 2,  # the source and the copies
    "figures": 2,  # the staged day and the copies
    "published_counts": 2,
    "compare": 4,
    "rejected_next": 2,
    "merge_events": 2,
}
"""How many tables a statement reads, be it the target of a MERGE or short-lived."""


@pytest.fixture(scope="module")
def case() -> Case:
    return next(case for case in cases() if case.is_wide)


@pytest.mark.parametrize(("name", "tables"), TABLES_READ.items())
def test_each_table_that_a_statement_reads_is_billed_its_least_bytes(name: str, tables: int, case: Case) -> None:
    statement = DayStatement(name, TABLES, DAY_PARAMETERS)

    assert Offline(case, bytes_read=1).price(statement) == tables * LEAST_BYTES
    assert Offline(case, bytes_read=2**40).price(statement) == 2**40


@pytest.mark.parametrize(("table", "name"), [("events", "event_rows"), ("rejected", "rejected_rows")])
def test_a_published_table_that_is_replaced_is_read_too(table: str, name: str, case: Case) -> None:
    price = Offline(case, bytes_read=1).price(DayStatement(name, TABLES, DAY_PARAMETERS), replaces=table)

    assert price == 2 * LEAST_BYTES


def test_where_nothing_is_read_nothing_is_billed_but_short_lived_tables_will_hold_rows(case: Case) -> None:
    assert Offline(case).price(DayStatement("published_counts", TABLES, DAY_PARAMETERS)) == 0
    assert Offline(case).price(DayStatement("rejected_next", TABLES, DAY_PARAMETERS)) == 2 * LEAST_BYTES
