"""How DuckDB reads a raw-export file: one relation of (position, line), the same for JSON lines and Parquet.

`line` is a JSON object `{"event": …, "properties": {"time": …, …}}`, or NULL where the line is no JSON at all. Parquet
rows are turned into that shape (see `parquet`), so that one statement makes events of both.
"""

import re
import shutil
import tempfile
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from mixflows.errors import WarehouseFullError
from mixflows.intake.content import FileContent, write_readable
from mixflows.settings import Settings
from mixflows.warehouse.duckdb.parquet import ParquetRows, parquet_rows
from mixflows.warehouse.duckdb.quoting import file_literal

NO_PLAIN_NAME = re.compile(r"[*?\[]|^~|^\w+:")
"""Names that DuckDB takes for a pattern, for which it reads the folder's other names, a home folder or an address."""
MIN_OBJECT_BYTES = 1 << 20
"""DuckDB reads into buffers of twice the longest line: small ones spread a file over threads, tiny ones are slow."""


@dataclass(frozen=True)
class Lines:
    """Lines as the engine reads them.

    Attributes:
        path: The file that DuckDB reads.
        sql: A SELECT of `line`, in any order.
        numbered_sql: A SELECT of `position` and `line`; positions count the lines that are not blank, from 1.
        count: How many lines there are.
        time_unit: Unit of `properties.time`.
        is_local: Whether `properties.time` counts on the project's wall clock; else in UTC.
        names: Columns that became properties; None where only the content tells.
        may_have_fields: Whether a line may have fields beside `event` and `properties`.
    """

    path: Path
    sql: str
    numbered_sql: str
    count: int
    time_unit: str
    is_local: bool
    names: frozenset[str] | None = None
    may_have_fields: bool = True


@contextmanager
def lines_of(cursor: duckdb.DuckDBPyConnection, settings: Settings, content: FileContent) -> Generator[Lines]:
    """Opens a file for the engine.

    Raises:
        LandingError: Parquet that cannot be read, or that has no columns for event and time.
    """
    with ExitStack() as opened:
        path = content.path
        if not content.readable_as_is:
            path = opened.enter_context(_stand_in(settings.warehouse.path, content))
        elif content.shown != str(path) or NO_PLAIN_NAME.search(str(path)):
            path = opened.enter_context(_stand_in(settings.warehouse.path, content, is_link=True))
        if content.format == "parquet":
            yield _parquet(settings, path, parquet_rows(cursor, content.shown, path))
        else:
            yield _json_lines(settings, content, path, gzipped=content.gzipped and content.readable_as_is)


def remove_copies(warehouse: Path) -> None:
    """Removes the copies of files that a killed process left beside the warehouse; only for who holds the warehouse."""
    for left in warehouse.parent.glob(f"{_copies_of(warehouse)}*"):
        shutil.rmtree(left, ignore_errors=True)


def _copies_of(warehouse: Path) -> str:
    return f".{warehouse.name}.landing-"


@contextmanager
def _stand_in(warehouse: Path, content: FileContent, *, is_link: bool = False) -> Generator[Path]:
    """A copy that DuckDB can read, or a link, where it is the name that DuckDB cannot take."""
    folder = warehouse.parent
    with ExitStack() as stack:
        try:
            place = tempfile.TemporaryDirectory(dir=folder, prefix=_copies_of(warehouse))
            stand_in = Path(stack.enter_context(place)) / "lines"
            if is_link:
                stand_in.symlink_to(content.path.absolute())
            else:
                with stand_in.open("wb") as target:
                    write_readable(content, target)
        except OSError as err:
            raise WarehouseFullError(
                f"no copy of {content.shown} that DuckDB can read could be written in {folder}: {err.strerror}",
                "Free space or fix the folder's rights; nothing was landed.",
            ) from err
        yield stand_in


def _json_lines(settings: Settings, content: FileContent, path: Path, *, gzipped: bool) -> Lines:
    landing = settings.landing
    read = f"""read_json_objects({file_literal(path)}, format = 'newline_delimited', ignore_errors = true,
        compression = '{"gzip" if gzipped else "none"}',
        maximum_object_size = {max(content.longest_line_bytes + 1, MIN_OBJECT_BYTES)})"""
    return Lines(
        path=path,
        sql=f"SELECT json AS line FROM {read}",
        numbered_sql=f"SELECT row_number() OVER () AS position, json AS line FROM {read}",
        count=content.lines or 0,
        time_unit=landing.time_unit,
        is_local=landing.time_zone == "project",
    )


def _parquet(settings: Settings, path: Path, rows: ParquetRows) -> Lines:
    return Lines(
        path=path,
        sql=rows.sql,
        numbered_sql=rows.sql,
        count=rows.count,
        time_unit=settings.landing.time_unit if rows.times == "numbers" else "s",
        is_local=rows.times != "instants" and settings.landing.time_zone == "project",
        names=rows.names,
        may_have_fields=rows.names is None,
    )
