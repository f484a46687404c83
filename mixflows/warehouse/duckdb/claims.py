"""Claims of days within this process, which is the only one that can write the file."""

import threading
from collections.abc import Sequence
from datetime import date

from mixflows.errors import DayHeldError


class Claims:
    """The part of the engine that knows which run holds which days; see `mixflows.warehouse.base.Warehouse`."""

    def __init__(self) -> None:
        self._claiming = threading.Lock()
        self._holders: dict[date, str] = {}

    def claim(self, days: Sequence[date], holder: str) -> dict[date, str]:
        """Claims what is free; returns the days that others hold, each with its holder."""
        with self._claiming:
            held = {day: self._holders[day] for day in days if self._holders.get(day, holder) != holder}
            self._holders |= {day: holder for day in days if day not in held}
        return held

    def fence(self, days: Sequence[date], holder: str) -> None:
        """Raises DayHeldError where a day is not the holder's."""
        with self._claiming:
            for day in days:
                if (owner := self._holders.get(day, "")) != holder:
                    raise DayHeldError(f"{day} is held by run {owner}", "Run it again.", owner)

    def release(self, days: Sequence[date], holder: str) -> None:
        """Gives the holder's claims back."""
        with self._claiming:
            for day in days:
                if self._holders.get(day) == holder:
                    del self._holders[day]
