"""Versions of days, as Hypothesis draws them, and what becomes of their lines."""

import json
from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

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


CONTENTS: list[dict[str, Any]] = [
    {},
    {"n": 1},
    {"n": 2},
    {"m": {"x": 1, "y": [2]}},
    {"m": {"y": [2], "x": 1}},
    {"m": {"y": [3], "x": 1}},
]
USERS = ["u1", "u1", "u2", "u3"]
MERGED = ["merged", "u1", "u2"]
"""What users may become."""


@st.composite
def lines(draw: st.DrawFn, slot: int, most: int) -> list[str]:
    """One line of a slot's days, in which keys and copies collide often, or more that differ in their contents alone."""
    first, last = SLOTS[slot]
    insert_id = draw(st.sampled_from(["a", "a", "a", "b", None]))
    clock = draw(st.sampled_from(["00:00:00", "10:00:00", "23:59:59"]))
    instant = at(clock, draw(st.sampled_from([first, last])))
    arrived_s = draw(st.sampled_from([60, 60, 120, -7200]))
    user = draw(st.sampled_from(USERS))
    contents = draw(st.lists(st.sampled_from(CONTENTS), min_size=1, max_size=most))
    return [event(insert_id, instant, arrived_s, user, **content) for content in contents]


@st.composite
def versions(draw: st.DrawFn) -> Version:
    """Days with single lines and with equal copies."""
    slot = draw(st.integers(0, 2))
    single, equal = draw(st.lists(lines(slot, 1), max_size=5)), draw(st.lists(lines(slot, 4), max_size=1))
    return Version(slot, tuple(line for found in (*single, *equal) for line in found), draw(st.booleans()))


@st.composite
def restated(draw: st.DrawFn, before: Version) -> Version:
    """The same days after identity merges: some lines are missing, others come with their members in another order."""
    users = draw(st.fixed_dictionaries(dict.fromkeys([*USERS, *MERGED], st.sampled_from(MERGED))))
    missing = draw(st.sets(st.integers(0, len(before.lines)), max_size=2))
    reorder = draw(st.sampled_from([_as_it_is, _reversed]))
    found: list[str] = []
    for read in (json.loads(line) for nth, line in enumerate(before.lines) if nth not in missing):
        read["properties"]["distinct_id"] = users[read["properties"]["distinct_id"]]
        found.append(json.dumps(reorder(read)))
    return replace(before, lines=tuple(found), runs=draw(st.booleans()))


def _as_it_is(value: Any) -> Any:
    return value


def _reversed(value: Any) -> Any:
    """A JSON value with the members of its objects in the other order."""
    return {name: _reversed(value[name]) for name in reversed(value)} if isinstance(value, dict) else value


@st.composite
def scripts(draw: st.DrawFn, least: int) -> list[Version]:
    """Versions in the order of their delivery, some of which restate the one before."""
    found = [draw(versions())]
    for _ in range(draw(st.integers(least - 1, 4))):
        found.append(draw(restated(found[-1]) if draw(st.booleans()) else versions()))
    return found


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
