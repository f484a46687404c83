"""The statements use only what the conformance table proves: on GoogleSQL's reference engine and on DuckDB."""

import duckdb
import pytest
import sqlglot

from mixflows.warehouse.transpile import parsed
from tests.conformance.cases import cases, sent
from tests.conformance.constructs import OWN_FUNCTIONS, TABLE, Example, constructs
from tests.conformance.googlesql import Dataset

PROVEN = {name for example in TABLE for name in example.proves}


def used() -> dict[str, str]:
    """Each construct of the statements, with one that uses it."""
    read: set[str] = set()
    found: dict[str, str] = {}
    for statement in (statement for case in cases() for statement in sent(case)):
        if statement.sql in read or statement.file == "create_json_text":  # a function in another language
            continue
        read.add(statement.sql)
        for name in constructs(statement.tree):
            found.setdefault(name, f"{statement.file}.sql")
    return found


def test_every_construct_of_the_statements_is_proven() -> None:
    unproven = {name: where for name, where in used().items() if name not in PROVEN | OWN_FUNCTIONS}
    assert unproven == {}, "prove it in constructs.py, or write the statement without it"


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
