"""A project: a folder with settings, exports and a warehouse, where deployed runs start."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import duckdb

from mixflows.errors import WarehouseBusyError
from mixflows.pipeline.land import land_one
from mixflows.settings import load_settings
from mixflows.warehouse import close_warehouses, open_warehouse
from tests.deployments.server import eventually

T = TypeVar("T")
SETTINGS = """\
project_timezone = "Europe/Berlin"
[warehouse]
path = "mixflows.duckdb"
"""


class Project:
    """The folder. Its warehouse is open only while something is asked, since the processes of runs need it.

    A run's process lives on for a moment after the run ended.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = folder / "mixflows.duckdb"
        (folder / "mixflows.toml").write_text(SETTINGS)

    def land(self, days: Sequence[date], rows: int, twice: float = 0.001) -> None:
        """Lands days of which a share of the rows came twice."""
        settings = load_settings(self.folder / "mixflows.toml", {"warehouse": {"path": self.database}})
        file = self.write_export(f"{days[0]}.jsonl", days, rows, twice)
        warehouse = eventually(lambda: _unless_busy(lambda: open_warehouse(settings)), "the warehouse's file is free")
        try:
            land_one(warehouse, settings, file, again=False)
        finally:
            close_warehouses()

    def write_export(self, name: str, days: Sequence[date], rows: int, twice: float = 0) -> Path:
        file = self.folder / name
        of_days = ([_event(day, n) for n in range(rows)] for day in days)
        lines = (line for of_day in of_days for line in [*of_day, *of_day[: int(rows * twice)]])
        file.write_text("".join(f"{line}\n" for line in lines))
        return file

    @contextmanager
    def setting(self, text: str) -> Iterator[None]:
        """Adds to the settings' file."""
        file = self.folder / "mixflows.toml"
        before = file.read_text()
        file.write_text(before + text)
        try:
            yield
        finally:
            file.write_text(before)

    def query(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        connection = eventually(
            lambda: _unless_busy(lambda: duckdb.connect(str(self.database), read_only=True)),
            "the warehouse's file is free",
        )
        with connection:
            return connection.execute(sql, values).fetchall()

    def writes_days(self) -> None:
        """Waits until a run publishes: what it commits grows the log. The server hears of it too late to stop a run."""
        log = self.database.with_suffix(".duckdb.wal")
        eventually(lambda: log.exists() and log.stat().st_size > 20_000, "a day is published")

    def ledger(self, days: Sequence[date]) -> list[tuple[date, str, int]]:
        """Day, status and attempt of every ledger row, in order."""
        return self.query(
            "SELECT partition_date, status, attempt FROM mp_partition_runs WHERE list_contains(?, partition_date)"
            " ORDER BY partition_date, finished_at",
            list(days),
        )

    def published(self, days: Sequence[date]) -> dict[date, int]:
        """Published events of every day that has any."""
        rows = self.query(
            "SELECT partition_date, count(*) FROM mp_events WHERE list_contains(?, partition_date)"
            " GROUP BY 1 ORDER BY 1",
            list(days),
        )
        return {day: int(count) for day, count in rows}


def days_from(first: date, days: int) -> list[date]:
    return [first + timedelta(days=n) for n in range(days)]


def _unless_busy(open_it: Callable[[], T]) -> T | None:
    try:
        return open_it()
    except (duckdb.IOException, WarehouseBusyError):
        return None


def _event(day: date, n: int) -> str:
    # Noon in Berlin is the same day in UTC.
    noon = int(datetime(day.year, day.month, day.day, 11, tzinfo=UTC).timestamp())
    properties = {
        "time": noon + n % 3600,
        "distinct_id": f"u{n % 97}",
        "$insert_id": f"{day}-{n}",
        "mp_processing_time_ms": (noon + 7200) * 1000,
    }
    return json.dumps({"event": "view", "properties": properties})
