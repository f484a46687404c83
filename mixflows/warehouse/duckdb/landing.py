"""Lands one raw-export file in DuckDB: the engine reads, checks and types the lines; one transaction holds all of it.

The file is read once for its events. Only where lines are missing from that count is it read again, in order and for
little more than its times, to tell which lines they are and why.
"""

import threading
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime
from itertools import tee

import duckdb

from mixflows.errors import AlreadyLandedError, LandingError, SourceColumnsError, WarehouseFullError
from mixflows.intake.content import FileContent, RawLine, lines_at
from mixflows.intake.landing import Landing, promoted_columns
from mixflows.settings import Settings
from mixflows.warehouse.duckdb.events import LOOKS_LIKE, OUT_OF_RANGE, event_properties, event_values, readings
from mixflows.warehouse.duckdb.files import Lines, identifier, lines_of, literal

FETCHED_ROWS = 10_000
BATCH_LINES, BATCH_CHARACTERS = 10_000, 4_000_000
PROGRESS_SECONDS = 0.2


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
        AlreadyLandedError: The same content was landed before, and not `again`. Empty files may be landed any time.
        LandingError: The file cannot be read, changed while it was read, or counts time in another unit.
        SourceColumnsError: A column of the source is missing or has another type.
        SettingsError: A property cannot become the column that its name asks for.
        WarehouseFullError: No space is left, or the folder cannot be written.
        duckdb.Error: Anything else that DuckDB refuses. After any of these errors nothing of the file was landed.
    """
    if content.landing != settings.landing:
        raise ValueError("the file was inspected with other settings than it is landed with")
    promoted_columns(settings)
    _refuse_changed(content)
    if content.size_bytes and not again:
        _refuse_known(cursor, settings, content)
    with _progress(cursor, on_progress), lines_of(cursor, settings, content) as lines, _transaction(cursor):
        rows_per_day = _insert_events(cursor, settings, lines, content, landed_at)
        source_rows = sum(rows for _, rows in rows_per_day)
        reasons = Counter[str]()
        if source_rows < lines.count:
            insert = _insert_malformed_rows if content.format == "parquet" else _insert_malformed_lines
            reasons = insert(cursor, settings, lines, content, landed_at)
            _refuse_wrong_unit(content, lines, reasons, source_rows)
        _refuse_changed(content)
        landing = Landing(
            file_name=content.path.name,
            content_hash=content.content_hash,
            lines=lines.count,
            source_rows=source_rows,
            malformed_rows=reasons.total(),
            rows_per_day=rows_per_day,
            landed_at=landed_at,
        )
        if landing.lines != landing.source_rows + landing.malformed_rows:
            raise LandingError(
                f"{content.path} has {landing.lines:,} lines, but {landing.source_rows:,} were read as events and"
                f" {landing.malformed_rows:,} as malformed; nothing of it was landed",
                "Please report this: lines and rows are counted apart, and must agree.",
            )
        _log(cursor, settings, landing)
    return landing


# What is refused


def _refuse_changed(content: FileContent) -> None:
    try:
        status = content.path.stat()
    except OSError as err:
        raise LandingError(f"{content.path} cannot be read: {err.strerror}", "Nothing of it was landed.") from err
    if (status.st_mtime_ns, status.st_size) != content.stamp:
        raise LandingError(
            f"{content.path} changed while it was read; nothing of it was landed", "Land it when it is complete."
        )


def _refuse_known(cursor: duckdb.DuckDBPyConnection, settings: Settings, content: FileContent) -> None:
    known = cursor.execute(
        f"SELECT file_name, epoch_ms(landed_at) FROM {identifier(settings.tables.landings)}"
        " WHERE content_hash = ? ORDER BY landed_at DESC LIMIT 1",
        [content.content_hash],
    ).fetchall()
    if known:
        name, landed_ms = known[0]
        landed = datetime.fromtimestamp(landed_ms / 1000, UTC)
        raise AlreadyLandedError(
            f"the content of {content.path} was landed before, as {name} on {landed:%Y-%m-%d at %H:%M:%S} UTC",
            "Leave it, or land its copies once more with --again.",
        )


def _refuse_wrong_unit(content: FileContent, lines: Lines, reasons: Mapping[str, int], plausible: int) -> None:
    unit = content.landing.time_unit
    wrong = reasons.get(LOOKS_LIKE[lines.time_unit], 0) + reasons.get(OUT_OF_RANGE, 0)
    if wrong > plausible:
        other = "ms" if unit == "s" else "s"
        raise LandingError(
            f"{content.path}: {wrong:,} of its {wrong + plausible:,} times cannot count what landing.time_unit says"
            f' ("{unit}"); nothing of it was landed',
            f'An export in the other unit? Set landing.time_unit = "{other}".',
        )


# What is written


def _insert_events(
    cursor: duckdb.DuckDBPyConnection, settings: Settings, lines: Lines, content: FileContent, landed_at: datetime
) -> tuple[tuple[date, int], ...]:
    table = identifier(settings.tables.source)
    existing = _columns(cursor, settings.tables.source)
    properties = event_properties(settings, _present(cursor, settings, lines, content, existing))
    columns = event_values(settings, lines, properties)
    _make_columns(cursor, settings, existing, {name: kind for name, (kind, _) in columns.items()})
    [(last_row,)] = cursor.execute(f"SELECT coalesce(max(rowid), -1) FROM {table}").fetchall()
    values = ",\n  ".join(f"{sql} AS {identifier(name)}" for name, (_, sql) in columns.items())
    day = settings.columns.partition_date
    # A day's rows side by side are what makes reading one day of a long history cheap.
    order = "" if day is None or content.in_day_order else f"ORDER BY {identifier(day)}"
    cursor.execute(
        f"INSERT INTO {table} BY NAME {readings(lines, properties)} SELECT\n  {values}\n"
        f"FROM readings WHERE reason IS NULL {order}",
        {"file_name": content.path.name} | ({} if settings.columns.loaded_at is None else {"landed_at": landed_at}),
    )
    counted = (
        identifier(day)
        if day is not None
        else f"CAST({identifier(settings.columns.time)} AT TIME ZONE {literal(settings.project_timezone)} AS DATE)"
    )
    # This transaction's rows come after all that were there: counted as they stand in the table, not as they were read.
    days = cursor.execute(
        f"SELECT {counted} AS day, count(*) FROM {table} WHERE rowid > ? GROUP BY day ORDER BY day", [last_row]
    ).fetchall()
    return tuple((day, int(rows)) for day, rows in days)


def _present(
    cursor: duckdb.DuckDBPyConnection,
    settings: Settings,
    lines: Lines,
    content: FileContent,
    existing: Mapping[str, str],
) -> list[str]:
    """The promoted properties that the file or the source has."""
    in_file = set(content.properties if lines.names is None else lines.names)
    return [name for name, column in promoted_columns(settings).items() if name in in_file or column in existing]


def _columns(cursor: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    rows = cursor.execute(
        "SELECT lower(column_name), data_type FROM duckdb_columns()"
        " WHERE database_name = current_database() AND schema_name = current_schema() AND lower(table_name) = lower(?)",
        [table],
    ).fetchall()
    return {str(name): str(kind) for name, kind in rows}


def _make_columns(
    cursor: duckdb.DuckDBPyConnection, settings: Settings, existing: Mapping[str, str], wanted: Mapping[str, str]
) -> None:
    """Creates the source, or adds what promoted columns it lacks."""
    table = settings.tables.source
    if not existing:
        columns = ", ".join(f"{identifier(name)} {kind}" for name, kind in wanted.items())
        cursor.execute(f"CREATE TABLE {identifier(table)} ({columns})")
        return
    clashes = [
        f"{name} is {existing[name.lower()]}, but {kind} is landed"
        for name, kind in wanted.items()
        if name.lower() in existing and existing[name.lower()] != kind
    ]
    promoted = set(promoted_columns(settings).values())
    missing = [name for name in wanted if name.lower() not in existing]
    clashes += [f"{name} is missing" for name in missing if name not in promoted]
    if clashes:
        raise SourceColumnsError(
            f"table {table} does not fit what is landed: {'; '.join(clashes)}. Nothing was landed",
            "Name the columns in [columns], the types in landing.promote, or another table as tables.source.",
        )
    for name in missing:
        cursor.execute(f"ALTER TABLE {identifier(table)} ADD COLUMN {identifier(name)} {wanted[name]}")


def _insert_malformed_rows(
    cursor: duckdb.DuckDBPyConnection, settings: Settings, lines: Lines, content: FileContent, landed_at: datetime
) -> Counter[str]:
    reading = f"{readings(lines, numbered=True)} SELECT position, CAST(line AS VARCHAR) AS raw, reason FROM readings"
    cursor.execute(
        f"INSERT INTO {identifier(settings.tables.malformed)} (raw_line, file_name, line_number, reason, landed_at)"
        f" SELECT raw, $file_name, position, reason, $landed_at FROM ({reading}) WHERE reason IS NOT NULL",
        {"file_name": content.path.name, "landed_at": landed_at},
    )
    counts = cursor.execute(
        f"SELECT reason, count(*) FROM ({reading}) WHERE reason IS NOT NULL GROUP BY reason"
    ).fetchall()
    return Counter({str(reason): int(rows) for reason, rows in counts})


def _insert_malformed_lines(
    cursor: duckdb.DuckDBPyConnection, settings: Settings, lines: Lines, content: FileContent, landed_at: datetime
) -> Counter[str]:
    counts = Counter[str]()
    found, again = tee(_malformed(cursor, lines))
    overlong = f"longer than {content.landing.max_line_bytes:,} bytes"
    raw = zip(lines_at(content, (position for position, _ in found)), again, strict=True)
    for batch in _batches((line, overlong if line.is_overlong else reason) for line, (_, reason) in raw):
        cursor.execute(
            f"INSERT INTO {identifier(settings.tables.malformed)} (raw_line, file_name, line_number, reason, landed_at)"
            " SELECT unnest($raw), $file_name, unnest($numbers), unnest($reasons), $landed_at",
            {
                "raw": [line.text for line, _ in batch],
                "numbers": [line.number for line, _ in batch],
                "reasons": [reason for _, reason in batch],
                "file_name": content.path.name,
                "landed_at": landed_at,
            },
        )
        counts.update(reason for _, reason in batch)
    return counts


def _malformed(cursor: duckdb.DuckDBPyConnection, lines: Lines) -> Iterator[tuple[int, str]]:
    """Positions of the lines that are no events, ascending, each with the reason; streamed beside the transaction."""
    reading = readings(lines, numbered=True)
    with cursor.cursor() as reader:
        reader.execute(f"{reading} SELECT position, reason FROM readings WHERE reason IS NOT NULL")
        while rows := reader.fetchmany(FETCHED_ROWS):
            yield from rows


def _batches(lines: Iterable[tuple[RawLine, str]]) -> Iterator[list[tuple[RawLine, str]]]:
    batch: list[tuple[RawLine, str]] = []
    characters = 0
    for line, reason in lines:
        batch.append((line, reason))
        characters += len(line.text)
        if len(batch) >= BATCH_LINES or characters >= BATCH_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def _log(cursor: duckdb.DuckDBPyConnection, settings: Settings, landing: Landing) -> None:
    cursor.execute(
        f"INSERT INTO {identifier(settings.tables.landings)}"
        " (file_name, content_hash, landed_at, lines, source_rows, malformed_rows, rows_per_day)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            landing.file_name,
            landing.content_hash,
            landing.landed_at,
            landing.lines,
            landing.source_rows,
            landing.malformed_rows,
            [{"partition_date": day, "source_rows": rows} for day, rows in landing.rows_per_day],
        ],
    )


@contextmanager
def _transaction(cursor: duckdb.DuckDBPyConnection) -> Generator[None]:
    cursor.execute("BEGIN")
    try:
        yield
    except BaseException:
        with suppress(duckdb.Error):  # some errors have rolled back already
            cursor.execute("ROLLBACK")
        raise
    try:
        cursor.execute("COMMIT")
    except duckdb.TransactionException as err:
        if "Could not write" not in str(err):
            raise
        # Not an IOException here, as everywhere else: the log beside the file is written when the transaction ends.
        raise WarehouseFullError(
            f"the warehouse cannot be written: {str(err).splitlines()[0]}",
            "Free space or fix the folder's rights; nothing was half-written, run the same command again.",
        ) from err


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
