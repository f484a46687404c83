"""Every statement is read by GoogleSQL's own analyzer, against tables with the columns that they have on BigQuery."""

import time
from collections.abc import Iterator

import pytest

from tests.conformance.cases import (
    DATASET,
    EXPORT_LOG,
    PARTITIONS,
    PROJECT,
    SOURCE_HOME,
    Case,
    cases,
    sent,
    sql_files,
)
from tests.conformance.googlesql import Dataset, GoogleSqlError, Types

pytestmark = [pytest.mark.xdist_group("googlesql"), pytest.mark.timeout(600)]
WIDE = next(case for case in cases() if case.is_wide)


def dataset(case: Case) -> Dataset:
    tables: dict[str, Types] = {
        f"{SOURCE_HOME}.mp_master_event": dict(case.columns),
        f"{SOURCE_HOME}.mp_nessie_export_log": EXPORT_LOG,
        f"{SOURCE_HOME}/INFORMATION_SCHEMA/PARTITIONS": PARTITIONS,
        f"{PROJECT}.{DATASET}/INFORMATION_SCHEMA/PARTITIONS": PARTITIONS,
    }
    return Dataset(tables, pseudo={f"{SOURCE_HOME}.mp_master_event"} if case.ingestion_partitioned else set())


def analyzed(case: Case) -> Iterator[tuple[str, float]]:
    """Analyses all statements in order, each on the tables that those before it made; yields name and seconds."""
    known = dataset(case)
    for statement in sent(case):
        known.parameters = statement.parameters
        started = time.perf_counter()
        try:
            if statement.file == "create_json_text":
                known.create_function(statement.sql)
            elif (table := statement.makes) is not None:
                known.create(table, statement.sql)
            else:
                known.analyze(statement.sql)
        except GoogleSqlError as err:
            pytest.fail(f"{case}: {statement.file}: {err}\n{statement.sql}", pytrace=False)
        yield statement.file, time.perf_counter() - started


@pytest.mark.parametrize("case", cases(), ids=str)
def test_accepts_every_statement(case: Case) -> None:
    assert list(analyzed(case))


def test_every_file_is_among_them() -> None:
    assert sql_files() <= {statement.file for case in cases() for statement in sent(case)}


def test_published_tables_have_the_columns_that_the_engine_makes() -> None:
    from google.cloud import bigquery

    from mixflows.warehouse.bigquery.tables import published_fields, type_of

    known = dataset(WIDE)
    for statement in sent(WIDE):
        if statement.file in ("create_events", "create_rejected"):
            known.create(str(statement.makes), statement.sql)
    columns = {name: kind for name, kind in WIDE.columns.items() if "<" not in kind}
    source = bigquery.Table(f"{SOURCE_HOME}.t", [bigquery.SchemaField(name, kind) for name, kind in columns.items()])
    for role, table in (("events", "mp_events"), ("rejected", "mp_rejected_events")):
        made = {field.name: type_of(field) for field in published_fields(source, role, WIDE.source)}
        analyzer = known.tables[f"{PROJECT}.{DATASET}.{table}"]
        assert [name for name in analyzer if name not in EVERY_NESTED] == list(made)


EVERY_NESTED = {"tags", "device"}


@pytest.mark.parametrize(
    ("sql", "complaint"),
    [
        ("SELECT e.properties FROM `{events}` AS e GROUP BY e.properties", "Grouping by expressions of type JSON"),
        (
            "SELECT e.properties = e.properties FROM `{events}` AS e",
            "Equality is not defined for arguments of type JSON",
        ),
        ("SELECT e.nothing FROM `{events}` AS e", "Name nothing not found"),
        ("SELECT e.time = e.partition_date FROM `{events}` AS e", "No matching signature"),
        ("SELECT e.time FROM `{events}` AS e GROUP BY e.distinct_id", "neither grouped nor aggregated"),
        ("SELECT @nobody", "parameter 'nobody' not found"),
        ("SELECT e.time::DATE FROM `{events}` AS e", "Syntax error"),
    ],
)
def test_refuses_what_bigquery_refuses(sql: str, complaint: str) -> None:
    known = dataset(WIDE)
    (create,) = [statement for statement in sent(WIDE) if statement.file == "create_events"]
    known.create(str(create.makes), create.sql)
    with pytest.raises(GoogleSqlError, match=complaint):
        known.analyze(sql.format(events=create.makes))
