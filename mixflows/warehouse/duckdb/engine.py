"""The embedded engine: one DuckDB file, written by one process whose threads share it through cursors.

A staged batch is not copied: its small table of ranked copies lives in an attached in-memory database, and a view over
the source adds the plain rows. Publishing reads the source's wide rows once, on their way into the published table.
"""

import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import date, datetime
from typing import Any

import duckdb

from mixflows.days import FIRST_DAY, LAST_DAY
from mixflows.errors import MissingTableError, StatementError
from mixflows.intake.content import FileContent
from mixflows.intake.landing import Landing
from mixflows.intake.slots import Delivery, Superseded
from mixflows.model import SourceDay
from mixflows.settings import Settings
from mixflows.warehouse.base import SHORT_LIVED, BatchDay, BatchStatement, BatchTables, Params, Row, RowAccess
from mixflows.warehouse.descriptions import VIEWS
from mixflows.warehouse.dialect import date_literal, day_list
from mixflows.warehouse.duckdb.claims import Claims
from mixflows.warehouse.duckdb.columns import columns_of, marks_gone, new_columns, tables_and_views, texts_of_view
from mixflows.warehouse.duckdb.connection import LAND_FIRST, close_file, open_file, rows_of, transaction
from mixflows.warehouse.duckdb.dialect import STAGING, Days, DuckDBDialect
from mixflows.warehouse.duckdb.errors import outdated, translated
from mixflows.warehouse.duckdb.landed_days import date_anew
from mixflows.warehouse.duckdb.landing import land_file
from mixflows.warehouse.duckdb.quoting import identifier, names_table
from mixflows.warehouse.duckdb.slots import supersede
from mixflows.warehouse.duckdb.types import NATIVE_TYPES
from mixflows.warehouse.rendering import Statements
from mixflows.warehouse.source import PUBLISHED_DAY, Column, Source, days_of_source
from mixflows.warehouse.transpile import SHORT_LIVED_PREFIX, ParsedStatement, laid_out, missing_columns, parsed, quoted

LONG_LIVED = ("ledger", "quality", "profiles", "landings", "malformed")
WITHOUT_SOURCE = ("create_ledger", "create_quality", "create_profiles", "create_landings", "create_malformed")


class DuckDBWarehouse(Claims):
    """One DuckDB file with its tables.

    Args:
        settings: Names, rules, the file and its memory limit.
        must_exist: Whether the file must be there already; else it is created.

    Raises:
        MissingTableError: The file is not there.
        WarehouseBusyError: Another process holds the file.
        WarehouseFullError: The folder cannot be written.
        WarehouseError: The file is no DuckDB database.
    """

    engine = "duckdb"

    def __init__(self, settings: Settings, *, must_exist: bool = False) -> None:
        super().__init__()
        self._settings = settings
        self._path = settings.warehouse.path
        self._local = threading.local()
        self._cursors: list[duckdb.DuckDBPyConnection] = []
        self._lock = threading.RLock()
        self._parsed: dict[tuple[str, tuple[str, ...]], ParsedStatement] = {}
        self._known_source: Source | None = None
        self._root = open_file(settings, must_exist=must_exist)
        [(self._catalog, self._schema)] = self._execute("SELECT current_database(), current_schema()")

    # Tables

    def create_tables(self) -> tuple[str, ...]:
        """Creates what is missing and adds the source's new columns to the published tables; see the boundary."""
        before = self._tables()
        for role in LONG_LIVED:
            self._execute(self._written(f"create_{role}"))
            table = self._table(getattr(self._settings.tables, role))
            for name, kind in self._missing_columns(role):
                self._execute(f"ALTER TABLE {table} ADD COLUMN {identifier(name)} {kind}")
        created = [name for name in self._tables() if name not in before]
        if self._settings.tables.source.lower() in {name.lower() for name in before}:
            for role in ("events", "rejected"):
                self._execute(self._written(f"create_{role}"))
                created += self._add_new_columns(getattr(self._settings.tables, role))
            for view, read in VIEWS.items():
                if not self._reads(view, read):
                    self._execute(self._written(f"create_{view}"))
            created += [name for name in self._tables() if name not in before and name not in created]
        return tuple(created)

    def _missing_columns(self, role: str) -> list[tuple[str, str]]:
        """What one of our own tables lacks, if it is there: names and types."""
        present = [column.name for column in self._columns(getattr(self._settings.tables, role))]
        return missing_columns(self._written(f"create_{role}"), "duckdb", present) if present else []

    def _add_new_columns(self, table: str) -> list[str]:
        added = new_columns(self.source().passed_through, self._columns(table), self._settings.tables.source, table)
        for column in added:
            self._execute(f"ALTER TABLE {self._table(table)} ADD COLUMN {identifier(column.name)} {column.native_type}")
        return [f"{table}.{column.name}" for column in added]

    def _reads(self, view: str, read: str) -> bool:
        """Whether a view is there and names the table that the settings name."""
        tables = self._settings.tables
        with translated(self._path, "views"):
            return any(
                names_table(sql, getattr(tables, read)) for sql in texts_of_view(self._cursor(), getattr(tables, view))
            )

    def _tables(self) -> list[str]:
        with translated(self._path, "tables"):
            return tables_and_views(self._cursor())

    def _columns(self, table: str) -> tuple[Column, ...]:
        with translated(self._path, "columns"):
            return columns_of(self._cursor(), table)

    def _table(self, name: str) -> str:
        return f"{identifier(self._catalog)}.{identifier(self._schema)}.{identifier(name)}"

    def address(self, role: str) -> str:
        """A table as a URL: the file's name and the table's."""
        return f"duckdb://{self._path.stem}/{getattr(self._settings.tables, role)}"

    def source(self) -> Source:
        """The source's columns and roles; see the boundary."""
        with self._lock:
            if self._known_source is None:
                if not (columns := self._columns(self._settings.tables.source)):
                    raise MissingTableError(f"table {self._settings.tables.source} is not in {self._path}", LAND_FIRST)
                marked = marks_gone(self._cursor(), self._settings, columns)
                self._known_source = Source.of(columns, self._settings, words=NATIVE_TYPES, marks_gone=marked)
            return self._known_source

    # Statements

    def _rendered(self, name: str, flags: tuple[str, ...] = ()) -> str:
        """A statement in BigQuery's dialect."""
        source = None
        if name not in WITHOUT_SOURCE:
            with suppress(MissingTableError):
                source = self.source()
        tables = {
            role: ".".join(map(quoted, (self._catalog, self._schema, table)))
            for role, table in self._settings.tables.model_dump().items()
        }
        tables |= {role: f"{SHORT_LIVED_PREFIX}{role}" for role in (*SHORT_LIVED, "days")}
        return Statements(tables, self._settings, source, DuckDBDialect()).render(name, flags)

    def _written(
        self,
        name: str,
        flags: tuple[str, ...] = (),
        days: Sequence[BatchDay] = (),
        batch: BatchTables | None = None,
    ) -> str:
        """A statement in DuckDB's dialect, for days. It is rendered once."""
        with self._lock:
            if (name, flags) not in self._parsed:
                self._parsed[name, flags] = parsed(self._rendered(name, flags))
            statement = self._parsed[name, flags]
        constants = Days(days, self._settings.zone, batch)
        return statement.in_duckdb(constants.functions(), constants.tables())

    def _execute(self, sql: str, params: Params | None = None, name: str = "") -> list[tuple[Any, ...]]:
        with translated(self._path, name):
            return self._cursor().execute(sql, dict(params or {})).fetchall()

    def _rows(self, sql: str, params: Params, name: str) -> list[Row]:
        with translated(self._path, name):
            return rows_of(self._cursor(), sql, params)

    def query(self, name: str, params: Params | None = None, days: Sequence[date] = ()) -> list[Row]:
        """Runs a statement of `sql/`; see the boundary."""
        try:
            return self._rows(self._of_days(name, days), params or {}, name)
        except StatementError as err:
            lacking = {getattr(self._settings.tables, role): self._missing_columns(role) for role in LONG_LIVED}
            raise outdated(self._path, lacking) or err from err.__cause__

    def text(self, name: str, days: Sequence[date] = ()) -> str:
        """A statement of `sql/`, laid out; see the boundary."""
        return laid_out(self._of_days(name, days), "duckdb")

    def _of_days(self, name: str, days: Sequence[date]) -> str:
        return self._written(name, days=[BatchDay.of(day, self._settings) for day in days])

    def run(self, statement: BatchStatement) -> list[Row]:
        """Runs one statement over days of a batch; see the boundary."""
        sql = self._written(statement.name, statement.flags, statement.days, statement.tables)
        return self._rows(sql, statement.params, statement.name)

    def source_days(self, days: Sequence[date] | None = None) -> tuple[list[SourceDay], int]:
        """Row count and last landing per day; see the boundary."""
        found: list[SourceDay] = []
        without_day = 0
        for row in self.query("source_days", days=days_of_source(self.source(), self.query)):
            rows = int(row["source_rows"])
            if not isinstance(row["day"], date) or not FIRST_DAY <= row["day"] <= LAST_DAY:
                without_day += rows
            elif days is None or row["day"] in days:
                version = f"{rows} rows, last landed {row['last_landed']}"
                share = rows / self._settings.backfill.batch_rows
                found.append(SourceDay(row["day"], rows, version, is_exact=True, share=share))
        return found, without_day

    def published_rows(self) -> dict[date, tuple[int, int]]:
        """Row counts per day; see the boundary."""
        return {r["day"]: (int(r["event_rows"]), int(r["rejected_rows"])) for r in self.query("published_days")}

    def stage(self, copies: BatchStatement, *views: BatchStatement) -> None:
        """Makes a table of the copies, and views of the source's other rows and the copies; see the boundary."""
        for statement in (copies, *views):
            self.run(statement)

    def replace_days(self, table: str, statement: BatchStatement, rows: Mapping[date, int], *, is_empty: bool) -> None:
        """Deletes the days and inserts the SELECT's rows in one transaction; see the boundary."""
        select = self._written(statement.name, statement.flags, statement.days, statement.tables)
        target = self._table(getattr(self._settings.tables, table))
        columns = ", ".join(map(identifier, self.source().published_columns(table)))
        days = day_list(statement.days)
        with self.transaction():
            if not is_empty:
                self._execute(f"DELETE FROM {target} WHERE {identifier(PUBLISHED_DAY)} IN ({days})", {}, statement.name)
            if any(rows.values()):
                sql = f"INSERT INTO {target} ({columns}) {select}"
                self._rows(sql, statement.params, statement.name)

    def append(self, table: str, rows: Sequence[Row]) -> None:
        """Adds rows to one of our own tables; see the boundary. Each column is one parameter, whatever the number of rows."""
        if not rows:
            return
        names = list(rows[0])
        kinds = {column.name: column.native_type for column in self._columns(getattr(self._settings.tables, table))}
        values = ", ".join(f"unnest(${name}::{kinds[name]}[])" for name in names)
        columns = ", ".join(map(identifier, names))
        sql = f"INSERT INTO {self._table(getattr(self._settings.tables, table))} ({columns}) SELECT {values}"
        self._execute(sql, {name: [row[name] for row in rows] for name in names}, f"append to {table}")

    def drop_batch(self, tables: BatchTables) -> None:
        """Removes a batch's views and tables from the in-memory database; see the boundary."""
        for name in (tables.stage, tables.judged):
            self._execute(f"DROP VIEW IF EXISTS {STAGING}.main.{identifier(name)}")
        for name in (tables.copies, tables.rejected_next, tables.touched):
            self._execute(f"DROP TABLE IF EXISTS {STAGING}.main.{identifier(name)}")

    # Concurrency

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        cursor: duckdb.DuckDBPyConnection | None = getattr(self._local, "cursor", None)
        if cursor is None:
            cursor = self._root.cursor()
            cursor.execute("SET TimeZone = 'UTC'")
            self._local.cursor = cursor
            with self._lock:
                self._cursors.append(cursor)
        return cursor

    @contextmanager
    def transaction(self) -> Generator[None]:
        """One transaction of this thread's cursor; a nested one joins it."""
        if getattr(self._local, "in_transaction", False):
            yield
            return
        self._local.in_transaction = True
        try:
            with translated(self._path, "commit"), transaction(self._cursor()):
                yield
        finally:
            self._local.in_transaction = False

    together = transaction

    # Landing and auditing

    def land(
        self,
        content: FileContent,
        *,
        again: bool,
        landed_at: datetime,
        on_progress: Callable[[float], None] | None = None,
    ) -> Landing:
        """Loads one file in one transaction; see the boundary."""
        self.create_tables()
        with translated(self._path, f"landing {content.name}"):
            landing = land_file(
                self._cursor(), self._settings, content, again=again, landed_at=landed_at, on_progress=on_progress
            )
        self._source_changed()
        return landing

    def supersede(
        self,
        content: FileContent,
        delivery: Delivery,
        *,
        landed_at: datetime,
        on_progress: Callable[[float], None] | None = None,
    ) -> Superseded:
        """Makes whole days what a delivery says, in one transaction; see the boundary."""
        self.create_tables()
        with translated(self._path, f"landing {delivery.slot}"):
            superseded = supersede(
                self._cursor(), self._settings, content, delivery, landed_at=landed_at, on_progress=on_progress
            )
        self._source_changed()
        return superseded

    def _source_changed(self) -> None:
        with self._lock:
            self._known_source = None
            self._parsed.clear()
        if not self._columns(self._settings.tables.events):
            self.create_tables()  # now that there is a source

    def date_landed_rows(self) -> None:
        """Dates rows of files that were landed in another time zone, in one transaction; see the boundary."""
        with self.transaction(), translated(self._path, "dating landed rows"):
            date_anew(self._cursor(), self._settings, self.source())

    def row_access(self) -> RowAccess:
        """Great Expectations reads the staged batch's view through its own cursors."""
        return RowAccess(
            connection_string="duckdb:///:memory:",
            narrowed=self._narrowed,
            quote=identifier,
            schema_name=f"{STAGING}.main",
            engine_options={"creator": self._root.cursor},
        )

    @contextmanager
    def _narrowed(self, stage: str, columns: Sequence[str] | None, day: date | None) -> Generator[str]:
        """What is read is a view that joins at each reading."""
        name = f"{stage}_{'all' if day is None else f'{day:%Y%m%d}'}"
        target = f"{STAGING}.main.{identifier(name)}"
        selected = "*" if columns is None else ", ".join(map(identifier, columns))
        where = "" if day is None else f" WHERE mf__day = {date_literal(day)}"
        self._execute(
            f"CREATE OR REPLACE TABLE {target} AS SELECT {selected} FROM {STAGING}.main.{identifier(stage)}{where}"
        )
        try:
            yield name
        finally:
            self._execute(f"DROP TABLE IF EXISTS {target}")

    def cancel(self, run_id: str) -> None:
        """Interrupts nothing: statements end with the process, and days in flight may end."""

    def close(self) -> None:
        """Closes the file and every thread's cursor; safe to call twice."""
        with self._lock:
            for cursor in self._cursors:
                cursor.close()
            self._cursors.clear()
            close_file(self._root, (self._settings.tables.ledger, self._settings.tables.landings))
        self._local = threading.local()
