"""Superseding whole days: a newer complete delivery replaces what an earlier one said of them."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from mixflows.intake.content import FileContent, inspect_file
from mixflows.intake.slots import Delivery, Superseded
from mixflows.settings import Settings
from mixflows.text import plain
from mixflows.warehouse.base import Warehouse


def supersede(
    warehouse: Warehouse,
    settings: Settings,
    delivery: Delivery,
    *,
    content: FileContent | None = None,
    allow_malformed: bool = False,
    on_progress: Callable[[float], None] | None = None,
) -> Superseded:
    """Makes the days of a delivery what it says. Nothing is written where it says what is there already.

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
    return warehouse.supersede(
        replace(content, name=plain(delivery.slot)),
        delivery,
        landed_at=datetime.now(UTC),
        on_progress=on_progress,
    )
