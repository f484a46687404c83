"""Landing files: each whole and in one transaction, as more copies or as all that there is of whole days."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from mixflows.intake.content import FileContent, inspect_file
from mixflows.intake.landing import Landing
from mixflows.intake.slots import Delivery, Superseded
from mixflows.settings import Settings
from mixflows.text import plain
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


def supersede(
    warehouse: Warehouse,
    settings: Settings,
    delivery: Delivery,
    *,
    content: FileContent | None = None,
    allow_malformed: bool = False,
    on_progress: Callable[[float], None] | None = None,
) -> Superseded:
    """Makes whole days what a delivery says of them, in place of earlier ones. Writes nothing where it says what is there already.

    Args:
        content: The file as `inspect_file` found it with the same settings, if somebody inspected it already.
        allow_malformed: Whether a file of which no line, or less than half of the lines, is an event is landed.
        on_progress: Called with the share done, 0 to 1; from another thread.

    Raises:
        ShrunkError: A day lost more than 0.1 % of its events, and at least 10, or all of them; nothing was written.
        LandingError: The file was refused; nothing was written.
        UsageError: The days were landed with times in another unit or in another time zone.
        WarehouseError: The warehouse could not take it; nothing was written.
    """
    content = content or inspect_file(delivery.file, settings.landing, allow_malformed=allow_malformed)
    named = replace(content, name=plain(delivery.slot))
    return warehouse.supersede(named, delivery, landed_at=datetime.now(UTC), on_progress=on_progress)
