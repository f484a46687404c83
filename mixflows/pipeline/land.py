"""Landing files: each whole and in one transaction, one after the other."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from mixflows.intake.content import inspect_file
from mixflows.intake.landing import Landing
from mixflows.settings import Settings
from mixflows.warehouse.base import Warehouse


def land_one(
    warehouse: Warehouse,
    settings: Settings,
    path: Path,
    *,
    again: bool,
    on_progress: Callable[[float], None] | None = None,
) -> Landing:
    """Lands one raw-export file.

    Args:
        again: Whether content that was landed before is landed once more.
        on_progress: Called with the share done, 0 to 1; from another thread.

    Returns:
        What was landed.

    Raises:
        LandingError: The file was refused; nothing of it was landed.
        WarehouseError: The warehouse could not take it; nothing of it was landed.
    """
    content = inspect_file(path, settings.landing)
    return warehouse.land(content, again=again, landed_at=datetime.now(UTC), on_progress=on_progress)
