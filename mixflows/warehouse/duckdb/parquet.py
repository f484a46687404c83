"""How DuckDB reads a Parquet file: each row becomes a line of a raw export, whatever the columns are called."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import duckdb

from mixflows.errors import LandingError
from mixflows.text import NAME_LENGTH, plain
from mixflows.warehouse.duckdb.quoting import file_literal, identifier, literal

EVENT_NAMES = ("mp_event_name", "event", "event_name")
INSERT_ID_NAMES = ("$insert_id", "mp_insert_id", "insert_id")
"""Mixpanel's reserved names first; behind them names that may be a user's own property."""
ROW_NUMBER = "file_row_number"


@dataclass(frozen=True)
class ParquetRows:
    """The rows of a Parquet file as lines.

    Attributes:
        sql: A SELECT of `position` and `line`; see `files.Lines`.
        count: How many rows there are.
        times: What the column of times holds: numbers in the unit of the settings, times of a wall clock, or instants.
        names: Columns that became properties; None where a column `properties` has others.
    """

    sql: str
    count: int
    times: Literal["numbers", "wall clock", "instants"]
    names: frozenset[str] | None


@dataclass(frozen=True)
class _Column:
    """A column by its name in the file and in SQL, where names that differ only in case get a number."""

    name: str
    sql: str
    type: str


def parquet_rows(cursor: duckdb.DuckDBPyConnection, shown: str, path: Path) -> ParquetRows:
    """Reads the columns of a Parquet file.

    Args:
        cursor: Any.
        shown: The file, for messages.
        path: The file, by a name that DuckDB can take.

    Raises:
        LandingError: The file cannot be read, or has no columns for event and time.
    """
    columns, count = _described(cursor, shown, path)
    event = _first_of(EVENT_NAMES, columns)
    time = _first_of(("time",), columns)
    bag = _first_of(("properties",), columns)
    if event is None or (time is None and bag is None):
        raise LandingError(
            f"{shown} has no column for the {'event name' if event is None else 'event time'}",
            f"Needed: one of {', '.join(EVENT_NAMES)}; time. Its columns are: {', '.join(plain(c.name, NAME_LENGTH) for c in columns)}.",
        )
    members = _members([column for column in columns if column not in (event, time, bag)])
    times: Literal["numbers", "wall clock", "instants"] = "numbers"
    if time is not None:
        members["time"] = identifier(time.sql)
        if time.type.startswith("TIMESTAMP"):
            times = "instants" if "WITH TIME ZONE" in time.type else "wall clock"
            micros = f"epoch_us(CAST({members['time']} AS {'TIMESTAMPTZ' if times == 'instants' else 'TIMESTAMP'}))"
            members["time"] = f"CAST(CAST({micros} AS DECIMAL(20, 0)) * CAST(0.000001 AS DECIMAL(7, 6)) AS VARCHAR)"
    has_own = any(column.name.lower() == ROW_NUMBER for column in columns)
    position = "row_number() OVER ()" if has_own else f"{ROW_NUMBER} + 1"
    return ParquetRows(
        sql=f"""SELECT position, {_shaped(bag is not None)} AS line FROM (
            SELECT {position} AS position, {identifier(event.sql)} AS event, {_bag(bag)} AS bag,
              json_object({", ".join(f"{literal(key)}, {value}" for key, value in members.items())}) AS own
            FROM read_parquet({file_literal(path)}, file_row_number = {not has_own}, hive_partitioning = false))""",
        count=count,
        times=times,
        names=frozenset(members) if bag is None else None,
    )


def refuse_unreadable(cursor: duckdb.DuckDBPyConnection, shown: str, path: Path) -> None:
    """Reads every value of a Parquet file, to tell damage of the file from any other error.

    Raises:
        LandingError: The file is damaged.
    """
    try:
        cursor.execute(
            f"SELECT count(DISTINCT hash(COLUMNS(*))) FROM read_parquet({file_literal(path)}, hive_partitioning = false)"
        )
    except duckdb.Error as err:
        raise _unreadable(shown) from err


def _unreadable(shown: str) -> LandingError:
    return LandingError(
        f"{shown} cannot be read as Parquet; nothing of it was landed",
        "Check whether it was downloaded completely, or export it again.",
    )


def _described(cursor: duckdb.DuckDBPyConnection, shown: str, path: Path) -> tuple[list[_Column], int]:
    file = file_literal(path)
    read = f"read_parquet({file}, hive_partitioning = false)"
    try:
        described = cursor.execute(f"DESCRIBE SELECT * FROM {read}").fetchall()
        schema = cursor.execute(f"SELECT name, coalesce(num_children, 0) FROM parquet_schema({file})").fetchall()
        [(count,)] = cursor.execute(f"SELECT count(*) FROM {read}").fetchall()
    except (duckdb.Error, UnicodeDecodeError) as err:
        raise _unreadable(shown) from err
    names = list(_top_level(schema))
    columns = [_Column(name, str(sql), str(kind)) for name, (sql, kind, *_) in zip(names, described, strict=True)]
    return columns, int(count)


def _top_level(schema: Sequence[tuple[Any, ...]]) -> Iterator[str]:
    """The names of the columns, out of all fields of the file in depth-first order, the root first."""
    inside = 0
    for name, children in schema[1:]:
        if not inside:
            yield str(name)
        inside += int(children) - (1 if inside else 0)


def _first_of(names: Sequence[str], columns: Sequence[_Column]) -> _Column | None:
    for name in names:
        alike = [column for column in columns if column.name.lower() == name]
        exact = [column for column in alike if column.name == name]
        if alike:
            return (exact or alike)[0]
    return None


def _members(columns: Sequence[_Column]) -> dict[str, str]:
    """The columns that become properties: SQL by the property's name."""
    keys = {column: column.name for column in columns}
    for key, names in {
        "distinct_id": ("distinct_id",),
        "$insert_id": INSERT_ID_NAMES,
        "mp_processing_time_ms": ("mp_processing_time_ms",),
    }.items():
        if (column := _first_of(names, columns)) is not None:
            keys[column] = key
    members: dict[str, str] = {}
    for column, key in keys.items():
        members[column.sql if key in members else key] = identifier(column.sql)
    return members


def _bag(bag: _Column | None) -> str:
    if bag is None:
        return "'{}'"
    name = identifier(bag.sql)
    return f"coalesce({f'CAST({name} AS VARCHAR)' if bag.type in ('VARCHAR', 'JSON') else f'to_json({name})'}, '{{}}')"


def _shaped(has_bag: bool) -> str:
    # A patch leaves out what is null: a column without a value and an absent property are the same.
    columns = "json_merge_patch('{}', own)"
    if not has_bag:
        return f"json_object('event', event, 'properties', {columns})"
    key = "'/' || replace(replace(k, '~', '~0'), '/', '~1')"
    same = f"json_extract_string(bag, {key}) = json_extract_string(own, {key})"
    lost = f"""list_filter(json_keys(bag), lambda k: k NOT IN ('event', 'properties')
        AND list_contains(json_keys({columns}), k) AND NOT coalesce({same}, false))"""
    # A column wins over a property of the same name; what it replaces becomes a field beside `properties`.
    others = f"""list_transform(list_filter(json_keys(bag), lambda k: NOT list_contains({lost}, k)),
        lambda k: to_json(k) || ':null')"""
    line = f"json_object('event', event, 'properties', json_merge_patch(bag, {columns}))"
    return f"""CASE
        WHEN NOT json_valid(bag) OR json_type(bag) <> 'OBJECT'
          THEN json_object('event', event, 'properties', bag, 'columns', own)
        WHEN len({lost}) = 0 THEN {line}
        ELSE json_merge_patch({line}, json_merge_patch(bag, '{{' || array_to_string({others}, ',') || '}}')) END"""
