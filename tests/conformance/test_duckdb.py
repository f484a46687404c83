"""Every statement that the embedded engine runs is run by a real DuckDB, under every rule, on sources without rows."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from mixflows.settings import Settings
from mixflows.warehouse import close_warehouses, open_warehouse
from tests.conformance.cases import (
    BATCH_STATEMENTS,
    DATASET,
    DAYS,
    PROJECT,
    QUERIES,
    REPLACEMENTS,
    Case,
    cases,
    sql_files,
    statement,
)

pytestmark = pytest.mark.xdist_group("conformance")

BIGQUERY_ONLY = {
    "claims_read": "one process writes the file, and holds its claims itself",
    "claims_write": "one process writes the file, and holds its claims itself",
    "create_claims": "one process writes the file, and holds its claims itself",
    "create_json_text": "a Python function stands in",
    "events_next": "days are inserted from the source",
    "exports": "Mixpanel's export log is beside Mixpanel's own tables",
    **dict.fromkeys(("land_log", "land_alone", "land_rows"), "files are read straight into the tables"),
    "gone_days": "days are counted, and not known from metadata",
    "gone_slots": "days are counted, and not known from metadata",
    **dict.fromkeys(
        ("land_stale", "land_times", "land_days", "land_redated", "land_dated"), "the statements name row numbers"
    ),
    "partitions": "metadata of BigQuery",
    "published_partitions": "metadata of BigQuery",
    "restamped": "rows that were there before are told apart by their number",
    "winners": "days are inserted from the source",
}
TYPES = {
    "STRING": "VARCHAR",
    "INT64": "BIGINT",
    "FLOAT64": "DOUBLE",
    "BOOL": "BOOLEAN",
    "TIMESTAMP": "TIMESTAMPTZ",
    "DATETIME": "TIMESTAMP",
    "NUMERIC": "DECIMAL(38, 9)",
    "BYTES": "BLOB",
    "ARRAY<STRING>": "VARCHAR[]",
    "STRUCT<os STRING, version INT64>": "STRUCT(os VARCHAR, version BIGINT)",
}
HERE = [case for case in cases() if not case.ingestion_partitioned]  # such sources are BigQuery's alone


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    yield tmp_path_factory.mktemp("conformance")
    close_warehouses()


@pytest.mark.parametrize("case", HERE, ids=str)
def test_runs_every_statement(case: Case, folder: Path) -> None:
    path = folder / f"{HERE.index(case)}.duckdb"
    columns = ", ".join(f'"{name}" {TYPES.get(kind, kind)}' for name, kind in case.columns.items())
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"CREATE TABLE mp_master_event ({columns})")
    given: dict[str, Any] = {**case.sections, "warehouse": {"path": path, "threads": 1}}
    warehouse = open_warehouse(Settings.model_validate(given))
    warehouse.create_tables()
    for name, flags in BATCH_STATEMENTS:
        if name not in BIGQUERY_ONLY:
            names_here = tuple(flag.removeprefix(f"{PROJECT}.{DATASET}.") for flag in flags)
            warehouse.run(statement(case, name, names_here))
    for table, name in REPLACEMENTS.items():
        warehouse.replace_days(table, statement(case, name), dict.fromkeys(DAYS, 1), is_empty=False)
    for name in QUERIES.keys() - BIGQUERY_ONLY.keys():
        warehouse.query(name, QUERIES[name], DAYS)
    warehouse.close()


def test_every_file_is_run_or_said_not_to_be() -> None:
    made_first = {name for name in sql_files() if name.startswith("create_")}
    of_slots = {
        name for name in sql_files() if name.startswith("slot_")
    }  # run by tests/slots, on a delivery's own tables
    run = of_slots | {name for name, _ in BATCH_STATEMENTS} | set(REPLACEMENTS.values()) | QUERIES.keys() | made_first
    assert sql_files() - BIGQUERY_ONLY.keys() <= run
    assert BIGQUERY_ONLY.keys() <= sql_files()
