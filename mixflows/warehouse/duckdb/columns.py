"""The tables and columns of a DuckDB file, from its catalogue."""

from collections.abc import Iterable

import duckdb

from mixflows.errors import SourceColumnsError
from mixflows.settings import Settings
from mixflows.warehouse.descriptions import TABLES
from mixflows.warehouse.duckdb.quoting import identifier
from mixflows.warehouse.duckdb.types import bigquery_type
from mixflows.warehouse.foreign import refuse_foreign
from mixflows.warehouse.slots import refuse_gone_since
from mixflows.warehouse.source import GONE_SINCE, Column

HERE = "database_name = current_database() AND schema_name = current_schema()"


def tables_and_views(cursor: duckdb.DuckDBPyConnection) -> list[str]:
    """Names of all tables and views."""
    found = cursor.execute(
        f"SELECT table_name FROM duckdb_tables() WHERE {HERE} UNION ALL SELECT view_name FROM duckdb_views() WHERE {HERE}"
    ).fetchall()
    return [str(name) for (name,) in found]


def texts_of_view(cursor: duckdb.DuckDBPyConnection, view: str) -> list[str]:
    """The statement that makes a view, if it is there."""
    found = cursor.execute(
        f"SELECT sql FROM duckdb_views() WHERE {HERE} AND lower(view_name) = lower(?)", [view]
    ).fetchall()
    return [str(sql) for (sql,) in found]


def columns_of(cursor: duckdb.DuckDBPyConnection, table: str) -> tuple[Column, ...]:
    """A table's columns in order; none where it is not there. Names of tables are found without case."""
    rows = cursor.execute(
        f"SELECT column_name, data_type FROM duckdb_columns() WHERE {HERE} AND lower(table_name) = lower(?)"
        " ORDER BY column_index",
        [table],
    ).fetchall()
    return tuple(Column(str(name), bigquery_type(str(kind)), str(kind)) for name, kind in rows)


def refuse_foreign_tables(cursor: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Refuses what stands under the names of our tables and is another's; see `refuse_foreign`."""
    found = cursor.execute(
        f"SELECT c.table_name, list(c.column_name), c.table_name IN (SELECT view_name FROM duckdb_views() WHERE {HERE})"
        f" FROM duckdb_columns() AS c WHERE {HERE} GROUP BY c.table_name"
    ).fetchall()
    known = {str(name).lower(): (columns, bool(is_view)) for name, columns, is_view in found}
    for role in TABLES.keys() & settings.tables.model_dump():
        if held := known.get(getattr(settings.tables, role).lower()):
            columns, is_view = held
            refuse_foreign(settings, role, columns, is_view=is_view)


def new_columns(of_source: Iterable[Column], of_table: Iterable[Column], source: str, table: str) -> tuple[Column, ...]:
    """The columns of the source that a published table lacks.

    Raises:
        SourceColumnsError: A column has another type in the one than in the other.
    """
    present = {column.name.lower(): column for column in of_table}
    added: list[Column] = []
    clashes: list[str] = []
    for column in of_source:
        known = present.get(column.name.lower())
        if known is None:
            added.append(column)
        elif known.native_type != column.native_type:
            clashes.append(f"{column.name} ({known.native_type} became {column.native_type})")
    if clashes:
        raise SourceColumnsError(
            f"the type of a column of {source} changed against {table}: {', '.join(clashes)}",
            "Nothing was written. Change the source's column back, or rebuild the published tables under new names.",
        )
    return tuple(added)


def marks_gone(cursor: duckdb.DuckDBPyConnection, settings: Settings, of_source: Iterable[Column]) -> bool:
    """Whether the source has GONE_SINCE as the mark that whole days need, and not as a column of the user's.

    It is theirs as long as no whole days were ever landed.
    """
    log = settings.tables.landings
    if not any(column.name == GONE_SINCE for column in of_source):
        return False
    if not any(column.name == "first_day" for column in columns_of(cursor, log)):
        return False
    return bool(cursor.execute(f"SELECT 1 FROM {identifier(log)} WHERE first_day IS NOT NULL LIMIT 1").fetchall())


def make_gone_since(cursor: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Adds GONE_SINCE to the source, which is there, unless it marks copies that are gone already.

    Raises:
        SourceColumnsError: The source has a column of that name already, and it is the user's own.
    """
    source = settings.tables.source
    columns = columns_of(cursor, source)
    if not marks_gone(cursor, settings, columns):
        refuse_gone_since(settings, columns)
        cursor.execute(f"ALTER TABLE {identifier(source)} ADD COLUMN {GONE_SINCE} TIMESTAMP WITH TIME ZONE")
