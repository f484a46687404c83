"""Where every delivered row is: the one equation over the whole warehouse, for status and report."""

from collections.abc import Sequence
from dataclasses import dataclass

from mixflows.ledger.runs import day_states
from mixflows.model import PlanReason, Status
from mixflows.pipeline.plan import PlanRequest, expired_days, plan_days
from mixflows.settings import Settings
from mixflows.warehouse.base import Warehouse


@dataclass(frozen=True)
class Totals:
    """Rows, over everything: `delivered + retained = kept + rejected + held_back + waiting + malformed + suppressed`.

    Attributes:
        delivered: Copies in the source now, and malformed lines.
        retained: Published rows whose copies the source no longer has, or that stand beside those held back or waiting.
        kept: Rows of the published events.
        rejected: Rows of the rejected events.
        held_back: Source rows of blocked days, and those that belong to no day.
        waiting: Source rows of days that are due and not yet processed. Where a partition of the source is shared by two days,
            what is held back and waiting is told apart by the hours; their sum is exact.
        malformed: Lines that were no events.
        suppressed: Rows that a deletion list left out; 0 until there is one.
    """

    delivered: int
    retained: int
    kept: int
    rejected: int
    held_back: int
    waiting: int
    malformed: int
    suppressed: int = 0

    def __str__(self) -> str:
        left = [
            (self.delivered, "row delivered" if self.delivered == 1 else "rows delivered"),
            (self.retained, "retained"),
        ]
        right = [
            (self.kept, "kept"),
            (self.rejected, "rejected"),
            (self.held_back, "held back"),
            (self.waiting, "waiting"),
            (self.malformed, "malformed"),
            (self.suppressed, "suppressed"),
        ]
        return f"{_sum(left)} {'=' if self.holds else '≠'} {_sum(right)}"

    @property
    def holds(self) -> bool:
        """Whether the equation does."""
        told = self.kept + self.rejected + self.held_back + self.waiting + self.malformed + self.suppressed
        return self.delivered + self.retained == told


def read_totals(warehouse: Warehouse, settings: Settings) -> Totals:
    """Counts the source and the published tables, as they are now; what was retained of days that are right is the ledger's.

    Raises:
        MissingTableError: There is no source yet, or no published table.
    """
    source, without_day = warehouse.source_days()
    rows = {day.day: day.rows for day in source}
    published = warehouse.published_rows()
    states = day_states(warehouse)
    request, columns = PlanRequest(accept_rules=True), warehouse.source().columns_version
    planned = plan_days(source, states, published, settings, request, columns)
    blocked = {day for day, state in states.items() if state.status is Status.BLOCKED}
    due = {day.day for day in planned if day.reason is not PlanReason.LOOKBACK} - blocked
    counted_here = blocked | due | expired_days(source, states, settings)
    retained = sum(state.retained_rows for day, state in states.items() if day not in counted_here)
    retained += sum(sum(published.get(day, (0, 0))) for day in counted_here)
    (malformed,) = warehouse.query("report_malformed")
    delivered = sum(rows.values()) + without_day
    held_back = sum(rows.get(day, 0) for day in blocked) + without_day
    waiting = sum(rows.get(day, 0) for day in due)
    if (due or blocked or without_day) and not all(day.is_exact for day in source):
        # Which rows are in which day is not known, but how many are in all, and how many of them are published.
        right = [day for day in rows if day not in counted_here]
        left = delivered - sum(sum(published.get(day, (0, 0))) - states[day].retained_rows for day in right)
        held_back = min(held_back, left) if due else left
        waiting = left - held_back
    return Totals(
        delivered=delivered + malformed["malformed_rows"],
        retained=retained,
        kept=sum(events for events, _ in published.values()),
        rejected=sum(rejected for _, rejected in published.values()),
        held_back=held_back,
        waiting=waiting,
        malformed=malformed["malformed_rows"],
    )


def _sum(parts: Sequence[tuple[int, str]]) -> str:
    first, *others = parts
    return " + ".join(f"{rows:,} {name}" for rows, name in (first, *(part for part in others if part[0])))
