"""DuckDB as the reader of files for an engine that is elsewhere: an in-memory database, and files of its rows to send there."""

import shutil
import sqlite3
import tempfile
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import duckdb

from mixflows.errors import WarehouseFullError
from mixflows.settings import Settings
from mixflows.warehouse.duckdb.connection import connected
from mixflows.warehouse.duckdb.errors import translated
from mixflows.warehouse.duckdb.quoting import identifier, literal

PREFIX = "mixflows-landing-"
LOCK = "in-use"
"""A file that is locked for as long as the process lives that made the folder."""
ATTEMPTS = 3
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
    with _private_folder(what) as folder:
        spilled = str(folder / "spilled")
        with translated(folder, what), connected(settings, ":memory:", temp_directory=spilled) as connection:
            yield connection, folder


@contextmanager
def _private_folder(what: str) -> Generator[Path]:
    """A folder under TMPDIR that is removed in the end; those that killed processes left are removed first."""
    _remove_left()
    for attempt in range(1, ATTEMPTS + 1):
        try:
            made = tempfile.TemporaryDirectory(prefix=PREFIX)
        except OSError as err:
            raise WarehouseFullError(
                f"{what}: no folder could be created under TMPDIR: {err.strerror}",
                "Free space there, or name another folder as TMPDIR; nothing was landed.",
            ) from err
        with made as name, _locked(Path(name) / LOCK, "rwc") as is_locked:
            # Another process may just have taken it for one that was left; where files cannot be locked, none does.
            if (is_locked and (Path(name) / LOCK).exists()) or attempt == ATTEMPTS:
                yield Path(name)
                return


def _remove_left() -> None:
    """Removes the folders of processes that do not live any more."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with _locked(folder / LOCK, "rw") as is_locked:
            if is_locked:
                shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _locked(file: Path, mode: str) -> Generator[bool]:
    """Locks a file while the context lasts, and says whether that could be done; the lock ends with the process, however it ends."""
    with ExitStack() as opened:
        try:
            uri = f"{file.absolute().as_uri()}?mode={mode}"
            lock = opened.enter_context(closing(sqlite3.connect(uri, uri=True, timeout=0, isolation_level=None)))
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error:
            yield False
            return
        yield True


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
