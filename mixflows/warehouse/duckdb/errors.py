"""DuckDB's errors in our words."""

import re
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb

from mixflows.errors import (
    MissingTableError,
    OutdatedTableError,
    StatementError,
    WarehouseBusyError,
    WarehouseError,
    WarehouseFullError,
)

NO_ROOM = re.compile(
    "No space left|Disk quota|File too large|Read-only file system|Permission denied|Cannot open file"
    "|Could not (write|truncate|create|sync)"
)
DAMAGED = re.compile("Corrupt database file|Could not read")

TELL_NO_VALUE = (
    duckdb.IOException,
    duckdb.OutOfMemoryException,
    duckdb.CatalogException,
    duckdb.BinderException,
    duckdb.ParserException,
    duckdb.TransactionException,
    duckdb.FatalException,
)
"""Other errors may quote a value of a row, which belongs into no log."""


@contextmanager
def translated(path: Path, name: str) -> Generator[None]:
    """Turns DuckDB's errors into ours. Messages of statements name the statement, and never carry row content."""
    try:
        yield
    except duckdb.Error as err:
        # Logs show an error with its cause, so that a cause which may quote a row stays out of them too.
        raise _in_our_words(path, name, err) from (err if isinstance(err, TELL_NO_VALUE) else None)


def no_database(path: Path, why: str) -> WarehouseError:
    """What to say where the file that is named as the warehouse is none."""
    return WarehouseError(
        f"{path} cannot be read as a DuckDB database: {why}",
        "Name another file as warehouse.path, or put a copy back from before it was damaged.",
    )


def outdated(path: Path, lacking: Mapping[str, Sequence[tuple[str, str]]]) -> OutdatedTableError | None:
    """What to say where tables lack columns, each with its type, by the table's name; None where none does."""
    tables = [
        f"{table} lacks {', '.join(name for name, _ in columns)}" for table, columns in lacking.items() if columns
    ]
    if not tables:
        return None
    return OutdatedTableError(
        f"an earlier version made the tables in {path}: {'; '.join(tables)}", "Add them with mixflows init."
    )


def _in_our_words(path: Path, name: str, err: duckdb.Error) -> WarehouseError:
    text = str(err)
    if _is_about_files(err) and (told := _about_files(path, name, text)):
        return told
    match err:
        case duckdb.IOException():
            return WarehouseError(f"{path}: {_first_line(text)}")
        case duckdb.OutOfMemoryException():
            return WarehouseFullError(
                f"DuckDB ran out of memory or of disk beside {path}: {_first_line(text)}",
                "Raise warehouse.memory_limit, or free disk space.",
            )
        case duckdb.CatalogException() if missing := re.search(r"(?:Table|View) with name (.*) does not exist", text):
            return MissingTableError(
                f"table {missing[1]} is not in {path}", "Make the tables with mixflows init, and land files."
            )
        case _:
            return StatementError(
                f"statement {name or 'of the warehouse'} failed in {path}: {type(err).__name__}{_told(err)}",
                "Run it again; if it fails again, the statement's file under sql/ and the source's columns do not fit.",
            )


def _told(err: duckdb.Error) -> str:
    return f": {_first_line(str(err))}" if isinstance(err, TELL_NO_VALUE) else ""


def _is_about_files(err: duckdb.Error) -> bool:
    """Errors that may tell of a file and its disk: of writing when a transaction ends, or of a checksum, among them."""
    told_by = duckdb.IOException | duckdb.TransactionException | duckdb.FatalException | duckdb.InternalException
    return isinstance(err, told_by) or str(err).startswith("Corrupt database file")


def _about_files(path: Path, name: str, text: str) -> WarehouseError | None:
    if "Could not set lock" in text:
        holder = re.search(r"held in (.+?) \(PID (\d+)\)", text)
        who = f"process {holder[2]} ({Path(holder[1]).name})" if holder else "another process"
        return WarehouseBusyError(
            f"{path} is held by {who}",
            "DuckDB files have one writer: wait longer with --wait MINUTES, or stop that process.",
        )
    if NO_ROOM.search(text):
        return WarehouseFullError(
            f"{path} cannot be written: {_first_line(text)}",
            "Free space or fix the folder's rights; nothing was half-written, run the same command again.",
        )
    # A file that is landed is read through DuckDB too: only a file that is named as the warehouse is meant.
    if name == "open" or (DAMAGED.search(text) and (path.name in text or "Corrupt" in text)):
        return no_database(path, _first_line(text))
    return None


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0][:300]
