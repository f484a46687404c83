"""Which landed files the new rows of a day are from."""

from dataclasses import dataclass
from datetime import date

from mixflows.warehouse.base import Warehouse


@dataclass(frozen=True)
class NewFile:
    """A landed file that brought rows for a day since the day was published last.

    Attributes:
        source_rows: Its rows of that day.
    """

    file_name: str
    source_rows: int


def new_files(warehouse: Warehouse) -> dict[date, tuple[NewFile, ...]]:
    """The new files of each day that has any, in the order in which they were landed."""
    found: dict[date, list[NewFile]] = {}
    for row in warehouse.query("new_files"):
        found.setdefault(row["day"], []).append(NewFile(row["file_name"], int(row["source_rows"])))
    return {day: tuple(files) for day, files in found.items()}
