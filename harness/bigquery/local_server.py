"""Starts the API server with its tables in memory and quick lookups of them; run by the server's own interpreter.

As it is, the server keeps tables as a data lake's files, and each lookup of one table lists every table of every
project, several times a statement. How statements are read, translated and run, and what they answer, is the same, but for DIV,
where sqlglot writes DIV(a - b, c) as a - b // c; for a MERGE in a transaction, which would end it; and for FOR SYSTEM_TIME AS OF,
which tables in memory cannot answer: they are read as they are. It
knows copies of partitions besides, and new fields of records.
"""

import functools
import gc
import os
import sys
import threading

import duckdb
from local_bigquery import cli, errors, models
from local_bigquery.catalog import tabledata, tables
from local_bigquery.engine import database, types
from local_bigquery.engine.database import cursor, fetch, quote
from local_bigquery.jobs import copy, merge, runner
from local_bigquery.sql import rules
from local_bigquery.sql.rules import partitions
from sqlglot import exp

OBJECTS = database.objects
CONNECT = database._connect
MERGE = merge.run
ALTER = tables._alter
COPY = copy.run


@functools.cache
def connect() -> duckdb.DuckDBPyConnection:
    con = CONNECT()
    con.execute("SET threads = 1")  # the tests' statements are tiny, and their processes need the machine's cores
    return con


def attach(con: duckdb.DuckDBPyConnection, project: str) -> None:
    con.execute(f"ATTACH IF NOT EXISTS ':memory:' AS {quote(project)}")
    database._attached.add(project)


def projects() -> list[str]:
    return sorted(database._attached)


def objects(project: str, dataset: str, table: str | None = None) -> list[tuple[str, str, int]]:
    if table is None:
        return OBJECTS(project, dataset)
    place = quote(project, dataset, table)
    try:
        ((rows,),) = fetch(f"SELECT count(*) FROM {place}")
    except duckdb.CatalogException:
        return []
    return [(table, "VIEW" if _is_view(place) else "TABLE", rows)]


def _is_view(place: str) -> bool:
    try:
        fetch(f"SELECT rowid FROM {place} LIMIT 0")
    except duckdb.BinderException:
        return True
    return False


def columns(project: str, dataset: str, table: str) -> list:
    place = quote(*tables.physical(project, dataset, table))
    with cursor() as cur:
        try:
            found = cur.sql(f"SELECT * FROM {place} LIMIT 0")
        except duckdb.CatalogException:
            raise tables.not_found("Table", tables.names.label(project, dataset, table)) from None
        required = set()
        if dataset != tables.RESULTS:
            required = {name for name, _, null, *_ in cur.execute(f"DESCRIBE {place}").fetchall() if null == "NO"}
        return [
            types.field(name, kind, name in required)
            for name, kind in zip(found.columns, found.types, strict=True)
            if name != tables.INGESTION_TIME or dataset == tables.RESULTS
        ]


def hidden(table) -> bool:
    if not (table.catalog and table.db) or not table.name:
        return False
    try:
        fetch(f"SELECT {quote(tables.INGESTION_TIME)} FROM {quote(table.catalog, table.db, table.name)} LIMIT 0")
    except (duckdb.CatalogException, duckdb.BinderException):
        return False
    return True


def dividend_and_divisor(node: exp.Expr, context) -> exp.Expr:
    """Brackets what DIV divides."""
    if isinstance(node, exp.IntDiv):
        for operand in (node.this, node.expression):
            if isinstance(operand, exp.Binary):
                operand.replace(exp.paren(operand.copy()))
    return node


def now(node: exp.Expr, context) -> exp.Expr:
    """Reads a table as it is now."""
    if isinstance(node, exp.Table):
        node.set("version", None)
    return node


class Joined:
    """A cursor that does not begin a transaction in another one: the engine would end both, and MERGE means to join the other."""

    def __init__(self, cur: duckdb.DuckDBPyConnection) -> None:
        self._cur = cur

    def __getattr__(self, name: str) -> object:
        return getattr(self._cur, name)

    def execute(self, sql: str, *args: object) -> object:
        """Runs a statement."""
        if sql == "BEGIN" and self._transaction() == self._transaction():
            raise duckdb.TransactionException("there is one already")
        return self._cur.execute(sql, *args)

    def _transaction(self) -> object:
        return self._cur.execute("SELECT txid_current()").fetchone()


def merged(cur: duckdb.DuckDBPyConnection, tree: exp.Merge, context: object) -> object:
    return MERGE(Joined(cur), tree, context)


def alter(project: str, dataset: str, table: str, fields: list) -> None:
    before = {field.name: types.duckdb_type(field) for field in columns(project, dataset, table)}
    ALTER(project, dataset, table, fields)
    for field in fields:
        if field.type in ("RECORD", "STRUCT") and before.get(field.name, kind := types.duckdb_type(field)) != kind:
            place = quote(project, dataset, table)
            database.execute(f"ALTER TABLE {place} ALTER COLUMN {quote(field.name)} SET DATA TYPE {kind}")


def copy_job(cur, config, upload):
    """A copy of a partition, as BigQuery has it: `table$20260601` replaces that day of the destination, and no other.

    As it is, the server makes a table of that name. BigQuery would give the destination columns that only the source has.
    """
    destination = tables.reference(config.destinationTable)
    if "$" not in destination[2]:
        return COPY(cur, config, upload)
    source = tables.reference(config.sourceTable or config.sourceTables[0])
    names = [(project, dataset, *table.split("$")) for project, dataset, table in (source, destination)]
    columns = [{field.name: field.type for field in tables.columns(*name[:3])} for name in names]
    if columns[0] != columns[1] or names[0][3] != names[1][3]:
        raise errors.BigQueryError("invalid", "Provided Schema does not match: the partitions' columns or days differ")
    digits = names[0][3]
    day = f"{digits[:4]}-{digits[4:6]}-{digits[6:]}"
    field = tables.load(*names[0][:3]).timePartitioning.field
    source_name, target = (tables.name(*name[:3]) for name in names)
    of_day = f"WHERE {quote(field)} = DATE '{day}'"
    with database.writing(*names[1][:3]):
        cur.execute("BEGIN TRANSACTION")
        cur.execute(f"DELETE FROM {target} {of_day}")
        cur.execute(f"INSERT INTO {target} BY NAME SELECT * FROM {source_name} {of_day}")
        cur.execute("COMMIT")
    return models.JobStatistics5(copiedRows="0", copiedLogicalBytes="0")


def end_with_the_test() -> None:
    """Ends the server when the process that started it is gone, however it went."""
    sys.stdin.buffer.read()
    os._exit(0)


database._connect, database._attach, database.projects = connect, attach, projects
database.objects, partitions._hidden = objects, hidden
tables.columns = tabledata.columns = columns
merge.run = merged
tables._alter = alter
runner.HANDLERS["copy"] = copy_job
rules.NODE_RULES[:0] = [dividend_and_divisor, now]
gc.freeze()  # statements' trees are many, and the server's own objects more: it would look through all of them again and again
gc.set_threshold(100_000)
threading.Thread(target=end_with_the_test, daemon=True).start()
cli.main(sys.argv[1:])
