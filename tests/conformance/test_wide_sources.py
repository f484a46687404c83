"""Sources of many columns: every statement is as short as BigQuery takes it, or the source is refused."""

from dataclasses import replace

import pytest

from mixflows.errors import SourceColumnsError
from mixflows.warehouse.bigquery.length import LONGEST, refuse_long_statements
from tests.conformance.cases import BATCH_STATEMENTS, DAYS, REPLACEMENTS, Case, Offline, cases, statement

TYPES = ("STRING", "STRING", "FLOAT64", "INT64", "BOOL", "TIMESTAMP")


def wide(columns: int) -> Case:
    """A source with a column for each property, as Mixpanel's schematized pipeline writes it."""
    base = next(case for case in cases() if "loaded_at" in case.columns and case.day == "column" and not case.is_wide)
    more = {f"mp_property_name_{n:05d}": TYPES[n % len(TYPES)] for n in range(columns - len(base.columns) + 1)}
    return replace(base, columns={name: kind for name, kind in base.columns.items() if name != "properties"} | more)


def refuse(case: Case) -> None:
    engine = Offline(case)

    def rendered(name: str, flags: tuple[str, ...]) -> str:
        engine.run(statement(case, name, flags))
        return engine.take(name).sql

    refuse_long_statements(case.source, rendered)


def test_no_statement_over_a_source_that_is_not_refused_is_too_long() -> None:
    case = wide(2_000)
    refuse(case)
    engine, lengths = Offline(case), dict[str, int]()
    for name, flags in BATCH_STATEMENTS:
        engine.run(statement(case, name, flags))
        lengths[f"{name} {flags}"] = len(engine.take(name).sql)
    for table, name in REPLACEMENTS.items():
        engine.replace_days(table, statement(case, name), dict.fromkeys(DAYS, 0), is_empty=False)
        lengths[name] = len(engine.take(name).sql)
    assert {name: length for name, length in lengths.items() if length > LONGEST} == {}


def test_a_source_whose_statements_would_be_too_long_is_refused_with_the_number_of_its_columns() -> None:
    with pytest.raises(SourceColumnsError, match=r"the source has 10,000 columns, .* BigQuery takes 1,048,576"):
        refuse(wide(10_000))
