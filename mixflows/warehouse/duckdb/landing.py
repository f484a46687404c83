"""Lands one raw-export file in DuckDB: the engine reads, checks and types the lines; one transaction holds all of it.

The file is read once for its events. Only where lines are missing from that count is it read again, in order and for
little more than its times, to tell which lines they are and why.
"""

import threading
from collections.abc import Callable, Collection, Generator, Mapping
from contextlib import contextmanager
from datetime import date, datetime

import duckdb

from mixflows.errors import LandingError, SourceColumnsError, UsageError
from mixflows.intake.content import FileContent
from mixflows.intake.landing import Landing
from mixflows.intake.refusals import refuse_changed, refuse_known, refuse_no_export, refuse_other_feed
from mixflows.settings import Settings
from mixflows.text import counted
from mixflows.warehouse.duckdb.columns import columns_of
from mixflows.warehouse.duckdb.connection import transaction
from mixflows.warehouse.duckdb.events import dropped_fields, event_properties, event_values, readings
from mixflows.warehouse.duckdb.files import Lines, lines_of
from mixflows.warehouse.duckdb.landed_days import day_of_rows, put_days, put_instants
from mixflows.warehouse.duckdb.malformed import Leftovers, drop_joined, insert_malformed
from mixflows.warehouse.duckdb.parquet import refuse_unreadable
from mixflows.warehouse.duckdb.quoting import identifier
from mixflows.warehouse.duckdb.refusals import landed_before, refuse_wrong_unit

SAMPLED_ROWS = 1_000
PROGRESS_SECONDS = 0.2
FROM_FILES: Mapping[str, object] = {"feed": "files"}


def land_file(
    cursor: duckdb.DuckDBPyConnection,
    settings: Settings,
    content: FileContent,
    *,
    again: bool,
    landed_at: datetime,
    on_progress: Callable[[float], None] | None,
) -> Landing:
    """Lands one file in one transaction: its events in the source, its malformed lines, and its row in the landing log.

    Args:
        cursor: Outside any transaction; the tables of malformed lines and of landings are there.
        settings: Names, units and promoted properties; the file was inspected with the same.
        content: The inspected file.
        again: Land content that was landed before once more.
        landed_at: UTC; stands in `loaded_at` and in the landing log.
        on_progress: Is told the share of the file that was read, 0 to 1, from another thread.

    Returns:
        The landing, as it stands in the log.

    Raises:
        UsageError: The source is fed from elsewhere.
        AlreadyLandedError: The same content was landed before, and not `again`. Empty files may be landed any time.
        LandingError: The file cannot be read, changed while it was read, or counts time in another unit.
        SourceColumnsError: A column of the source is missing or has another type.
        SettingsError: A property cannot become the column that its name asks for.
        WarehouseFullError: No space is left, or the folder cannot be written.
        duckdb.Error: Anything else that DuckDB refuses. After any of these errors nothing of the file was landed.
    """
    before = landed_before(cursor, settings, content)
    refuse_other_feed(settings, before, "files")
    if content.size_bytes and not again:
        refuse_known(content, before)
    with opened(cursor, settings, content, on_progress) as lines, transaction(cursor):
        landing = land_lines(cursor, settings, content, lines, landed_at)
        log_landing(cursor, settings, landing)
    return landing


@contextmanager
def opened(
    cursor: duckdb.DuckDBPyConnection,
    settings: Settings,
    content: FileContent,
    on_progress: Callable[[float], None] | None,
) -> Generator[Lines]:
    """Opens an inspected file for the engine, and tells how far it is read; see `land_file` for what is refused."""
    if content.landing != settings.landing:
        raise ValueError("the file was inspected with other settings than it is landed with")
    refuse_changed(content)
    with _progress(cursor, on_progress), lines_of(cursor, settings, content) as lines:
        yield lines


def land_lines(
    cursor: duckdb.DuckDBPyConnection,
    settings: Settings,
    content: FileContent,
    lines: Lines,
    landed_at: datetime,
    into: str | None = None,
) -> Landing:
    """Lands the lines of an opened file in the transaction of the caller: events and malformed lines, and no row in the log.

    Args:
        into: A temporary table that is created for the events, with all columns of the source; the source itself where None.

    Raises:
        LandingError: As `land_file`.
        UsageError: The times count another unit than the settings say, and the lines do not go into the source.
    """
    try:
        landing = _landed(_Source(cursor, settings, lines, content, landed_at, into), lines, landed_at)
    except duckdb.Error:
        if content.format == "parquet":
            refuse_unreadable(cursor.cursor(), content.shown, lines.path)
        raise
    refuse_changed(content)
    return landing


def _landed(source: "_Source", lines: Lines, landed_at: datetime) -> Landing:
    cursor, settings, content = source.cursor, source.settings, source.content
    source.insert("dropped = 0")
    left = Leftovers()
    dropped = 0
    if source.count_rows() < lines.count:
        left = insert_malformed(cursor, settings, lines, content, landed_at)
        if left.joined is not None:
            dropped += source.insert("true", left.joined, count_dropped=True)
            drop_joined(cursor)
        if source.count_rows() + left.malformed_rows + left.joined_rows < lines.count:
            dropped += source.insert("dropped > 0", count_dropped=True)
    source.put_days()
    rows_per_day = source.rows_per_day()
    sampled, restamped = source.restamped()
    landing = Landing(
        file_name=content.name,
        content_hash=content.content_hash,
        lines=lines.count,
        source_rows=sum(rows for _, rows in rows_per_day),
        malformed_rows=left.malformed_rows,
        joined_rows=left.joined_rows,
        dropped_fields=dropped,
        reasons=tuple(left.reasons.most_common()),
        sampled_rows=sampled,
        restamped_rows=restamped,
        rows_per_day=rows_per_day,
        landed_at=landed_at,
        project_timezone=settings.project_timezone,
        wall_clock_unit=lines.time_unit if lines.is_local else None,
    )
    refuse_wrong_unit(content, lines, landing, UsageError if source.is_apart else LandingError)
    refuse_no_export(content, landing)
    if landing.lines != landing.source_rows + landing.malformed_rows + landing.joined_rows:
        raise LandingError(
            f"{content.shown} has {counted(landing.lines, 'line')}, but {landing.source_rows:,} were read as events,"
            f" {landing.malformed_rows:,} as malformed and {landing.joined_rows:,} were joined; nothing of it was landed",
            "Please report this: lines and rows are counted apart, and must agree.",
        )
    return landing


# What is written


class _Source:
    """The source table while one file is landed: the rows of this transaction come after all that were there."""

    def __init__(
        self,
        cursor: duckdb.DuckDBPyConnection,
        settings: Settings,
        lines: Lines,
        content: FileContent,
        landed_at: datetime,
        into: str | None,
    ) -> None:
        self.cursor = cursor
        self.settings = settings
        self._lines = lines
        self.content = content
        self.is_apart = into is not None
        self._name = into or settings.tables.source
        self._table = identifier(self._name)
        existing = {column.name.lower(): column.native_type for column in columns_of(cursor, settings.tables.source)}
        self._properties = event_properties(settings, _present(settings, lines, content, existing))
        columns = event_values(settings, lines, self._properties)
        _make_columns(cursor, settings, existing, {name: kind for name, (kind, _) in columns.items()})
        if into is not None:
            of_source = f"SELECT * FROM {identifier(settings.tables.source)} LIMIT 0"
            cursor.execute(f"CREATE OR REPLACE TEMP TABLE {self._table} AS {of_source}")
        [(self._last_row,)] = cursor.execute(f"SELECT coalesce(max(rowid), -1) FROM {self._table}").fetchall()
        self._values = ",\n  ".join(f"{sql} AS {identifier(name)}" for name, (_, sql) in columns.items())
        self._params = {"file_name": content.name}
        self._landed_at = {} if settings.columns.loaded_at is None else {"landed_at": landed_at}

    def insert(self, condition: str, lines: Lines | None = None, *, count_dropped: bool = False) -> int:
        """Inserts the events for which a condition on `dropped`, the fields that find no place, holds.

        Returns:
            The fields that were dropped, where they are to be counted.
        """
        lines = lines or self._lines
        events = f"""{readings(lines, self._properties)},
            events AS (SELECT *, {dropped_fields(lines, self._properties)} AS dropped FROM readings WHERE reason IS NULL)
            """
        day = self.settings.columns.day
        # A day's rows side by side are what makes reading one day of a long history cheap.
        order = "" if day is None or self.content.in_day_order else f"ORDER BY {identifier(day)}"
        self.cursor.execute(
            f"INSERT INTO {self._table} BY NAME {events} SELECT\n  {self._values}\nFROM events WHERE {condition} {order}",
            self._params | self._landed_at,
        )
        if not count_dropped:
            return 0
        [(dropped,)] = self.cursor.execute(f"{events} SELECT coalesce(sum(dropped), 0) FROM events").fetchall()
        return int(dropped)

    def count_rows(self) -> int:
        """The rows of this file so far."""
        [(rows,)] = self.cursor.execute(f"SELECT count(*) FROM {self._table} WHERE {self._rows}").fetchall()
        return int(rows)

    @property
    def _rows(self) -> str:
        return f"rowid > {self._last_row}"

    def put_days(self) -> None:
        """Gives the rows of this file their instants and their days in the project's time zone."""
        name, day = self._name, self.settings.columns.day
        if self._lines.is_local:
            put_instants(self.cursor, self.settings, name, self._rows)
        if day is not None:
            put_days(self.cursor, self.settings, name, self._rows, day)

    def rows_per_day(self) -> tuple[tuple[date | None, int], ...]:
        """The rows of this file by day, counted as they stand in the table, not as they were read."""
        name, day = self._name, self.settings.columns.day
        found = identifier(day) if day else day_of_rows(self.cursor, self.settings, name, self._rows)
        days = self.cursor.execute(
            f"SELECT {found} AS day, count(*) FROM {self._table} WHERE {self._rows} GROUP BY ALL ORDER BY day"
        ).fetchall()
        return tuple((day, int(rows)) for day, rows in days)

    def restamped(self) -> tuple[int, int]:
        """How many rows of a sample were landed before with a time less than a second away, and the sample's size."""
        if self._last_row < 0:
            return 0, 0
        key, time = identifier(self.settings.columns.insert_id), identifier(self.settings.columns.time)
        step = max(1, self.count_rows() // SAMPLED_ROWS)
        [(sampled, restamped)] = self.cursor.execute(
            f"""WITH sample AS (
              SELECT rowid AS row, {key} AS id, {time} AS instant FROM {self._table}
              WHERE rowid > $last AND (rowid - $last) % $step = 0 AND {key} IS NOT NULL
            ), earlier AS (
              SELECT {key} AS id, {time} AS instant FROM {self._table}
              WHERE rowid <= $last AND {time} BETWEEN (SELECT min(instant) - INTERVAL 1 SECOND FROM sample)
                AND (SELECT max(instant) + INTERVAL 1 SECOND FROM sample)
            )
            SELECT (SELECT count(*) FROM sample), count(DISTINCT sample.row) FROM sample JOIN earlier USING (id)
            WHERE abs(epoch_us(sample.instant) - epoch_us(earlier.instant)) BETWEEN 1 AND 999999""",
            {"last": self._last_row, "step": step},
        ).fetchall()
        return int(sampled), int(restamped)


def _present(settings: Settings, lines: Lines, content: FileContent, existing: Collection[str]) -> list[str]:
    """The promoted properties that the file or the source has."""
    in_file = set(content.properties if lines.names is None else lines.names)
    return [name for name, column in settings.promoted_columns.items() if name in in_file or column in existing]


def landed_columns(settings: Settings, lines: Lines, content: FileContent, existing: Collection[str]) -> dict[str, str]:
    """The columns of the source that a file fills, each with DuckDB's type.

    Args:
        existing: The names of the source's columns, in lower case; none where it is not there.
    """
    properties = event_properties(settings, _present(settings, lines, content, existing))
    return {name: kind for name, (kind, _) in event_values(settings, lines, properties).items()}


def missing_columns(settings: Settings, existing: Mapping[str, str], wanted: Mapping[str, str]) -> list[str]:
    """The promoted columns that a source lacks.

    Args:
        existing: The types of the source's columns in its engine's words, by their names in lower case.
        wanted: What is landed, likewise.

    Raises:
        SourceColumnsError: Another column is missing, or a column has another type.
    """
    clashes = [
        f"{name} is {existing[name.lower()]}, but {kind} is landed"
        for name, kind in wanted.items()
        if name.lower() in existing and existing[name.lower()] != kind
    ]
    promoted = set(settings.promoted_columns.values())
    missing = [name for name in wanted if name.lower() not in existing]
    clashes += [f"{name} is missing" for name in missing if name not in promoted]
    if clashes:
        raise SourceColumnsError(
            f"table {settings.tables.source} does not fit what is landed: {'; '.join(clashes)}. Nothing was landed",
            "Name the columns in [columns], the types in landing.promote, or another table as tables.source.",
        )
    return missing


def _make_columns(
    cursor: duckdb.DuckDBPyConnection, settings: Settings, existing: Mapping[str, str], wanted: Mapping[str, str]
) -> None:
    """Creates the source, or adds what promoted columns it lacks."""
    table = identifier(settings.tables.source)
    if not existing:
        columns = ", ".join(f"{identifier(name)} {kind}" for name, kind in wanted.items())
        cursor.execute(f"CREATE TABLE {table} ({columns})")
        return
    for name in missing_columns(settings, existing, wanted):
        cursor.execute(f"ALTER TABLE {table} ADD COLUMN {identifier(name)} {wanted[name]}")


def log_landing(
    cursor: duckdb.DuckDBPyConnection, settings: Settings, landing: Landing, more: Mapping[str, object] = FROM_FILES
) -> None:
    """Adds a landing to the log.

    Args:
        more: Further columns of the log.
    """
    row = {**landing.logged(), **more}
    columns, values = ", ".join(row), ", ".join(f"${name}" for name in row)
    cursor.execute(f"INSERT INTO {identifier(settings.tables.landings)} ({columns}) VALUES ({values})", row)


@contextmanager
def _progress(cursor: duckdb.DuckDBPyConnection, on_progress: Callable[[float], None] | None) -> Generator[None]:
    if on_progress is None:
        yield
        return
    cursor.execute("SET enable_progress_bar = true")
    cursor.execute("SET enable_progress_bar_print = false")
    ended = threading.Event()

    def tell() -> None:
        share = 0.0
        while not ended.wait(PROGRESS_SECONDS):
            share = max(share, min(cursor.query_progress() / 100, 1.0))  # later statements start from 0 again
            on_progress(share)

    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    try:
        yield
    finally:
        ended.set()
        teller.join()
    on_progress(1.0)
