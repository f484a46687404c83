"""The warehouse: one boundary, its engines, and how one of them is opened."""

import atexit
import threading

from mixflows.settings import Settings
from mixflows.warehouse.boundary import Warehouse

_open: dict[str, tuple[Settings, Warehouse]] = {}
_lock = threading.Lock()


def open_warehouse(settings: Settings) -> Warehouse:
    """The process's one warehouse for these settings, opened on first use and closed when the process ends.

    Threads share it. Opened again with other settings, it is closed and opened anew.

    Raises:
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
        warehouse = _connect(settings)
        _open[place] = settings, warehouse
        return warehouse


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


def _connect(settings: Settings) -> Warehouse:
    if settings.warehouse.engine == "bigquery":
        from mixflows.warehouse.bigquery_engine import BigQueryWarehouse

        return BigQueryWarehouse(settings)
    from mixflows.warehouse.duckdb_engine import DuckDBWarehouse

    return DuckDBWarehouse(settings)


atexit.register(close_warehouses)
