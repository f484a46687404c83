"""The slot: whole days that a file delivers again and again, and what one more delivery did to the source."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

from mixflows.days import days_words, each_day
from mixflows.intake.landing import Landing

Feed = Literal["files", "mixpanel", "table"]


@dataclass(frozen=True)
class Delivery:
    """One complete delivery of whole days.

    Attributes:
        file: A complete export of exactly these days.
        slot: What the days are known by in `source_file` and in the landing log; the same each time they are delivered.
        first_day: On the clock of `landing.time_zone`, which is the export's own.
        last_day: Likewise, included.
        feed: Where the file comes from.
        accept_shrink: Those of its days that may lose events.
    """

    file: Path
    slot: str
    first_day: date
    last_day: date
    feed: Feed = "files"
    accept_shrink: frozenset[date] = frozenset()

    @property
    def days(self) -> list[date]:
        """Each of its days."""
        return each_day(self.first_day, self.last_day)

    def __str__(self) -> str:
        return days_words(self.first_day, self.last_day)


@dataclass(frozen=True)
class Superseded:
    """What a delivery did to its days, in rows: `landing.source_rows = same + restated + new + back`.

    Attributes:
        status: `unchanged` where nothing at all was written.
        landing: The file's own counts; stands in the log unless the slot is unchanged.
        same: Copies that were there already; untouched.
        restated: Copies whose content is another now; replaced.
        new: Copies that no earlier delivery had.
        back: Copies that had gone and are delivered again.
        gone: Copies that an earlier delivery had and this one lacks; marked or, by `pipeline.source_deletes`, removed.
        days: The days (`partition_date`) whose rows changed.
    """

    slot: str
    status: Literal["unchanged", "landed"]
    landing: Landing
    same: int
    restated: int
    new: int
    back: int
    gone: int
    days: tuple[date, ...]

    @property
    def lines(self) -> int:
        """Lines of the file that are not blank."""
        return self.landing.lines

    @property
    def malformed(self) -> int:
        """Lines of the file that are no events."""
        return self.landing.malformed_rows
