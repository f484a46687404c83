"""Opening and closing the embedded engine's file: settings, place for staged days, JSON text function, checkpoint."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb

from mixflows.errors import MissingTableError, UsageError, WarehouseError
from mixflows.settings import Settings
from mixflows.warehouse.base import Params, Row
from mixflows.warehouse.duckdb.columns import refuse_foreign_tables
from mixflows.warehouse.duckdb.dialect import STAGING
from mixflows.warehouse.duckdb.errors import no_database, translated
from mixflows.warehouse.duckdb.files import remove_copies
from mixflows.warehouse.duckdb.types import json_text

LAND_FIRST = "Land files first: mixflows land FILE…"
WHERE = (
    "If the warehouse exists elsewhere, name its settings file with --config or MIXFLOWS_CONFIG: a path in that file starts from"
    " the file's folder, every other one from the working folder."
)
SESSIONS = 8
"""Each session leaves a small row group in every table it adds to. Above this number, the next session merges them."""
MERGES = 4
"""Merges per table in that session; each one may rewrite 368,640 rows."""


def open_file(settings: Settings, *, must_exist: bool) -> duckdb.DuckDBPyConnection:
    """Opens the file for writing, with an in-memory database beside it for the staged days.

    Args:
        settings: Name the file.
        must_exist: Whether the file must be there already; else it is created.

    Raises:
        MissingTableError: The file is not there.
        WarehouseBusyError: Another process holds the file.
        WarehouseFullError: The folder cannot be written.
        WarehouseError: The folder is not there, or the file is no DuckDB database.
        UsageError: What stands under the name of one of our tables is another's.
    """
    path = settings.warehouse.path
    if not path.parent.is_dir():
        raise WarehouseError(f"the folder {path.parent} of warehouse.path is not there", WHERE)
    if must_exist and not path.exists():
        raise MissingTableError(
            f"table {settings.tables.source} is not there, nor is its file {path}", f"{LAND_FIRST}\n{WHERE}"
        )
    with translated(path, "open"):
        connection = connected(settings, str(path), max_vacuum_tasks=0)  # see `close_file`
        _refuse_no_database(connection, path)
        remove_copies(path)
        connection.execute(f"ATTACH ':memory:' AS {STAGING}")
        try:
            refuse_foreign_tables(connection, settings)
        except UsageError:
            connection.close()
            raise
        connection.create_function("mixflows_json_text", json_text, ["VARCHAR", "VARCHAR"], "VARCHAR")  # pyright: ignore[reportArgumentType, reportUnknownMemberType]
    return connection


def connected(settings: Settings, database: str, **options: str | int) -> duckdb.DuckDBPyConnection:
    """Opens a database, with the memory and threads of the settings, and with UTC as its time zone."""
    # DuckDB would go to the network for an extension when it meets a file of another database.
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": settings.warehouse.memory_limit,
        "autoinstall_known_extensions": False,
        **options,
    }
    if settings.warehouse.threads is not None:
        config["threads"] = settings.warehouse.threads
    connection = duckdb.connect(database, config=config)
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET preserve_insertion_order = false")
    return connection


def rows_of(cursor: duckdb.DuckDBPyConnection, sql: str, params: Params) -> list[Row]:
    """Runs a statement with those of the values that it names; returns its rows."""
    cursor.execute(sql, {name: value for name, value in params.items() if f"${name}" in sql})
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


@contextmanager
def transaction(cursor: duckdb.DuckDBPyConnection) -> Generator[None]:
    """All or nothing."""
    cursor.execute("BEGIN")
    try:
        yield
        cursor.execute("COMMIT")
    except BaseException:
        with suppress(duckdb.Error):  # some errors have rolled back already
            cursor.execute("ROLLBACK")
        raise


def _refuse_no_database(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """DuckDB reads a file of JSON, CSV or Parquet through a view in memory, where everything written would be lost."""
    opened = connection.execute("SELECT path FROM duckdb_databases() WHERE database_name = current_database()")
    if opened.fetchall() == [(None,)]:
        connection.close()
        raise no_database(path, "by its name it is a file of events")


def close_file(connection: duckdb.DuckDBPyConnection, tables: Sequence[str]) -> None:
    """Writes one checkpoint and closes the connection; safe to call twice.

    What cannot be checkpointed, as while another transaction runs, stays in the write-ahead log, which the next session
    reads. DuckDB would merge small row groups in every checkpoint and rewrite the full ones beside them, which takes
    longer than all else in it (docs/decisions/upkeep-of-the-file.md); here one session in nine does that.

    Args:
        connection: To the file; its cursors are closed.
        tables: What every session adds to: the number of their row groups decides whether groups are merged.
    """
    with suppress(duckdb.Error):
        merges = MERGES if any(_row_groups(connection, table) > SESSIONS for table in tables) else 0
        connection.execute(f"SET GLOBAL max_vacuum_tasks = {merges}")
        connection.execute("CHECKPOINT")
    connection.close()


def _row_groups(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    try:
        counted = connection.execute("SELECT COUNT(DISTINCT row_group_id) FROM pragma_storage_info(?)", [table])
    except duckdb.CatalogException:  # not created yet
        return 0
    return int(counted.fetchall()[0][0])
