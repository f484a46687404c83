"""What fetching days again still found, by their age, so that the ladder of ages can be chosen from one's own data."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from mixflows.days import day_start, each_day


@dataclass(frozen=True)
class AgeFigures:
    """Rows that differed in days that were fetched again. A fetch that found no difference is not in the landing log.

    Attributes:
        after_days: The last age of `fetch.again_after_days` that the days had reached; 0 before the first.
        days: Days of the fetches that found a difference, once for each time; of a range, all its days.
        restated_rows: Rows with other content.
        new_rows: Rows that no earlier fetch had.
        back_rows: Rows that were gone and came back.
        gone_rows: Rows that the source had and Mixpanel has not any more.
    """

    after_days: int
    days: int = 0
    restated_rows: int = 0
    new_rows: int = 0
    back_rows: int = 0
    gone_rows: int = 0


def ages(landed: Iterable[Mapping[str, Any]], ladder: Sequence[int], zone: ZoneInfo) -> tuple[AgeFigures, ...]:
    """Adds up the fetches of days that were fetched before, by age, ascending; ages that found nothing are left out.

    Args:
        landed: The rows of `report_fetched`.
        ladder: `fetch.again_after_days`.
        zone: The zone of the days.
    """
    known: set[date] = set()
    found: dict[int, AgeFigures] = {}
    for row in landed:
        days = set(each_day(row["first_day"], row["last_day"]))
        is_again, known = not known.isdisjoint(days), known | days
        counts = {name: row[name] or 0 for name in ("restated_rows", "new_rows", "back_rows", "gone_rows")}
        if not is_again or not any(counts.values()):
            continue
        age = (row["landed_at"].astimezone(UTC) - day_start(row["last_day"] + timedelta(days=1), zone)).days
        rung = max((step for step in ladder if step <= age), default=0)
        so_far = found.get(rung, AgeFigures(rung))
        sums = {name: getattr(so_far, name) + count for name, count in counts.items()}
        found[rung] = replace(so_far, days=so_far.days + len(days), **sums)
    return tuple(figures for _, figures in sorted(found.items()))
