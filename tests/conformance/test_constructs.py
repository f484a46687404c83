"""Each example of the conformance table contains what it proves, and holds on GoogleSQL's reference engine and on DuckDB."""

import duckdb
import pytest
import sqlglot

from mixflows.warehouse.transpile import parsed
from tests.conformance.constructs import TABLE, Example, constructs
from tests.conformance.googlesql import Dataset


@pytest.mark.parametrize("example", TABLE, ids=str)
def test_an_example_contains_what_it_proves(example: Example) -> None:
    texts = [text.format(t="`t`", u="`u`") for text in (*example.before, example.query)]
    contained = {name for text in texts for name in constructs(sqlglot.parse_one(text, dialect="bigquery"))}
    assert set(example.proves) <= contained


@pytest.mark.parametrize("example", [e for e in TABLE if e.on_duckdb], ids=str)
def test_holds_on_duckdb(example: Example) -> None:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for text in example.before:
            connection.execute(parsed(text.format(t="`t`", u="`u`")).in_duckdb({}, {}))
        found = connection.execute(parsed(example.query.format(t="`t`", u="`u`")).in_duckdb({}, {})).fetchall()
    assert found == list(example.rows)


@pytest.mark.xdist_group("googlesql")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("example", TABLE, ids=str)
def test_holds_on_googlesql(example: Example) -> None:
    """What needs tables is read by the analyzer; the API server runs it."""
    dataset = Dataset({})
    if not example.before:
        assert [tuple(row) for row in dataset.evaluate(example.query.format(t="`t`", u="`u`"))] == list(example.rows)
        return
    for text in example.before:
        name = next((name for name in ("t", "u") if f"TABLE {{{name}}}" in text or f"EXISTS {{{name}}}" in text), None)
        sql = text.format(t="`t`", u="`u`")
        dataset.create(name, sql) if name else dataset.analyze(sql)
    dataset.analyze(example.query.format(t="`t`", u="`u`"))
