"""Sources of many columns: every statement is as short as BigQuery takes it, or the source is refused."""

from dataclasses import replace
from datetime import timedelta

import pytest

from mixflows.errors import SourceColumnsError
from mixflows.warehouse.base import BatchDay, BatchStatement
from mixflows.warehouse.bigquery.length import LONGEST, days_that_fit
from tests.conformance.cases import BATCH_STATEMENTS, DAYS, REPLACEMENTS, Case, Offline, cases, statement

TYPES = ("STRING", "STRING", "FLOAT64", "INT64", "BOOL", "TIMESTAMP")


def wide(columns: int) -> Case:
    """A source with a column for each property, as Mixpanel's schematized pipeline writes it."""
    base = next(case for case in cases() if "loaded_at" in case.columns and case.day == "column" and not case.is_wide)
    more = {f"mp_property_name_{n:05d}": TYPES[n % len(TYPES)] for n in range(columns - len(base.columns) + 1)}
    return replace(base, columns={name: kind for name, kind in base.columns.items() if name != "properties"} | more)


def over(case: Case, name: str, flags: tuple[str, ...], days: int) -> BatchStatement:
    """A statement over so many days, no two of which follow each other."""
    constants = tuple(BatchDay.of(DAYS[0] + timedelta(2 * n), case.settings) for n in range(days))
    return replace(statement(case, name, flags), days=constants)


def most_days(case: Case) -> int:
    engine = Offline(case)

    def rendered(name: str, flags: tuple[str, ...], days: int) -> str:
        engine.run(over(case, name, flags, days))
        return engine.take(name).sql

    return days_that_fit(case.source, rendered)


@pytest.mark.parametrize("case", [wide(2_000), next(case for case in cases() if case.day == "bounds")], ids=str)
def test_no_statement_is_too_long_over_as_many_days_as_a_batch_may_have(case: Case) -> None:
    days = most_days(case)
    assert days > 100
    engine, lengths = Offline(case), dict[str, int]()
    for name, flags in BATCH_STATEMENTS:
        engine.run(over(case, name, flags, days))
        lengths[f"{name} {flags}"] = len(engine.take(name).sql)
    for table, name in REPLACEMENTS.items():
        whole = over(case, name, (), days)
        engine.replace_days(table, whole, {day.day: 0 for day in whole.days}, is_empty=False)
        lengths[name] = len(engine.take(name).sql)
    assert {name: length for name, length in lengths.items() if length > LONGEST} == {}
    assert max(lengths.values()) > 0.9 * LONGEST


def test_a_source_whose_statements_would_be_too_long_is_refused_with_the_number_of_its_columns() -> None:
    with pytest.raises(SourceColumnsError, match=r"the source has 10,000 columns, .* BigQuery takes 1,048,576"):
        most_days(wide(10_000))
