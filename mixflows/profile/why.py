"""Why a day is blocked or flagged, in one sentence: what is wrong, by how much, and where it comes from.

This is the only place that words it. The sentence is kept in the ledger's `note`, and whoever shows a day shows it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mixflows.profile.breakdown import EVENT, FILE, HOUR, NONE, Breakdown, Counts, part_label
from mixflows.profile.profile import OTHERS
from mixflows.text import NAME_LENGTH, counted, percent, plain
from mixflows.verdict import SHARES, Finding, Severity

RATES = {
    "duplicate_rate": ("duplicates", "are duplicates"),
    "conflicting_duplicate_rate": ("conflicting", "are duplicates with other content than the copy that is kept"),
    "missing_insert_id_rate": ("missing_insert_id", "have no insert id"),
    "future_event_rate": ("future", "have an event time in the future"),
    "late_rate": ("late", "arrived later than the look-back"),
    "clock_ahead_rate": ("clock_ahead", "have an event time later than their arrival"),
    "identity_missing_rate": ("identity_missing", "have no distinct id"),
}
"""Rates of rows: what the breakdown counts of them, and what is said of the rows."""
FIGURES = {
    "volume_change": "the volume changed by a factor of {seen} (limit {bound})",
    "silent_hours": "the day's events end {seen} hours earlier than usual (limit {bound})",
    "vanished_events": "event names that come every day are missing ({seen}, limit {bound})",
    "new_events": "event names are new ({seen}, limit {bound})",
    "event_share_change": "the share of an event name changed by a factor of {seen} (limit {bound})",
    "identity_missing_change": "{seen} more of the rows than usual have no identity (limit {bound})",
    "property_type_drift": "{seen} more of the rows than usual have no value of a property (limit {bound})",
    "property_range_drift": "the numbers of a property moved by {seen} powers of ten (limit {bound})",
    "time_shift_hours": "the first copies arrive {seen} hours later after their events than usual (limit {bound})",
    "gone_events": "events are published that the source no longer has ({seen}, limit {bound})",
    "source_deletes": "published copies are no longer in the source ({seen}, limit {bound})",
}
MOST, ABOVE_ITS_SHARE = 0.5, 0.1
"""An item is named if it carries half of what is wrong, and a tenth more of it than of the rows."""
WINDOW_SHARE, WINDOW_HOURS = 0.8, 8
"""Hours are named if at most eight in a row carry four fifths of what is wrong."""
NAMED = 2


@dataclass(frozen=True)
class Carrier:
    """What carries a fault.

    Attributes:
        share: Of the rows with the fault.
        of_rows: Of all rows of the day; None where that is not known.
    """

    part: str
    name: str
    share: float
    of_rows: float | None

    def __str__(self) -> str:
        share = "all" if self.share == 1 else percent(min(self.share, 0.99), ".0f")
        name = plain(self.name, NAME_LENGTH)
        if self.name == NONE:
            return f"{share} of them without {part_label(self.part)}"
        where = {EVENT: f"event {name}", FILE: f"file {name}", HOUR: name}
        return f"{share} of them from {where.get(self.part, f'{part_label(self.part)} {name}')}"

    @property
    def is_who(self) -> bool:
        """Whether it is a property: what sends is one thing, though several properties tell of it."""
        return self.part not in (EVENT, HOUR, FILE)


def why(findings: Iterable[Finding], rows: int | None, breakdown: Breakdown | None = None) -> str:
    """Why a day is blocked or flagged; empty if every expectation passed.

    Args:
        findings: What the audit says of the day, in any order.
        rows: The day's source rows.
        breakdown: Where they come from; None if that was not counted.

    Returns:
        One sentence without a full stop: the gravest finding, what carries it, and how many others there are.
    """
    failed = gravest(findings)
    if not failed:
        return ""
    first, others = failed[0], [finding.expectation.replace("_", " ") for finding in failed[1:]]
    told = _told(first, rows, breakdown)
    if not others:
        return told
    more = f"; also failed: {', '.join(others[:NAMED])}"
    return told + more + (f" and {len(others) - NAMED:,} more" if len(others) > NAMED else "")


def gravest(findings: Iterable[Finding]) -> list[Finding]:
    """The failed findings, one an expectation, the gravest first: what blocks the day before what flags it."""
    failed = [finding for finding in findings if not finding.success]
    failed.sort(key=lambda finding: (finding.severity is not Severity.CRITICAL, *_order(finding), finding.suite))
    return list({(finding.suite, finding.expectation): finding for finding in reversed(failed)}.values())[::-1]


def carriers(breakdown: Breakdown, kind: str) -> list[Carrier]:
    """What carries a fault more than it carries rows, the most telling first; at most one of each part.

    Args:
        breakdown: The day.
        kind: One of `breakdown.KINDS`.
    """
    found = [_of_part(part, items, kind) for part, items in breakdown.parts.items()]
    telling = [c for c in found if c is not None and c.share - (c.of_rows or 0.0) >= ABOVE_ITS_SHARE]
    return sorted(telling, key=lambda c: (c.of_rows or 0.0) - c.share)


def _order(finding: Finding) -> tuple[int, str]:
    known = [*RATES, *FIGURES]
    return known.index(finding.expectation) if finding.expectation in known else -1, finding.expectation


def _told(finding: Finding, rows: int | None, breakdown: Breakdown | None) -> str:
    name, seen = finding.expectation, finding.observed_value
    if seen is None:
        rows_told = f": {counted(finding.unexpected_count, 'row')}" if finding.unexpected_count else ""
        return name.replace("_", " ") + rows_told + (f": {finding.note}" if finding.note else "")
    if name in RATES:
        kind, what = RATES[name]
        of_rows = f"of {counted(rows, 'row')}" if rows is not None else "of the rows"
        limit = "" if finding.threshold is None else f" (limit {percent(finding.threshold, 'g')})"
        return f"{percent(seen)} {of_rows} {what}{limit}{_from_where(breakdown, kind)}"
    if name in FIGURES:
        bound = "none" if finding.threshold is None else _figure(name, finding.threshold)
        told = FIGURES[name].format(seen=_figure(name, seen), bound=bound)
        return told + (f": {finding.note}" if finding.note else "")
    return str(finding)


def _from_where(breakdown: Breakdown | None, kind: str) -> str:
    if breakdown is None or not breakdown.parts:
        return ""
    found = carriers(breakdown, kind)
    senders = [carrier for carrier in found if carrier.is_who]
    named = [carrier for carrier in found if carrier not in senders[1:]][:NAMED]
    if named:
        return f": {' and '.join(map(str, named))}"
    *parts, last = (part_label(part) for part in breakdown.parts)
    return f"; no {', '.join(parts)} or {last} stands out" if parts else ""


def _of_part(part: str, items: Mapping[str, Counts], kind: str) -> Carrier | None:
    faults = {name: int(getattr(counts, kind)) for name, counts in items.items()}
    total, rows = sum(faults.values()), sum(counts.rows for counts in items.values())
    if not total:
        return None
    if part == HOUR:
        return _hours(items, faults, total, rows)
    top = max((name for name in items if name != OTHERS), key=lambda name: faults[name], default=None)
    if top is None or faults[top] < MOST * total:
        return None
    return Carrier(part, top, faults[top] / total, items[top].rows / rows if rows else None)


def _hours(items: Mapping[str, Counts], faults: Mapping[str, int], total: int, rows: int) -> Carrier | None:
    """The fewest hours in a row that carry most of it."""
    counts = {int(name[:2]): name for name in items}
    for length in range(1, WINDOW_HOURS + 1):
        windows = [[counts[hour] for hour in range(start, start + length) if hour in counts] for start in counts]
        best = max(windows, key=lambda names: sum(faults[name] for name in names))
        if (carried := sum(faults[name] for name in best)) >= WINDOW_SHARE * total:
            start = int(best[0][:2])
            of_rows = sum(items[name].rows for name in best) / rows if rows else None
            return Carrier(HOUR, f"{start:02d}:00 to {start + length:02d}:00", carried / total, of_rows)
    return None


def _figure(name: str, value: float) -> str:
    return percent(value, ".3g") if name.endswith(SHARES) else f"{value:,.3g}"
