"""The engines that the examples run on: how a test writes a source and reads tables, and nothing of what is tested."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, ClassVar, Protocol

import duckdb
import pytest

from mixflows.settings import Settings
from mixflows.warehouse import close_warehouses, open_warehouse
from mixflows.warehouse.base import Warehouse
from mixflows.warehouse.duckdb.quoting import identifier

LANDED = {
    "mp_event_name": "STRING",
    "time": "TIMESTAMP",
    "distinct_id": "STRING",
    "mp_insert_id": "STRING",
    "mp_processing_time_ms": "INT64",
    "properties": "JSON",
    "partition_date": "DATE",
    "loaded_at": "TIMESTAMP",
    "source_file": "STRING",
}
"""The columns of the source that `land` makes, in BigQuery's types."""

KEYS = ("insert_id_time", "mixpanel", "mixpanel_day")
ON_DUCKDB = pytest.mark.parametrize("engines", ["duckdb"], indirect=True)
"""For tests of what the pipeline alone decides: other tests run the same statements on BigQuery, and look at what they do."""

Value = str | int | float | bool | date | datetime | None
Row = dict[str, Any]


class Engine(Protocol):
    """One engine with an empty place for one project's tables."""

    def settings(self, sections: Mapping[str, Any]) -> Settings:
        """Settings of a project in this place."""
        ...

    def warehouse(self, settings: Settings) -> Warehouse:
        """The place's warehouse."""
        ...

    def create_table(self, table: str, columns: Mapping[str, str]) -> None:
        """Makes a table, or makes it anew."""
        ...

    def add_column(self, table: str, column: str, kind: str) -> None:
        """Adds a column, as another process would."""
        ...

    def insert(self, table: str, rows: Sequence[Mapping[str, Value]]) -> None:
        """Adds rows."""
        ...

    def delete(self, table: str, where: Mapping[str, Value]) -> int:
        """Deletes the rows that have these values, and says how many."""
        ...

    def rows(self, table: str) -> list[Row]:
        """All rows, instants in UTC."""
        ...

    def has_table(self, table: str) -> bool:
        """Whether a published or short-lived table is there."""
        ...

    def close(self) -> None:
        """Gives the place back."""
        ...


class DuckDBEngine:
    """DuckDB with its file in a folder of its own."""

    name = "duckdb"
    types: ClassVar = {
        "STRING": "VARCHAR",
        "INT64": "BIGINT",
        "TIMESTAMP": "TIMESTAMPTZ",
        "FLOAT64": "DOUBLE",
        "BOOL": "BOOLEAN",
    }

    def __init__(self, folder: Path) -> None:
        self._settings = Settings.model_validate({"warehouse": {"path": folder / "project.duckdb", "threads": 2}})

    def settings(self, sections: Mapping[str, Any]) -> Settings:
        return Settings.model_validate(self._settings.model_dump() | dict(sections))

    def warehouse(self, settings: Settings) -> Warehouse:
        self._settings = settings
        return open_warehouse(settings)

    def create_table(self, table: str, columns: Mapping[str, str]) -> None:
        close_warehouses()  # a warehouse remembers the columns that it has seen
        kinds = ", ".join(f"{identifier(name)} {self.types.get(kind, kind)}" for name, kind in columns.items())
        self._execute(f'CREATE OR REPLACE TABLE "{table}" ({kinds})')

    def add_column(self, table: str, column: str, kind: str) -> None:
        close_warehouses()
        self._execute(f'ALTER TABLE "{table}" ADD COLUMN "{column}" {self.types.get(kind, kind)}')

    def insert(self, table: str, rows: Sequence[Mapping[str, Value]]) -> None:
        if not rows:
            return
        names = list(rows[0])
        columns = ", ".join(map(identifier, names))
        places = ", ".join("(" + ", ".join("?" for _ in names) + ")" for _ in rows)
        values = [row[name] for row in rows for name in names]
        self._execute(f'INSERT INTO "{table}" ({columns}) VALUES {places}', values)

    def delete(self, table: str, where: Mapping[str, Value]) -> int:
        tests = " AND ".join(f'"{name}" IS NOT DISTINCT FROM ?' for name in where) or "TRUE"
        return len(self._execute(f'DELETE FROM "{table}" WHERE {tests} RETURNING 1', list(where.values())))

    def rows(self, table: str) -> list[Row]:
        return self._execute(f'SELECT * FROM "{table}"')

    def has_table(self, table: str) -> bool:
        return bool(self._execute("SELECT 1 FROM duckdb_tables() WHERE table_name = ?", [table]))

    def close(self) -> None:
        close_warehouses()

    def _execute(self, sql: str, values: Iterable[Value] = ()) -> list[Row]:
        warehouse = self.warehouse(self._settings)
        cursor: duckdb.DuckDBPyConnection
        with warehouse.row_access().engine_options["creator"]() as cursor:
            cursor.execute("SET TimeZone = 'UTC'")
            cursor.execute(sql, list(values))
            names = [column[0] for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
