"""How DuckDB reads a raw-export file: one relation of (position, line), the same for JSON lines and Parquet.

`line` is a JSON object `{"event": …, "properties": {"time": …, …}}`, or NULL where the line is no JSON at all. Parquet
rows are turned into that shape, so that one statement makes events of both.
"""

import glob
import shutil
import tempfile
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from mixflows.errors import LandingError, WarehouseFullError
from mixflows.intake.content import FileContent, write_readable
from mixflows.settings import Settings

MIN_OBJECT_BYTES = 1 << 20
"""DuckDB reads into buffers of twice the longest line: small ones spread a file over threads, tiny ones are slow."""

EVENT_COLUMNS = ("event", "event_name", "mp_event_name")
TIME_COLUMNS = ("time",)
PROPERTY_COLUMNS = {
    "distinct_id": "distinct_id",
    "$insert_id": "$insert_id",
    "insert_id": "$insert_id",
    "mp_insert_id": "$insert_id",
}


@dataclass(frozen=True)
class Lines:
    """A file as the engine reads it.

    Attributes:
        sql: A SELECT of `line`, in any order.
        numbered_sql: A SELECT of `position` and `line`; positions count the lines that are not blank, from 1.
        count: How many lines there are.
        time_unit: Unit of `properties.time`.
        wall_clock: The zone whose wall clock `properties.time` counts.
        names: Columns that became properties; None where only the content tells.
    """

    sql: str
    numbered_sql: str
    count: int
    time_unit: str
    wall_clock: str
    names: frozenset[str] | None = None


@contextmanager
def lines_of(cursor: duckdb.DuckDBPyConnection, settings: Settings, content: FileContent) -> Generator[Lines]:
    """Opens a file for the engine.

    Raises:
        LandingError: Parquet that cannot be read, or that has no columns for event and time.
    """
    if content.format == "parquet":
        yield _parquet(cursor, settings, content)
    elif content.readable_as_is:
        yield _json_lines(settings, content, content.path, gzipped=content.gzipped)
    else:
        with _readable_copy(settings.warehouse.path, content) as copy:
            yield _json_lines(settings, content, copy, gzipped=False)


def remove_copies(warehouse: Path) -> None:
    """Removes the copies of files that a killed process left beside the warehouse; only for who holds the warehouse."""
    for left in warehouse.parent.glob(f"{_copies_of(warehouse)}*"):
        shutil.rmtree(left, ignore_errors=True)


def _copies_of(warehouse: Path) -> str:
    return f".{warehouse.name}.landing-"


@contextmanager
def _readable_copy(warehouse: Path, content: FileContent) -> Generator[Path]:
    folder = warehouse.parent
    with ExitStack() as stack:
        try:
            place = tempfile.TemporaryDirectory(dir=folder, prefix=_copies_of(warehouse))
            copy = Path(stack.enter_context(place)) / "lines.jsonl"
            with copy.open("wb") as target:
                write_readable(content, target)
        except OSError as err:
            raise WarehouseFullError(
                f"no copy of {content.path} that DuckDB can read could be written in {folder}: {err.strerror}",
                "Free space or fix the folder's rights; nothing was landed.",
            ) from err
        yield copy


def _json_lines(settings: Settings, content: FileContent, path: Path, *, gzipped: bool) -> Lines:
    landing = settings.landing
    read = f"""read_json_objects({_file(path)}, format = 'newline_delimited', ignore_errors = true,
        compression = '{"gzip" if gzipped else "none"}',
        maximum_object_size = {max(content.longest_line_bytes + 1, MIN_OBJECT_BYTES)})"""
    return Lines(
        sql=f"SELECT json AS line FROM {read}",
        numbered_sql=f"SELECT row_number() OVER () AS position, json AS line FROM {read}",
        count=content.lines or 0,
        time_unit=landing.time_unit,
        wall_clock="UTC" if landing.time_zone == "UTC" else settings.project_timezone,
    )


def _parquet(cursor: duckdb.DuckDBPyConnection, settings: Settings, content: FileContent) -> Lines:
    read = f"read_parquet({_file(content.path)}, file_row_number = true, hive_partitioning = false)"
    try:
        described = cursor.execute(f"DESCRIBE SELECT * EXCLUDE (file_row_number) FROM {read}").fetchall()
        rows = cursor.execute(f"SELECT count(*) FROM {read}").fetchall()[0][0]
    except duckdb.Error as err:
        raise LandingError(
            f"{content.path} cannot be read as Parquet", "Was it downloaded as a whole? Export it again."
        ) from err
    types = {str(name): str(kind) for name, kind, *_ in described}
    event = _one_of(EVENT_COLUMNS, types)
    time = _one_of(TIME_COLUMNS, types)
    bag = _one_of(("properties",), types)
    if event is None or (time is None and bag is None):
        raise LandingError(
            f"{content.path} has no column for the {'event name' if event is None else 'event time'}",
            f"Needed: one of {', '.join(EVENT_COLUMNS)}; time. Its columns are: {', '.join(types)}.",
        )
    unit, wall_clock = settings.landing.time_unit, settings.landing.time_zone
    members = {PROPERTY_COLUMNS.get(name, name): identifier(name) for name in types if name not in (event, time, bag)}
    if time is not None:
        members["time"] = identifier(time)
        if types[time].startswith("TIMESTAMP"):
            zoned = "WITH TIME ZONE" in types[time]
            micros = f"epoch_us(CAST({identifier(time)} AS {'TIMESTAMPTZ' if zoned else 'TIMESTAMP'}))"
            members["time"] = f"CAST(CAST({micros} AS DECIMAL(20, 0)) * CAST(0.000001 AS DECIMAL(7, 6)) AS VARCHAR)"
            unit, wall_clock = "s", "UTC" if zoned else wall_clock
    columns = f"json_object({', '.join(f'{literal(key)}, {value}' for key, value in members.items())})"
    inner = "'{}'"
    if bag is not None:
        is_text = types[bag] in ("VARCHAR", "JSON")
        inner = (
            f"coalesce({f'CAST({identifier(bag)} AS VARCHAR)' if is_text else f'to_json({identifier(bag)})'}, '{{}}')"
        )
    # A patch leaves out what is null: a column without a value and an absent property are the same.
    shaped = f"""CASE WHEN json_valid({inner}) AND json_type({inner}) = 'OBJECT'
        THEN json_object('event', {identifier(event)}, 'properties', json_merge_patch({inner}, {columns}))
        ELSE json_object('event', {identifier(event)}, 'properties', {inner}, 'columns', {columns}) END"""
    sql = f"SELECT file_row_number + 1 AS position, {shaped} AS line FROM {read}"
    return Lines(
        sql=sql,
        numbered_sql=sql,
        count=int(rows),
        time_unit=unit,
        wall_clock="UTC" if wall_clock == "UTC" else settings.project_timezone,
        names=frozenset(members) if bag is None else None,
    )


def _one_of(names: tuple[str, ...], columns: dict[str, str]) -> str | None:
    return next((column for name in names for column in columns if column.lower() == name), None)


def _file(path: Path) -> str:
    # DuckDB takes a file name for a glob: `a[1].jsonl` would read `a1.jsonl`.
    return literal(glob.escape(str(path)))


def literal(value: str) -> str:
    """Writes a text as a DuckDB literal; for file and property names, which no statement takes as parameters."""
    return "'" + value.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """Quotes a name for DuckDB."""
    return '"' + name.replace('"', '""') + '"'
