"""The warehouse: one boundary, its engines, and how one of them is opened."""

import atexit
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager

from mixflows.errors import WarehouseBusyError
from mixflows.progress import listener
from mixflows.settings import Settings
from mixflows.warehouse.base import Warehouse
from mixflows.warehouse.checks import Check

_open: dict[str, tuple[Settings, Warehouse]] = {}
_lock = threading.Lock()
RETRY_SECONDS = 0.5
"""How long a wait for another process lasts, at least."""


def open_warehouse(settings: Settings, *, must_exist: bool = False) -> Warehouse:
    """The process's one warehouse for these settings, opened on first use and closed when the process ends.

    Threads share it. Opened again with other settings, it is closed and opened anew. Where another process holds it, it is
    waited for, and the listener is told.

    Args:
        settings: Where it is.
        must_exist: Whether DuckDB's file must be there already, as for all that only reads; else it is created.

    Raises:
        MissingTableError: The file is not there.
        WarehouseBusyError: Another process still holds it after `pipeline.wait_minutes`.
        WarehouseError: It cannot be opened; see the errors of the engine.
    """
    place = _place(settings)
    with _lock:
        if place in _open:
            held, warehouse = _open[place]
            if held == settings:
                return warehouse
            warehouse.close()
            del _open[place]
        warehouse = _when_free(settings, must_exist=must_exist)
        _open[place] = settings, warehouse
        return warehouse


@contextmanager
def borrowed(settings: Settings, *, must_exist: bool = False) -> Generator[Warehouse]:
    """The warehouse for one step: closed after it, so that other processes can have it while this one does other things.

    Args:
        settings: Where it is.
        must_exist: As for `open_warehouse`, whose errors are raised.
    """
    warehouse = open_warehouse(settings, must_exist=must_exist)
    try:
        yield warehouse
    finally:
        with _lock:
            if _open.get(_place(settings), (None, None))[1] is warehouse:
                del _open[_place(settings)]
        warehouse.close()


def diagnose(settings: Settings) -> Iterator[Check]:
    """Looks at all that a run needs of the warehouse, and says what to do about what it finds; writes nothing."""
    if settings.warehouse.engine == "bigquery":
        from mixflows.warehouse.bigquery.doctor import bigquery_checks

        return bigquery_checks(settings)
    from mixflows.warehouse.duckdb.doctor import duckdb_checks

    return duckdb_checks(settings)


def settings_for_source(settings: Settings, source: str) -> tuple[Settings, str]:
    """The settings for a source table that Mixpanel's warehouse pipeline writes, and what was found, in words.

    Args:
        settings: Name the project that runs the jobs, and the credentials.
        source: `project.dataset.table`.

    Raises:
        MixflowsError: It is not there, or it is no table of Mixpanel's.
    """
    from mixflows.warehouse.bigquery.sources import recognised_settings

    found, what = recognised_settings(settings, source)
    return found, f"{source}: {what.pipeline}, partitioned by {what.partitioning}"


def close_warehouses() -> None:
    """Closes what `open_warehouse` opened."""
    with _lock:
        for _, warehouse in _open.values():
            warehouse.close()
        _open.clear()


def _place(settings: Settings) -> str:
    if settings.warehouse.engine == "bigquery":
        return f"bigquery:{settings.bigquery.project}.{settings.bigquery.dataset}"
    return str(settings.warehouse.path.resolve())


def _when_free(settings: Settings, *, must_exist: bool) -> Warehouse:
    minutes = settings.pipeline.wait_minutes
    until = time.monotonic() + 60 * minutes
    is_waiting = False
    while True:
        try:
            return _connect(settings, must_exist=must_exist)
        except WarehouseBusyError as err:
            if time.monotonic() >= until:
                raise
            if not is_waiting:
                listener().waiting(f"{err.message}; waiting for up to {minutes:g} minutes (pipeline.wait_minutes)")
            is_waiting = True
        time.sleep(RETRY_SECONDS)


def _connect(settings: Settings, *, must_exist: bool) -> Warehouse:
    if settings.warehouse.engine == "bigquery":
        from mixflows.warehouse.bigquery.engine import BigQueryWarehouse

        return BigQueryWarehouse(settings)
    from mixflows.warehouse.duckdb.engine import DuckDBWarehouse

    return DuckDBWarehouse(settings, must_exist=must_exist)


atexit.register(close_warehouses)
