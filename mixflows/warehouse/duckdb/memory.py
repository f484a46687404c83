"""DuckDB as the reader of files for an engine that is elsewhere: an in-memory database, and files of its rows to send there."""

import tempfile
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb

from mixflows.settings import Settings
from mixflows.warehouse.duckdb.errors import translated
from mixflows.warehouse.duckdb.quoting import identifier, literal

PREFIX = "mixflows-landing-"
INSTANT = "%Y-%m-%dT%H:%M:%S.%fZ"


@contextmanager
def reader(settings: Settings, what: str) -> Generator[tuple[duckdb.DuckDBPyConnection, Path]]:
    """Opens an in-memory database that spills into a private folder, which is removed with it.

    Args:
        settings: Its memory limit and threads.
        what: What is done, for errors.

    Yields:
        The connection, and the folder for files of its rows.

    Raises:
        WarehouseFullError: No space is left.
        StatementError: DuckDB refuses a statement.
    """
    with tempfile.TemporaryDirectory(prefix=PREFIX) as name:
        folder = Path(name)
        config: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": settings.warehouse.memory_limit,
            "temp_directory": str(folder / "spilled"),
            "autoinstall_known_extensions": False,
        }
        if settings.warehouse.threads is not None:
            config["threads"] = settings.warehouse.threads
        with translated(folder, what), duckdb.connect(config=config) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute("SET preserve_insertion_order = false")
            yield connection, folder


def create_table(cursor: duckdb.DuckDBPyConnection, table: str, columns: Mapping[str, str]) -> None:
    """Creates a table of columns with DuckDB's types."""
    listed = ", ".join(f"{identifier(name)} {kind}" for name, kind in columns.items())
    cursor.execute(f"CREATE TABLE {identifier(table)} ({listed})")


def written(
    cursor: duckdb.DuckDBPyConnection, table: str, columns: Sequence[str], folder: Path, most_bytes: int
) -> Iterator[Path]:
    """Writes a table's rows as compressed JSON lines, in files of a size; each is removed when the next one is asked for.

    Instants are written in UTC, to the microsecond. A single row may be larger than a file should be.
    """
    [(first, last)] = cursor.execute(f"SELECT min(rowid), max(rowid) FROM {identifier(table)}").fetchall()
    ranges = [] if first is None else [(int(first), int(last))]
    listed = ", ".join(map(identifier, columns))
    part = folder / "rows.json.gz"
    while ranges:
        first, last = ranges.pop()
        cursor.execute(
            f"""COPY (SELECT {listed} FROM {identifier(table)} WHERE rowid BETWEEN {first} AND {last})
            TO {literal(str(part))} (FORMAT json, COMPRESSION gzip, TIMESTAMPFORMAT '{INSTANT}')"""
        )
        middle = (first + last) // 2
        if part.stat().st_size > most_bytes and first < last:
            ranges += [(middle + 1, last), (first, middle)]
        else:
            yield part
        part.unlink()
