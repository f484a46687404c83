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
    allow_malformed: bool = False,
    on_progress: Callable[[float], None] | None = None,
) -> Landing:
    """Lands one raw-export file.

    Args:
        again: Whether content that was landed before is landed once more.
        allow_malformed: Whether a file of which no line, or less than half of the lines, is an event is landed.
        on_progress: Called with the share done, 0 to 1; from another thread.

    Returns:
        What was landed.

    Raises:
        LandingError: The file was refused; nothing of it was landed.
        WarehouseError: The warehouse could not take it; nothing of it was landed.
    """
    content = inspect_file(path, settings.landing, allow_malformed=allow_malformed)
    return warehouse.land(content, again=again, landed_at=datetime.now(UTC), on_progress=on_progress)
