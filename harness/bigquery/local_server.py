"""Starts the API server with its tables in memory and quick lookups of them; run by the server's own interpreter.

As it is, the server keeps tables as a data lake's files and what it knows of tables and jobs in a database's file; each lookup
of one table lists every table of every project, several times a statement, and each statement looks through all results. It
derives the types of all expressions besides, which takes a fifth of its time; GoogleSQL's analyzer judges them in tests of its
own. Every request passes a check of who calls and another of the project's name, each in a task or thread of its own, and is
logged; nobody reads the log of a server that started. How statements are read, translated and run, and what they answer, is the
same otherwise, but for DIV, where sqlglot writes DIV(a - b, c) as a - b // c; for a MERGE in a transaction, which would end it;
and for FOR SYSTEM_TIME AS OF, which tables in memory cannot answer: they are read as they are. It knows copies of partitions
besides, new fields of records, and the partitions of tables that are partitioned by ingestion time.
"""

import collections
import functools
import gc
import gzip
import hashlib
import json
import os
import pathlib
import sys
import threading

import duckdb
from local_bigquery import cli, errors, models
from local_bigquery.app import GzipRequests, app, valid_project
from local_bigquery.catalog import datasets, metadata, tabledata, tables
from local_bigquery.engine import database, types
from local_bigquery.engine.database import cursor, fetch, quote
from local_bigquery.jobs import copy, load, merge, runner, store
from local_bigquery.sql import rules
from local_bigquery.sql.rules import external, information_schema, partitions, ranges, row_access, typing
from sqlglot import exp
from uvicorn import config

OBJECTS = database.objects
CONNECT = database._connect
MERGE = merge.run
ALTER = tables._alter
COPY = copy.run
DELETE_DATASET = datasets.delete
LOAD = load.run
PARTITIONS = information_schema._partitions
RESOURCES: dict[type, dict[tuple[str, ...], str]] = collections.defaultdict(dict)
"""What the server knows of datasets, tables and jobs, as JSON, by their names."""


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
    try:
        ((rows,),) = fetch(f"SELECT count(rowid) FROM {quote(project, dataset, table)}")
    except duckdb.CatalogException:
        return []
    except duckdb.BinderException:  # a view has no rowid
        return [(table, "VIEW", 0)]
    return [(table, "TABLE", rows)]


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


def partitions_of(table: models.Table) -> list[tuple[str | None, int]]:
    partitioning = table.timePartitioning
    if (
        partitioning
        and not partitioning.field
        and hidden(exp.to_table(tables.name(*information_schema._identity(table))))
    ):
        table = table.replace(timePartitioning=partitioning.replace(field=tables.INGESTION_TIME))
    return PARTITIONS(table)


def resources(model: type, *keys: str) -> list:
    kept = RESOURCES[model]
    return [model.model_validate_json(kept[names]) for names in sorted(kept) if names[: len(keys)] == keys]


def resource(model: type, *keys: str) -> object:
    kept = RESOURCES[model].get(keys)
    return kept and model.model_validate_json(kept)


def save(resource, *keys: str):
    body = {key: value for key, value in resource.dump().items() if key != "etag"}
    body["etag"] = hashlib.md5(json.dumps(body, sort_keys=True).encode()).hexdigest()
    RESOURCES[type(resource)][keys] = json.dumps(body)
    return resource.replace(etag=body["etag"])


def forget(model: type, *keys: str) -> None:
    for names in [names for names in RESOURCES[model] if names[: len(keys)] == keys]:
        del RESOURCES[model][names]


def save_job(job: models.Job) -> models.Job:
    return save(job, job.jobReference.projectId, job.jobReference.jobId)


def load_job(project: str, job: str) -> models.Job | None:
    return resource(models.Job, project, job)


def list_jobs(project: str, states=None, parent=None, earliest=None, latest=None) -> list[models.Job]:
    def wanted(job: models.Job) -> bool:
        created = int(job.statistics.creationTime)
        return (
            job.statistics.parentJobId == parent
            and (states is None or job.status.state in states)
            and (earliest or created) <= created <= (latest or created)
        )

    return sorted(filter(wanted, resources(models.Job, project)), key=lambda job: -int(job.statistics.creationTime))


def delete_dataset(project: str, dataset: str, contents: bool) -> None:
    """Deletes a dataset and, as the test of it is over, all that is kept of jobs: each statement looks through their results."""
    DELETE_DATASET(project, dataset, contents)
    forget(models.Job)
    results = quote("emulator", tables.RESULTS)
    database.execute(f"DROP SCHEMA {results} CASCADE; CREATE SCHEMA {results}")


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


def load_file(cur, config, upload):
    """A load of an uploaded file, which BigQuery takes compressed or not, whatever its name; the server goes by the name."""
    if upload is not None and (uploaded := pathlib.Path(upload)).read_bytes()[:2] == b"\x1f\x8b":
        uploaded.write_bytes(gzip.decompress(uploaded.read_bytes()))
    return LOAD(cur, config, upload)


async def any_project() -> None:
    """Takes any project: to look at its name, the server has a thread of its own for each request."""


def end_with_the_test() -> None:
    """Ends the server when the process that started it is gone, however it went."""
    sys.stdin.buffer.read()
    os._exit(0)


database._connect, database._attach, database.projects = connect, attach, projects
database.objects, partitions._hidden, information_schema._partitions = objects, hidden, partitions_of
tables.columns = tabledata.columns = columns
merge.run = merged
tables._alter = alter
runner.HANDLERS["copy"] = copy_job
runner.HANDLERS["load"] = load_file
metadata.list_, metadata.load, metadata.save, metadata.delete = resources, resource, save, forget
datasets.delete = delete_dataset
store.save, store.load, store.list_ = save_job, load_job, list_jobs
store.delete = functools.partial(forget, models.Job)
for unused in (external, ranges, row_access, typing):
    for kind in ("STATEMENT_RULES", "NODE_RULES"):
        getattr(rules, kind)[:] = [rule for rule in getattr(rules, kind) if rule not in getattr(unused, kind, [])]
rules.NODE_RULES[:0] = [dividend_and_divisor, now]
gc.freeze()  # statements' trees are many, and the server's own objects more: it would look through all of them again and again
gc.set_threshold(100_000)
app.user_middleware[:] = [kept for kept in app.user_middleware if kept.cls is GzipRequests]
app.dependency_overrides[valid_project] = any_project
config.LOGGING_CONFIG["loggers"]["uvicorn.access"]["level"] = "WARNING"
threading.Thread(target=end_with_the_test, daemon=True).start()
cli.main(sys.argv[1:])
