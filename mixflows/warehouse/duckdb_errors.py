"""DuckDB's errors in our words."""

import re
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from mixflows.errors import MissingTableError, StatementError, WarehouseBusyError, WarehouseError, WarehouseFullError


@contextmanager
def translated(path: Path, name: str) -> Generator[None]:
    """Turns DuckDB's errors into ours. Messages of statements name the statement, and never carry row content."""
    try:
        yield
    except duckdb.IOException as err:
        text = str(err)
        if "Could not set lock" in text:
            holder = re.search(r"held in (.+?) \(PID (\d+)\)", text)
            who = f"process {holder[2]} ({Path(holder[1]).name})" if holder else "another process"
            raise WarehouseBusyError(
                f"{path} is held by {who}",
                "DuckDB files have one writer: wait for it to end, or stop it, and try again.",
            ) from err
        if re.search(
            r"[Nn]o space left|Permission denied|[Rr]ead-only|Disk quota|Cannot open file|Could not (write|truncate|create)",
            text,
        ):
            raise WarehouseFullError(
                f"{path} cannot be written: {_first_line(text)}",
                "Free space or fix the folder's rights; nothing was half-written, run the same command again.",
            ) from err
        raise WarehouseError(f"{path}: {_first_line(text)}") from err
    except duckdb.OutOfMemoryException as err:
        raise WarehouseFullError(
            f"DuckDB ran out of memory or of disk beside {path}: {_first_line(str(err))}",
            "Raise warehouse.memory_limit, or free disk space.",
        ) from err
    except duckdb.CatalogException as err:
        if re.search(r"(Table|View) with name .* does not exist", str(err)):
            raise MissingTableError(
                f"{path}: {_first_line(str(err))}", "Make the tables with mixflows init, and land files."
            ) from err
        raise _statement_error(path, name, err, str(err)) from err
    except duckdb.Error as err:
        text = str(err)
        if isinstance(err, duckdb.FatalException) or "database has been invalidated" in text:
            raise WarehouseFullError(
                f"{path} cannot be written: {_first_line(text)}",
                "Free space or fix the folder's rights, then run the same command again; what was published stands.",
            ) from err
        # Other messages may quote a value of a row, which belongs into no log.
        tells_no_value = isinstance(err, duckdb.BinderException | duckdb.ParserException | duckdb.TransactionException)
        raise _statement_error(path, name, err, text if tells_no_value else "") from err


def _statement_error(path: Path, name: str, err: duckdb.Error, text: str) -> StatementError:
    what = f": {_first_line(text)}" if text else ""
    return StatementError(
        f"statement {name or 'of the warehouse'} failed in {path}: {type(err).__name__}{what}",
        "Run it again; if it fails again, the statement's file under sql/ and the source's columns do not fit.",
    )


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0][:300]
