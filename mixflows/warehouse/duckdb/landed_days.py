"""The instants and days of landed rows, put in by constants that Python computes, and found anew where the project's time zone changed.

A file's rows are inserted with their time and their day as if the project's clock were UTC's; only then are the least and the
greatest time known, between which bounds are needed.
"""

import duckdb

from mixflows.days import clock_runs, day_runs, days_between
from mixflows.settings import Settings
from mixflows.warehouse.dialect import instant_of_reading
from mixflows.warehouse.duckdb.dialect import day_of
from mixflows.warehouse.duckdb.events import reading_us
from mixflows.warehouse.duckdb.quoting import identifier, literal
from mixflows.warehouse.source import PUBLISHED_DAY, SOURCE_FILE, Source


def put_instants(cursor: duckdb.DuckDBPyConnection, settings: Settings, table: str, rows: str) -> None:
    """Makes instants of readings of the project's wall clock, which stand in `time` as if that were UTC's.

    Args:
        table: Its name.
        rows: SQL of which rows.
    """
    time = identifier(settings.columns.time)
    between = _between(cursor, settings, table, rows)
    if between is None:
        return
    instant = instant_of_reading(f"epoch_us({time})", clock_runs(*between, settings.zone))
    cursor.execute(f"UPDATE {identifier(table)} SET {time} = make_timestamptz({instant}) WHERE {rows}")


def put_days(cursor: duckdb.DuckDBPyConnection, settings: Settings, table: str, rows: str, day: str) -> None:
    """Makes a column the day of `time` in the project's time zone; NULL where that belongs to none.

    Args:
        table: Its name.
        rows: SQL of which rows.
        day: The column's name.
    """
    found = day_of_rows(cursor, settings, table, rows)
    column = identifier(day)
    cursor.execute(
        f"UPDATE {identifier(table)} SET {column} = {found} WHERE {rows} AND {column} IS DISTINCT FROM {found}"
    )


def day_of_rows(cursor: duckdb.DuckDBPyConnection, settings: Settings, table: str, rows: str) -> str:
    """SQL of the day of `time`, right for some rows of a table."""
    between = _between(cursor, settings, table, rows)
    runs = day_runs(days_between(*between), settings.zone) if between else ()
    reading = f"epoch_us({identifier(settings.columns.time)})"
    return day_of(reading, runs)


def _between(cursor: duckdb.DuckDBPyConnection, settings: Settings, table: str, rows: str) -> tuple[int, int] | None:
    time = identifier(settings.columns.time)
    [(first, last)] = cursor.execute(
        f"SELECT epoch_us(min({time})), epoch_us(max({time})) FROM {identifier(table)} WHERE {rows}"
    ).fetchall()
    return None if first is None else (int(first), int(last))


def date_anew(cursor: duckdb.DuckDBPyConnection, settings: Settings, source: Source) -> None:
    """Dates landed rows that were dated in another time zone in the project's, in the source and where they are published.

    Times that were delivered as readings of the project's wall clock become other instants, too. In the transaction of the
    caller; the published tables are there.
    """
    log, zone = identifier(settings.tables.landings), literal(settings.project_timezone)
    stale = f"{log} WHERE project_timezone IS DISTINCT FROM {zone}"
    units = cursor.execute(f"SELECT DISTINCT wall_clock_unit FROM {stale}").fetchall()
    if not units or SOURCE_FILE not in (column.name.lower() for column in source.columns):
        return
    landing = {SOURCE_FILE: "file_name"} | ({source.loaded_at.name: "landed_at"} if source.loaded_at else {})
    columns, logged = ", ".join(map(identifier, landing)), ", ".join(landing.values())
    day = source.day.name if source.day else None
    for role in ("source", "events", "rejected"):
        table = getattr(settings.tables, role)
        for unit in (str(unit) for (unit,) in units if unit is not None):
            rows = f"({columns}) IN (SELECT {logged} FROM {stale} AND wall_clock_unit = {literal(unit)})"
            delivered = f"make_timestamptz({reading_us(unit)})"
            cursor.execute(f"UPDATE {identifier(table)} SET {identifier(source.time.name)} = {delivered} WHERE {rows}")
            put_instants(cursor, settings, table, rows)
        for name in {day} if role == "source" else {day, PUBLISHED_DAY}:
            if name is not None:
                put_days(cursor, settings, table, f"({columns}) IN (SELECT {logged} FROM {stale})", name)
    rows = f"({columns}) IN (SELECT {logged} FROM {stale})"
    found = identifier(day) if day else day_of_rows(cursor, settings, settings.tables.source, rows)
    same = " AND ".join(f"counted.{identifier(name)} = {log}.{known}" for name, known in landing.items())
    cursor.execute(f"""
        UPDATE {log} SET rows_per_day = counted.days FROM (
          SELECT {columns}, sum(n) AS n, list({{'partition_date': day, 'source_rows': n}} ORDER BY day) AS days
          FROM (
            SELECT {columns}, {found} AS day, count(*) AS n FROM {identifier(settings.tables.source)}
            WHERE {rows} GROUP BY ALL
          ) GROUP BY {columns}
        ) AS counted WHERE {same} AND counted.n = {log}.source_rows""")
    cursor.execute(f"UPDATE {log} SET project_timezone = {zone}")
