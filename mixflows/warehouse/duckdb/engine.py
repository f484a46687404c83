"""The embedded engine: one DuckDB file, written by one process whose threads share it through cursors.

A staged day is not copied: its small table of ranked copies lives in an attached in-memory database, and a view over
the source adds the plain rows. Publishing reads the source's wide rows once, on their way into the published table.
"""

import re
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from datetime import date, datetime
from functools import cached_property
from typing import Any

import duckdb

from mixflows.errors import MissingTableError, SourceColumnsError
from mixflows.intake.content import FileContent
from mixflows.intake.landing import Landing
from mixflows.model import Cost, SourceDay
from mixflows.settings import Settings
from mixflows.warehouse.base import DayStatement, DayTables, Params, Row, RowAccess
from mixflows.warehouse.duckdb.connection import STAGING, close_file, open_file
from mixflows.warehouse.duckdb.errors import translated
from mixflows.warehouse.duckdb.landing import land_file
from mixflows.warehouse.duckdb.types import BIGQUERY_TYPES, text_rule
from mixflows.warehouse.rendering import DAY_TABLES, Statements, quote
from mixflows.warehouse.source import Column, SourceShape
from mixflows.warehouse.transpile import in_duckdb, missing_columns

ROW_GROUP_ROWS = 122_880
"""DuckDB stores rows in groups of this many. Source: DuckDB's documentation of its storage."""
LONG_LIVED = ("ledger", "quality", "profiles", "landings", "malformed")


class DuckDBWarehouse:
    """One DuckDB file with its tables.

    Args:
        settings: Names, rules, the file and its memory limit.

    Raises:
        WarehouseBusyError: Another process holds the file.
        WarehouseFullError: The folder cannot be written.
        WarehouseError: The file is no DuckDB database.
    """

    engine = "duckdb"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._path = settings.warehouse.path
        self._local = threading.local()
        self._cursors: list[duckdb.DuckDBPyConnection] = []
        self._claims: dict[date, str] = {}
        self._lock = threading.RLock()
        self._writing = threading.Lock()
        self._sql: dict[tuple[str, tuple[str, ...]], str] = {}
        self._root = open_file(settings)
        self._catalog = str(self._one_value("SELECT current_database()"))

    # Tables

    def create_tables(self) -> tuple[str, ...]:
        """Makes what is missing and adds the source's new columns to the published tables; see the boundary."""
        before = self._tables()
        for role in LONG_LIVED:
            create, table = self._rendered(f"create_{role}"), str(getattr(self._settings.tables, role))
            self._execute(create, {})
            for name, kind in missing_columns(create, self.engine, [column.name for column in self._columns(table)]):
                self._execute(f"ALTER TABLE {_ident(table)} ADD COLUMN {_ident(name)} {kind}", {})
        made = [name for name in self._tables() if name not in before]
        if self._settings.tables.source in before:
            for role in ("events", "rejected"):
                self._execute(self._rendered(f"create_{role}"), {})
                made += self._add_new_columns(getattr(self._settings.tables, role))
            for view in ("duplicates_view", "reasons_view"):
                self._execute(self._rendered(f"create_{view}"), {})
            made += [name for name in self._tables() if name not in before and name not in made]
        return tuple(made)

    def _add_new_columns(self, table: str) -> list[str]:
        own = {column.name: column for column in self._columns(table)}
        added: list[str] = []
        clashes: list[str] = []
        for column in self.shape().columns:
            if column.name not in own:
                added.append(column.name)
            elif own[column.name].native_type != column.native_type:
                clashes.append(f"{column.name} ({own[column.name].native_type} became {column.native_type})")
        if clashes:
            raise SourceColumnsError(
                f"the type of a column of {self._settings.tables.source} changed against {table}: {', '.join(clashes)}",
                "Nothing was written. Change the source's column back, or rebuild the published tables under new names.",
            )
        native = {column.name: column.native_type for column in self.shape().columns}
        for name in added:
            self._execute(f"ALTER TABLE {_ident(table)} ADD COLUMN {_ident(name)} {native[name]}", {})
        return [f"{table}.{name}" for name in added]

    def _tables(self) -> list[str]:
        rows = self._execute(
            "SELECT table_name FROM duckdb_tables() WHERE database_name = $catalog", {"catalog": self._catalog}
        )
        views = self._execute(
            "SELECT view_name FROM duckdb_views() WHERE database_name = $catalog", {"catalog": self._catalog}
        )
        return [str(name) for (name,) in [*rows, *views]]

    def _columns(self, table: str) -> tuple[Column, ...]:
        rows = self._execute(
            "SELECT column_name, data_type FROM duckdb_columns() WHERE database_name = $catalog AND table_name = $name"
            " ORDER BY column_index",
            {"catalog": self._catalog, "name": table},
        )
        return tuple(Column(str(n), BIGQUERY_TYPES.get(str(t), str(t)), str(t)) for n, t in rows)

    def shape(self) -> SourceShape:
        """The source's columns and roles; see the boundary."""
        with self._lock:
            return self._shape

    @cached_property
    def _shape(self) -> SourceShape:
        columns = self._columns(self._settings.tables.source)
        if not columns:
            raise MissingTableError(
                f"table {self._settings.tables.source} is not in {self._path}", "Land files first: mixflows land FILE…"
            )
        return SourceShape.of(columns, self._settings)

    def _forget_shape(self) -> None:
        with self._lock:
            self.__dict__.pop("_shape", None)
            self._sql.clear()

    # Statements

    def _rendered(self, name: str, flags: tuple[str, ...] = ()) -> str:
        """The statement in DuckDB's dialect; a day's names and values come in by `_bound`. One thread renders it, once."""
        with self._lock:
            if (name, flags) not in self._sql:
                try:
                    shape = self.shape()
                except MissingTableError:
                    shape = None
                tables = {
                    role: f"{quote(self._catalog)}.{quote('main')}.{quote(table)}"
                    for role, table in self._settings.tables.model_dump().items()
                }
                bigquery = Statements(tables, self._settings, shape, text_rule, "VIEW").render(name, flags)
                self._sql[name, flags] = in_duckdb(bigquery)
            return self._sql[name, flags]

    def _bound(self, statement: DayStatement) -> tuple[str, Params]:
        text = self._rendered(statement.name, statement.flags)
        for name in DAY_TABLES:
            table: str = getattr(statement.tables, name)
            text = text.replace(f'"__{name}__"', f"{STAGING}.main.{_ident(table)}")
        if text.startswith("CREATE OR REPLACE VIEW"):
            # A view holds no parameters.
            return re.sub(r"\$(\w+)", lambda match: _literal(statement.params[match[1]]), text), {}
        return text, statement.params

    def _execute(self, sql: str, params: Params, name: str = "") -> list[tuple[Any, ...]]:
        used = {key: params[key] for key in set(re.findall(r"\$(\w+)", sql)) if key in params}
        with translated(self._path, name):
            return self._cursor().execute(sql, used).fetchall()

    def _one_value(self, sql: str) -> Any:
        return self._execute(sql, {})[0][0]

    def _rows(self, sql: str, params: Params, name: str) -> list[Row]:
        used = {key: params[key] for key in set(re.findall(r"\$(\w+)", sql)) if key in params}
        with translated(self._path, name):
            cursor = self._cursor().execute(sql, used)
            names = [column[0] for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def query(self, name: str, params: Params | None = None) -> list[Row]:
        """Runs a statement of `sql/`; see the boundary."""
        return self._rows(self._rendered(name), params or {}, name)

    def run(self, statement: DayStatement) -> list[Row]:
        """Runs one statement for one day; see the boundary."""
        sql, params = self._bound(statement)
        return self._rows(sql, params, statement.name)

    def source_days(self, days: Sequence[date] | None = None) -> tuple[list[SourceDay], int]:
        """Row count and last landing per day; see the boundary."""
        found: list[SourceDay] = []
        without_day = 0
        for row in self.query("source_days"):
            if row["day"] is None:
                without_day = int(row["source_rows"])
            elif days is None or row["day"] in days:
                version = f"{row['source_rows']} rows, last landed {row['last_landed']}"
                found.append(SourceDay(row["day"], int(row["source_rows"]), version))
        return found, without_day

    def replace_day(self, table: str, statement: DayStatement) -> None:
        """Deletes the day and inserts the SELECT's rows in one transaction; see the boundary."""
        select, params = self._bound(statement)
        target = _ident(getattr(self._settings.tables, table))
        columns = self._published_columns(table)
        with self.transaction():
            if params.get("source_rows", 0) >= ROW_GROUP_ROWS:
                self._queue_for_writing()
            held = self._execute(f"SELECT COUNT(*) FROM {target} WHERE partition_date = $day", params)[0][0]
            source = f"({select})"
            if held:
                # The rows may come from the day that is about to be deleted.
                self._execute(f"CREATE OR REPLACE TEMP TABLE mixflows_next AS {select}", params, statement.name)
                self._execute(f"DELETE FROM {target} WHERE partition_date = $day", params, statement.name)
                source = "mixflows_next"
            self._execute(f"INSERT INTO {target} ({columns}) SELECT * FROM {source}", params, statement.name)
            if held:
                self._execute("DROP TABLE mixflows_next", {})

    def _published_columns(self, table: str) -> str:
        names = [c.name for c in self.shape().columns]
        if not self.shape().has_day_column:
            names.append("partition_date")
        if table == "rejected":
            names += ["row_num", "rejection_reason", "rejection_timestamp", "is_exact_copy", "run_id"]
        return ", ".join(_ident(name) for name in names)

    def append(self, table: str, rows: Sequence[Row]) -> None:
        """Adds rows to the ledger or the quality results; see the boundary."""
        if not rows:
            return
        names = list(rows[0])
        columns = ", ".join(_ident(n) for n in names)
        values = ", ".join("(" + ", ".join("?" for _ in names) + ")" for _ in rows)
        sql = f"INSERT INTO {_ident(getattr(self._settings.tables, table))} ({columns}) VALUES {values}"
        with translated(self._path, f"append to {table}"):
            self._cursor().execute(sql, [row[n] for row in rows for n in names])

    def drop_stage(self, tables: DayTables) -> None:
        """Removes a day's view and tables from the in-memory database; see the boundary."""
        self._execute(f"DROP VIEW IF EXISTS {STAGING}.main.{_ident(tables.stage)}", {})
        for name in (tables.copies, tables.rejected_next):
            self._execute(f"DROP TABLE IF EXISTS {STAGING}.main.{_ident(name)}", {})

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
        cursor = self._cursor()
        with translated(self._path, "begin"):
            cursor.execute("BEGIN TRANSACTION")
        self._local.in_transaction = True
        try:
            yield
            with translated(self._path, "commit"):
                cursor.execute("COMMIT")
        except BaseException:
            with suppress(duckdb.Error):
                cursor.execute("ROLLBACK")
            raise
        finally:
            self._local.in_transaction = False
            if getattr(self._local, "queued", False):
                self._local.queued = False
                self._writing.release()

    def _queue_for_writing(self) -> None:
        """Lets one transaction at a time write a large day, until it ends.

        Side by side, large days leave row groups that are part full, and the next checkpoint writes them all once more.
        """
        if not getattr(self._local, "queued", False):
            self._writing.acquire()
            self._local.queued = True

    def claim(self, days: Sequence[date], holder: str) -> dict[date, str]:
        """Claims days within this process, which is the only one that can write the file; see the boundary."""
        with self._lock:
            held = {day: self._claims[day] for day in days if self._claims.get(day, holder) != holder}
            self._claims |= {day: holder for day in days if day not in held}
        return held

    def release(self, days: Sequence[date], holder: str) -> None:
        """Gives claimed days back; see the boundary."""
        with self._lock:
            for day in days:
                if self._claims.get(day) == holder:
                    del self._claims[day]

    # Landing, auditing, cost

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
        self._forget_shape()
        return landing

    def price(self, statement: DayStatement, replaces: str | None = None) -> int | None:
        """DuckDB bills nothing."""
        return None

    def source_bytes(self) -> int | None:
        """DuckDB bills nothing."""
        return None

    def cost(self, day: date) -> Cost:
        """DuckDB bills nothing."""
        return Cost()

    def row_access(self) -> RowAccess:
        """Great Expectations reads the staged day's view through its own cursors."""
        return RowAccess(
            connection_string="duckdb:///:memory:",
            schema_name=f"{STAGING}.main",
            engine_options={"creator": self._root.cursor},
            narrowed=self._narrowed,
        )

    @contextmanager
    def _narrowed(self, stage: str, columns: Sequence[str]) -> Generator[str]:
        """The staged day is a view that joins at each reading."""
        name = f"{stage}_narrow"
        target = f"{STAGING}.main.{_ident(name)}"
        selected = ", ".join(_ident(column) for column in columns)
        self._execute(f"CREATE OR REPLACE TABLE {target} AS SELECT {selected} FROM {STAGING}.main.{_ident(stage)}", {})
        try:
            yield name
        finally:
            self._execute(f"DROP TABLE IF EXISTS {target}", {})

    def cancel(self, run_id: str) -> None:
        """Nothing: its statements end with the process, and days in flight are let end."""

    def close(self) -> None:
        """Closes every thread's cursor and the file; safe to call twice."""
        with self._lock:
            for cursor in self._cursors:
                cursor.close()
            self._cursors.clear()
            close_file(self._root, (self._settings.tables.ledger, self._settings.tables.landings))
        self._local = threading.local()


def _ident(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(value: Any) -> str:
    match value:
        case datetime():
            return f"TIMESTAMPTZ '{value.isoformat()}'"
        case date():
            return f"DATE '{value.isoformat()}'"
        case int():
            return str(value)
        case _:
            raise TypeError(f"no literal for {type(value).__name__}")
