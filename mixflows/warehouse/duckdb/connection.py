"""Opening the embedded engine's file: its settings, its place for staged days, and our function of JSON text."""

import duckdb

from mixflows.errors import WarehouseError
from mixflows.settings import Settings
from mixflows.warehouse.duckdb.errors import translated
from mixflows.warehouse.duckdb.files import remove_copies
from mixflows.warehouse.duckdb.types import json_text

STAGING = "mixflows_staging"


def open_file(settings: Settings) -> duckdb.DuckDBPyConnection:
    """Opens the file for writing, with an in-memory database beside it for the staged days.

    Raises:
        WarehouseBusyError: Another process holds the file.
        WarehouseFullError: The folder cannot be written.
        WarehouseError: The folder is not there, or the file is no DuckDB database.
    """
    path = settings.warehouse.path
    if not path.parent.is_dir():
        raise WarehouseError(
            f"the folder {path.parent} of warehouse.path is not there", "Make it, or name another path."
        )
    # DuckDB would go to the network for an extension when it meets a file of another database.
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": settings.warehouse.memory_limit,
        "autoinstall_known_extensions": False,
        "max_vacuum_tasks": 0,  # see duckdb_checkpoint
    }
    if settings.warehouse.threads is not None:
        config["threads"] = settings.warehouse.threads
    with translated(path, "open"):
        connection = duckdb.connect(str(path), config=config)
        remove_copies(path)
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET preserve_insertion_order = false")
        connection.execute(f"ATTACH ':memory:' AS {STAGING}")
        connection.create_function("mixflows_json_text", json_text, ["VARCHAR"], "VARCHAR")  # pyright: ignore[reportArgumentType, reportUnknownMemberType]
    return connection
