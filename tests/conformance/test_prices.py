"""What a statement is billed at least, told from the text of the statement."""

import pytest

from mixflows.errors import UsageError
from mixflows.settings import BigQuerySettings
from mixflows.warehouse.bigquery.pricing import LEAST_BYTES, refuse_full_scan
from tests.conformance.cases import DAY, Case, Offline, cases, statement

TABLES_READ = {
    "touched": 3,
    "events_next": 1,  # the source, which it names twice
    "copies": 1,  # the rows that were set aside
    "profile": 3,  # the staged batch, the source and the copies
    "published_counts": 2,
    "changes": 4,
    "rejected_next": 1,
    "added_events": 3,
    "delta_events": 3,
}
"""How many tables a statement reads, be it the target of a MERGE or short-lived."""


@pytest.fixture(scope="module")
def case() -> Case:
    return next(case for case in cases() if case.is_wide)


@pytest.mark.parametrize(("name", "tables"), TABLES_READ.items())
def test_each_table_that_a_statement_reads_is_billed_its_least_bytes(name: str, tables: int, case: Case) -> None:
    priced = statement(case, name)

    assert Offline(case, bytes_read=1).price(priced) == tables * LEAST_BYTES
    assert Offline(case, bytes_read=2**40).price(priced) == 2**40


@pytest.mark.parametrize(
    ("table", "name", "tables"), [("events", "whole_events", 2), ("rejected", "whole_rejected", 2)]
)
def test_a_published_table_that_is_replaced_is_read_too(table: str, name: str, tables: int, case: Case) -> None:
    price = Offline(case, bytes_read=1).price(statement(case, name), replaces=table)

    assert price == tables * LEAST_BYTES


def test_where_nothing_is_read_nothing_is_billed_but_short_lived_tables_will_hold_rows(case: Case) -> None:
    assert Offline(case).price(statement(case, "published_counts")) == 0
    assert Offline(case).price(statement(case, "rejected_next")) == LEAST_BYTES


def test_a_search_in_every_day_is_refused_with_its_price_unless_that_is_accepted(case: Case) -> None:
    names = {"insert_id": "x", "distinct_id": "", "first_day": DAY, "last_day": DAY}
    searches = [("story_published", names, ()), ("story_source", names, [DAY])]

    with pytest.raises(UsageError) as refused:
        Offline(case, bytes_read=2**39).refuse_full_scan("a search in every day reads", "Name the day.", searches)

    assert "a search in every day reads 1,100 GB, 6.25 at 6.25 per TiB" in refused.value.message
    assert "Name the day. Or accept the price: --set bigquery.accept_full_scans=true" in refused.value.hint
    for allowed in (BigQuerySettings(accept_full_scans=True), BigQuerySettings(full_scan_bytes=2**40)):
        refuse_full_scan(2**40, "a search in every day reads", "Name the day.", allowed)
