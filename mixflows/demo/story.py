"""What happens to the made-up shop, and on which days."""

from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True)
class DemoSpec:
    """What to make. The same spec gives the same lines, and with the same zlib the same bytes.

    Attributes:
        seed: Of all chance.
        last_day: Last day of the first batch, in UTC; the second batch brings the day after it.
        days: Days of the first batch, at least 10.
        events: Different events to make, over the days of both batches, at least 500 a day; visits are not cut short,
            and what would be delivered after the second batch is left out, so that some more or fewer come.
        duplicate_rate: Further copies as a share of a usual day's rows.
        retry_duplicate_rate: The same on the day of the faulty release; above the critical bound.
        flaky_duplicate_rate: The same on the day of the flaky phone network; above the warning bound only.

    Raises:
        ValueError: The days or the events are too few to tell the story.
    """

    seed: int = 2026
    last_day: date = date(2026, 6, 30)
    days: int = 30
    events: int = 325_000
    duplicate_rate: float = 0.0011
    retry_duplicate_rate: float = 0.04
    flaky_duplicate_rate: float = 0.007

    def __post_init__(self) -> None:
        if self.days < 10:
            raise ValueError(f"{self.days} days are too few for the demo's story: at least 10")
        if self.events < 500 * (self.days + 1):
            raise ValueError(f"{self.events} events are too few for {self.days + 1} days: at least 500 a day")

    @property
    def first_day(self) -> date:
        """First day of the first batch."""
        return self.last_day - timedelta(days=self.days - 1)

    @property
    def new_day(self) -> date:
        """The day that only the second batch brings; also the day when all of that batch is delivered."""
        return self.last_day + timedelta(days=1)

    @property
    def flaky_day(self) -> date:
        """The day of the flaky phone network: enough phones send twice for a warning."""
        return self._at(0.3)

    @property
    def retry_day(self) -> date:
        """The day of the faulty release of the web SDK, which sends everything again: its duplicates block the day."""
        return self._at(0.58)

    @property
    def held_back_days(self) -> tuple[date, ...]:
        """Days of which some phones' events arrive on the new day: seven and three days after they happened."""
        return (self.last_day - timedelta(days=6), self.last_day - timedelta(days=2))

    @property
    def downloaded_again_days(self) -> tuple[date, ...]:
        """Old days of which the second batch repeats some lines."""
        return (self._at(0.4), self._at(0.5))

    def _at(self, share: float) -> date:
        return self.first_day + timedelta(days=int(self.days * share))
