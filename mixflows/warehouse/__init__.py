"""The warehouse: one boundary, its engines, and how one of them is opened."""

import atexit
import threading
from pathlib import Path

from mixflows.settings import Settings
from mixflows.warehouse.boundary import Warehouse

_open: dict[Path, tuple[Settings, Warehouse]] = {}
_lock = threading.Lock()


def open_warehouse(settings: Settings) -> Warehouse:
    """The process's one warehouse for these settings, opened on first use and closed when the process ends.

    Threads share it. Opened again with other settings, the file is closed and opened anew.

    Raises:
        WarehouseError: It cannot be opened; see the errors of the engine.
    """
    from mixflows.warehouse.duckdb_engine import DuckDBWarehouse

    path = settings.warehouse.path.resolve()
    with _lock:
        if path in _open:
            held, warehouse = _open[path]
            if held == settings:
                return warehouse
            warehouse.close()
            del _open[path]
        warehouse = DuckDBWarehouse(settings)
        _open[path] = settings, warehouse
        return warehouse


def close_warehouses() -> None:
    """Closes what `open_warehouse` opened."""
    with _lock:
        for _, warehouse in _open.values():
            warehouse.close()
        _open.clear()


atexit.register(close_warehouses)
