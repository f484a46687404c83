"""Lines that are no events: kept raw with number and reason, or joined where a raw line feed splits a record."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import tee
from typing import NamedTuple

import duckdb

from mixflows.intake.complete import joined
from mixflows.intake.content import FileContent, RawLine, lines_at
from mixflows.settings import Settings
from mixflows.warehouse.duckdb.events import NO_OBJECT, readings
from mixflows.warehouse.duckdb.files import Lines
from mixflows.warehouse.duckdb.quoting import identifier

FETCHED_ROWS = 10_000
BATCH_LINES, BATCH_BYTES = 10_000, 4_000_000
JOINED = "mixflows_joined_lines"


@dataclass
class Leftovers:
    """What became of the lines that are no events by themselves.

    Attributes:
        reasons: Malformed lines by reason.
        joined_rows: Lines that were joined with the line before.
        joined: The joined lines; None where there are none.
    """

    reasons: Counter[str] = field(default_factory=Counter[str])
    joined_rows: int = 0
    joined: Lines | None = None

    @property
    def malformed_rows(self) -> int:
        """Malformed lines."""
        return self.reasons.total()


def insert_malformed(
    cursor: duckdb.DuckDBPyConnection, settings: Settings, lines: Lines, content: FileContent, landed_at: datetime
) -> Leftovers:
    """Inserts the malformed lines of a file into their table, in the transaction of the caller.

    Returns:
        The counts, and the joined lines, which the caller inserts into the source; `drop_joined` ends them.
    """
    table = _Table(cursor, settings, content, landed_at)
    if content.format == "parquet":
        return Leftovers(table.insert_from(lines))
    left = Leftovers()
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE {JOINED} (position BIGINT, line VARCHAR)")
    for batch in _batches(_merged(_malformed(cursor, lines, content), content.landing.max_line_bytes)):
        left.reasons.update(table.insert([line for line in batch if line.reason is not None]))
        whole = [line for line in batch if line.reason is None]
        if whole:
            cursor.execute(
                f"INSERT INTO {JOINED} SELECT unnest($numbers), unnest($texts)",
                {"numbers": [line.number for line in whole], "texts": [line.text for line in whole]},
            )
            left.joined_rows += len(whole)
    if left.joined_rows:
        sql = f"SELECT position, CASE WHEN json_valid(line) THEN CAST(line AS JSON) END AS line FROM {JOINED}"
        left.joined = replace(lines, sql=sql, numbered_sql=sql, count=left.joined_rows)
        raw = f"(SELECT j.line FROM {JOINED} j WHERE j.position = r.position)"  # as text, also where it is no JSON
        left.reasons.update(table.insert_from(left.joined, raw))
    return left


def drop_joined(cursor: duckdb.DuckDBPyConnection) -> None:
    """Gives back what joined lines take."""
    cursor.execute(f"DROP TABLE IF EXISTS {JOINED}")


class _Line(NamedTuple):
    """A malformed line, or two lines that make one object, without a reason then."""

    number: int
    text: str
    reason: str | None


def _malformed(cursor: duckdb.DuckDBPyConnection, lines: Lines, content: FileContent) -> Iterator[tuple[RawLine, str]]:
    found, again = tee(_positions(cursor, lines))
    overlong = f"longer than {content.landing.max_line_bytes:,} bytes"
    raw = zip(lines_at(content, (position for position, _ in found)), again, strict=True)
    return ((line, overlong if line.is_overlong else reason) for line, (_, reason) in raw)


def _positions(cursor: duckdb.DuckDBPyConnection, lines: Lines) -> Iterator[tuple[int, str]]:
    """Positions of the lines that are no events, ascending, each with the reason; streamed beside the transaction."""
    reading = readings(lines, numbered=True)
    with cursor.cursor() as reader:
        reader.execute(f"{reading} SELECT position, reason FROM readings WHERE reason IS NOT NULL")
        while rows := reader.fetchmany(FETCHED_ROWS):
            yield from rows


def _merged(malformed: Iterator[tuple[RawLine, str]], max_bytes: int) -> Iterator[_Line]:
    """Joins neighbours that make one JSON object, from the top."""
    held: RawLine | None = None
    for line, reason in malformed:
        if held is not None:
            whole = None
            if reason == NO_OBJECT and line.number == held.number + 1:
                whole = joined(held.content, line.content, max_bytes)
            if whole is not None:
                yield _Line(held.number, whole.decode(), None)
                held = None
                continue
            yield _Line(held.number, held.text, NO_OBJECT)
            held = None
        if reason == NO_OBJECT and line.content.lstrip().startswith(b"{"):
            held = line
        else:
            yield _Line(line.number, line.text, reason)
    if held is not None:
        yield _Line(held.number, held.text, NO_OBJECT)


def _batches(lines: Iterator[_Line]) -> Iterator[list[_Line]]:
    batch: list[_Line] = []
    size = 0
    for line in lines:
        batch.append(line)
        size += len(line.text)
        if len(batch) >= BATCH_LINES or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


class _Table:
    """The table of malformed lines."""

    def __init__(
        self, cursor: duckdb.DuckDBPyConnection, settings: Settings, content: FileContent, landed_at: datetime
    ) -> None:
        self._cursor = cursor
        columns = "(raw_line, file_name, line_number, reason, landed_at)"
        self._insert = f"INSERT INTO {identifier(settings.tables.malformed)} {columns}"
        self._params = {"file_name": content.name, "landed_at": landed_at}

    def insert(self, lines: list[_Line]) -> Counter[str]:
        """Inserts lines; returns how many, by reason."""
        if lines:
            self._cursor.execute(
                f"{self._insert} SELECT unnest($raw), $file_name, unnest($numbers), unnest($reasons), $landed_at",
                {
                    "raw": [line.text for line in lines],
                    "numbers": [line.number for line in lines],
                    "reasons": [line.reason for line in lines],
                    **self._params,
                },
            )
        return Counter(line.reason for line in lines if line.reason is not None)

    def insert_from(self, lines: Lines, raw: str = "CAST(line AS VARCHAR)") -> Counter[str]:
        """Inserts the lines of a relation that are no events; returns how many, by reason."""
        reading = f"SELECT position, {raw} AS raw, reason FROM readings r WHERE reason IS NOT NULL"
        self._cursor.execute(
            f"{self._insert} {readings(lines, numbered=True)} SELECT raw, $file_name, position, reason, $landed_at"
            f" FROM ({reading})",
            self._params,
        )
        counts = self._cursor.execute(
            f"{readings(lines, numbered=True)} SELECT reason, count(*) FROM readings WHERE reason IS NOT NULL GROUP BY reason"
        ).fetchall()
        return Counter({str(reason): int(rows) for reason, rows in counts})
