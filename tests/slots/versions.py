"""Versions of days, as Hypothesis draws them, and what becomes of their lines."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from hypothesis import strategies as st

from mixflows.pipeline.totals import read_totals
from tests.oracle.oracle import Copy
from tests.slots.days import DAY, Days, at, event
from tests.slots.oracle import Source, by_copy

NEXT = DAY + timedelta(days=1)
SLOTS = ((DAY, DAY), (NEXT, NEXT), (DAY, NEXT))


@dataclass(frozen=True)
class Version:
    """One delivery of days, and whether a run follows."""

    slot: int
    lines: tuple[str, ...]
    runs: bool


@st.composite
def lines(draw: st.DrawFn, slot: int) -> str:
    """One line of a slot's days, in which keys and copies collide often."""
    first, last = SLOTS[slot]
    return event(
        draw(st.sampled_from(["a", "a", "a", "b", None])),
        at(draw(st.sampled_from(["00:00:00", "10:00:00", "23:59:59"])), draw(st.sampled_from([first, last]))),
        draw(st.sampled_from([60, 60, 120, -7200])),
        draw(st.sampled_from(["u1", "u1", "u2", "u3"])),
        **draw(st.sampled_from([{}, {"n": 1}, {"m": {"x": 1, "y": [2]}}, {"m": {"y": [2], "x": 1}}])),
    )


@st.composite
def versions(draw: st.DrawFn) -> Version:
    slot = draw(st.integers(0, 2))
    return Version(slot, tuple(draw(st.lists(lines(slot), max_size=7))), draw(st.booleans()))


def superseded(source: Source, version: Version, landed_at: datetime) -> Counter[str]:
    """Makes the source's days what a version says; tells what `Source.supersede` tells."""
    first, last = SLOTS[version.slot]
    delivered = [Copy.of_line(line, landed_at) for line in version.lines]
    return source.supersede(delivered, at("00:00:00", first), at("00:00:00", last) + timedelta(days=1), landed_at)


def check_tables(days: Days, source: Source, keep: str, missing: str) -> None:
    """Every table holds what plain Python comes to."""
    rows = days.rows("source")
    assert by_copy([row for row in rows if row["gone_since"] is None]) == Counter(source.live)
    assert by_copy([row for row in rows if row["gone_since"] is not None]) == Counter(source.gone)
    events, rejected = source.published(keep, missing)
    assert by_copy(days.rows("events")) == events
    assert Counter((Copy.of(row), row["rejection_reason"]) for row in days.rows("rejected")) == rejected
    totals = read_totals(days.project.warehouse, days.project.settings)
    assert (totals.holds, totals.delivered) == (True, len(source.live)), totals
