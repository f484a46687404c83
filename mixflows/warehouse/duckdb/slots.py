"""Supersedes whole days in DuckDB, in the transaction that reads the delivery."""

from collections.abc import Callable
from datetime import datetime

import duckdb

from mixflows.intake.content import FileContent
from mixflows.intake.refusals import refuse_other_feed, refuse_stale
from mixflows.intake.slots import Delivery, Superseded
from mixflows.settings import Settings
from mixflows.warehouse.base import Params, Row
from mixflows.warehouse.duckdb.columns import columns_of, make_gone_since
from mixflows.warehouse.duckdb.connection import rows_of, transaction
from mixflows.warehouse.duckdb.dialect import Days, DuckDBDialect
from mixflows.warehouse.duckdb.landing import land_lines, log_landing, opened
from mixflows.warehouse.duckdb.quoting import identifier
from mixflows.warehouse.duckdb.refusals import landed_before, refuse_outside
from mixflows.warehouse.duckdb.types import NATIVE_TYPES
from mixflows.warehouse.rendering import Statements
from mixflows.warehouse.slots import (
    SHORT_LIVED,
    Slot,
    SlotExpressions,
    after,
    project_days,
    refuse_without_version,
)
from mixflows.warehouse.source import Source
from mixflows.warehouse.transpile import parsed, quoted

TABLES = {role: f"mixflows_{role}" for role in SHORT_LIVED}
"""Temporary tables, by role."""


class _UnchangedError(Exception):
    """Nothing is to be written: what was written to find that out is rolled back."""

    def __init__(self, superseded: Superseded) -> None:
        super().__init__()
        self.superseded = superseded


def supersede(
    cursor: duckdb.DuckDBPyConnection,
    settings: Settings,
    content: FileContent,
    delivery: Delivery,
    *,
    landed_at: datetime,
    on_progress: Callable[[float], None] | None,
) -> Superseded:
    """Makes the days of a delivery what it says, in one transaction.

    Args:
        cursor: Outside any transaction; our own tables are there.
        settings: Names, units, the key and what becomes of copies that are gone.
        content: The inspected file; its rows and lines are known by `content.name`, which is the slot's name.
        delivery: The slot and its days.
        landed_at: UTC; the version of what changes, unless the slot has a later one.
        on_progress: Is told the share of the file that was read, 0 to 1, from another thread.

    Raises:
        ShrunkError: A day lacks events, more than is likely, and is not accepted.
        LandingError: Rows lie outside the days, or as `land_file`.
        UsageError: The source is fed from elsewhere, the slot's times count another unit, or the source is dated in another time zone.
        SourceColumnsError: A column of the source is missing, has another type, or is named like the mark of gone copies.
        duckdb.Error: Anything else that DuckDB refuses. After any of these errors nothing was written.
    """
    refuse_without_version(settings, delivery)
    before = landed_before(cursor, settings, content)
    refuse_other_feed(settings, before, delivery.feed)
    refuse_stale(settings, before, delivery.slot)
    landed_at = after(landed_at, before.last_landed_at)
    try:
        with opened(cursor, settings, content, on_progress) as lines, transaction(cursor):
            apart = _malformed_apart(cursor, settings)
            landing = land_lines(cursor, apart, content, lines, landed_at, TABLES["incoming"])
            refuse_outside(cursor, settings, delivery, landing, TABLES["incoming"])
            make_gone_since(cursor, settings)
            statements = _Statements(cursor, settings, delivery)
            slot = Slot(statements.run, settings, delivery, landing)
            compared = slot.compare()
            superseded = compared.superseded
            if superseded.status == "unchanged":
                raise _UnchangedError(superseded)
            for name, flags in compared.writes:
                statements.run(name, flags, slot.params)
            log_landing(cursor, settings, landing, compared.logged)
            for table in TABLES.values():
                cursor.execute(f"DROP TABLE IF EXISTS {table}")
    except _UnchangedError as unchanged:
        superseded = unchanged.superseded
    return superseded


def _malformed_apart(cursor: duckdb.DuckDBPyConnection, settings: Settings) -> Settings:
    """The settings with a temporary table for malformed lines, which is made."""
    table, malformed = TABLES["incoming_malformed"], identifier(settings.tables.malformed)
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT * FROM {malformed} LIMIT 0")
    return settings.model_copy(update={"tables": settings.tables.model_copy(update={"malformed": table})})


class _Statements:
    """The statements of one slot, in DuckDB's dialect."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, settings: Settings, delivery: Delivery) -> None:
        self._cursor = cursor
        source = Source.of(columns_of(cursor, settings.tables.source), settings, words=NATIVE_TYPES, marks_gone=True)
        dialect, settings = DuckDBDialect(), source.spelled(settings)
        tables = {role: quoted(name) for role, name in settings.tables.model_dump().items()}
        tables |= TABLES
        expressions = SlotExpressions(source, settings, dialect, delivery)
        self._statements = Statements(tables, settings, source, dialect, slot=expressions, temporary="TEMP ")
        self._days = Days(project_days(settings, delivery), settings.zone)

    def run(self, name: str, flags: tuple[str, ...], params: Params) -> list[Row]:
        """Runs a statement; see `mixflows.warehouse.slots.Slot`."""
        sql = parsed(self._statements.render(name, flags)).in_duckdb(self._days.functions(), {})
        return rows_of(self._cursor, sql, params)
