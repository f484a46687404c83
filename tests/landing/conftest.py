"""A warehouse with the tables that landing needs, and files to land in it."""

import gzip
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from mixflows.intake.content import inspect_file
from mixflows.intake.landing import Landing
from mixflows.settings import Settings
from mixflows.warehouse.duckdb.landing import land_file

LANDED_AT = datetime(2026, 5, 1, 12, 30, tzinfo=UTC)
REAL_STREAM = Path(__file__).parents[3] / "shared" / "data" / "git_events" / "delta.jsonl.gz"

TABLES = """
CREATE TABLE mp_landings (
  file_name VARCHAR, content_hash VARCHAR, landed_at TIMESTAMPTZ, lines BIGINT, source_rows BIGINT,
  malformed_rows BIGINT, joined_rows BIGINT, dropped_fields BIGINT,
  rows_per_day STRUCT(partition_date DATE, source_rows BIGINT)[], project_timezone VARCHAR, wall_clock_unit VARCHAR,
  feed VARCHAR
);
CREATE TABLE mp_malformed_records (
  raw_line VARCHAR, file_name VARCHAR, line_number BIGINT, reason VARCHAR, landed_at TIMESTAMPTZ
)
"""


@dataclass
class Shop:
    """A warehouse in a folder of its own."""

    folder: Path
    connection: duckdb.DuckDBPyConnection

    def settings(self, **sections: Any) -> Settings:
        return Settings.model_validate({"warehouse": {"path": self.folder / "shop.duckdb"}} | sections)

    def write(self, *lines: str | bytes, name: str = "export.jsonl") -> Path:
        """Writes lines, each with a line feed."""
        path = self.folder / name
        content = b"".join((line if isinstance(line, bytes) else line.encode()) + b"\n" for line in lines)
        path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        return path

    def land(
        self,
        path: Path,
        *,
        again: bool = False,
        allow_malformed: bool = False,
        landed_at: datetime = LANDED_AT,
        on_progress: Callable[[float], None] | None = None,
        **sections: Any,
    ) -> Landing:
        settings = self.settings(**sections)
        content = inspect_file(path, settings.landing, allow_malformed=allow_malformed)
        return land_file(
            self.connection.cursor(), settings, content, again=again, landed_at=landed_at, on_progress=on_progress
        )

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self.connection.cursor().execute(sql).fetchall()

    def events(self, *columns: str) -> list[tuple[Any, ...]]:
        """The source's rows by insert id; `properties` parsed."""
        names = [name for name, *_ in self.rows("DESCRIBE mp_master_event")]
        chosen = columns or names
        rows = self.rows(f"SELECT {', '.join(chosen)} FROM mp_master_event ORDER BY mp_insert_id, properties::VARCHAR")
        return [
            tuple(json.loads(value) if name == "properties" else value for name, value in zip(chosen, row, strict=True))
            for row in rows
        ]

    def malformed(self) -> list[tuple[int, str, str]]:
        return self.rows("SELECT line_number, raw_line, reason FROM mp_malformed_records ORDER BY line_number")

    def landings(self) -> list[tuple[Any, ...]]:
        return self.rows("SELECT file_name, lines, source_rows, malformed_rows FROM mp_landings ORDER BY landed_at")

    def is_untouched(self) -> bool:
        tables = [name for (name,) in self.rows("SELECT table_name FROM duckdb_tables() ORDER BY 1")]
        return tables == ["mp_landings", "mp_malformed_records"] and not self.malformed() and not self.landings()


@contextmanager
def shop_in(folder: Path) -> Iterator[Shop]:
    connection = duckdb.connect(str(folder / "shop.duckdb"), config={"memory_limit": "1GB", "threads": 2})
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET preserve_insertion_order = false")
    connection.execute(TABLES)
    with connection:
        yield Shop(folder, connection)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with shop_in(tmp_path) as opened:
        yield opened


@pytest.fixture
def real_stream() -> Path:
    """118,766 real events with real re-deliveries; kept beside the repository, not in it."""
    if not REAL_STREAM.is_file():
        pytest.skip(f"the real stream is not at {REAL_STREAM}")
    return REAL_STREAM
