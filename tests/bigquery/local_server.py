"""Starts the API server with its catalog's lookups made quick; run by the server's own interpreter.

As they are, each lookup of one table lists every table of every project, several times a statement: half of a
statement's time with few tables, and more with every result kept. Asked here is DuckLake's own metadata. What is
answered is the same.
"""

import sys

import duckdb
from local_bigquery import cli
from local_bigquery.catalog import tabledata, tables
from local_bigquery.engine import database, types
from local_bigquery.engine.database import cursor, fetch, quote
from local_bigquery.sql.rules import partitions

OBJECTS = """
SELECT t.table_name, 'TABLE', coalesce(n.record_count, 0)
FROM {m}.ducklake_table t JOIN {m}.ducklake_schema s USING (schema_id) LEFT JOIN {m}.ducklake_table_stats n USING (table_id)
WHERE t.end_snapshot IS NULL AND s.end_snapshot IS NULL AND s.schema_name = $1 AND t.table_name = coalesce($2, t.table_name)
UNION ALL
SELECT v.view_name, 'VIEW', 0
FROM {m}.ducklake_view v JOIN {m}.ducklake_schema s USING (schema_id)
WHERE v.end_snapshot IS NULL AND s.end_snapshot IS NULL AND s.schema_name = $1 AND v.view_name = coalesce($2, v.view_name)
ORDER BY 1
"""
COLUMNS = """
SELECT c.column_name, c.nulls_allowed
FROM {m}.ducklake_column c JOIN {m}.ducklake_table t USING (table_id) JOIN {m}.ducklake_schema s USING (schema_id)
WHERE c.end_snapshot IS NULL AND t.end_snapshot IS NULL AND s.end_snapshot IS NULL AND c.parent_column IS NULL
AND s.schema_name = $1 AND t.table_name = $2
"""
RESULTS = "emulator"
"""The database of statements' results, which are no DuckLake."""


def _asked(sql: str, project: str, names: list[str | None]) -> list[tuple]:
    try:
        return fetch(sql.format(m=quote(f"__ducklake_metadata_{project}")), names)
    except (duckdb.BinderException, duckdb.CatalogException):  # there is no such project
        return []


def objects(project: str, dataset: str, table: str | None = None) -> list[tuple[str, str, int]]:
    if project != RESULTS:
        return _asked(OBJECTS, project, [dataset, table])
    try:
        return [(table, "TABLE", fetch(f"SELECT count(*) FROM {quote(project, dataset, table)}")[0][0])]
    except duckdb.CatalogException:
        return []


def columns(project: str, dataset: str, table: str) -> list:
    place = tables.physical(project, dataset, table)
    asked = [] if place[0] == RESULTS else _asked(COLUMNS, place[0], [*place[1:]])
    required = {name for name, nulls_allowed in asked if not nulls_allowed}
    with cursor() as cur:
        try:
            found = cur.sql(f"SELECT * FROM {quote(*place)} LIMIT 0")
        except duckdb.CatalogException:
            raise tables.not_found("Table", tables.names.label(project, dataset, table)) from None
        return [
            types.field(name, kind, name in required)
            for name, kind in zip(found.columns, found.types, strict=True)
            if name != tables.INGESTION_TIME or dataset == tables.RESULTS
        ]


def hidden(table) -> bool:  # noqa: ANN001 - an expression of the server's sqlglot
    if not (table.catalog and table.db) or not table.name:
        return False
    return any(name == tables.INGESTION_TIME for name, _ in _asked(COLUMNS, table.catalog, [table.db, table.name]))


database.objects, partitions._hidden = objects, hidden
tables.columns = tabledata.columns = columns
cli.main(sys.argv[1:])
