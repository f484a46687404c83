"""Any script of versions of days, in any order, with runs between or not: plain Python comes to the same tables."""

import json
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixflows.pipeline.totals import read_totals
from tests.oracle.oracle import Copy
from tests.slots.days import DAY, Days, at, counts, event
from tests.slots.oracle import Source, by_copy
from tests.support.examples import examples

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


RULES = [
    ("insert_id_time", "first", "reject", None),
    ("insert_id_time", "latest", "keep", "apply"),
    ("mixpanel", "first", "keep", None),
    ("mixpanel", "latest", "reject", None),
    ("mixpanel_day", "first", "reject", "block"),
    ("mixpanel_day", "latest", "keep", "keep"),
]


ON_BIGQUERY = (RULES[1], RULES[3])
"""An example takes many times as long there."""


@pytest.mark.parametrize(
    ("made", "key", "keep", "missing", "deletes"),
    [*(("duckdb", *rules) for rules in RULES), *(("bigquery", *rules) for rules in ON_BIGQUERY)],
    indirect=["made"],
)
def test_plain_python_agrees(made: Days, key: str, keep: str, missing: str, deletes: str | None) -> None:
    days = made
    days.project.set(pipeline={"key": key, "keep": keep, "missing_insert_id": missing, "source_deletes": deletes})

    @examples(2 if days.project.engine.name == "duckdb" else 1)
    @given(st.lists(versions(), min_size=1, max_size=5))
    def holds(script: list[Version]) -> None:
        days.clear()
        source = Source(key, keeps=deletes in (None, "keep"))
        for version in script:
            first, last = SLOTS[version.slot]
            told = days.deliver(*version.lines, first=first, last=last, accept_shrink=[first, last])
            delivered = [copy_of(row, told.landing.landed_at) for row in version.lines]
            end = at("00:00:00", last) + timedelta(days=1)
            assert counts(told) == source.supersede(delivered, at("00:00:00", first), end, told.landing.landed_at)
            if version.runs:
                days.run()
        days.run()
        rows = days.rows("source")
        assert by_copy([row for row in rows if row["gone_since"] is None]) == Counter(source.live)
        assert by_copy([row for row in rows if row["gone_since"] is not None]) == Counter(source.gone)
        events, rejected = source.published(keep, missing)
        assert by_copy(days.rows("events")) == events
        assert Counter((Copy.of(row), row["rejection_reason"]) for row in days.rows("rejected")) == rejected
        totals = read_totals(days.project.warehouse, days.project.settings)
        assert (totals.holds, totals.delivered) == (True, len(source.live)), totals

    holds()


def copy_of(line: str, loaded_at: datetime) -> Copy:
    """What becomes of a line."""
    read: dict[str, Any] = json.loads(line)
    members = read["properties"]
    time = datetime.fromtimestamp(members.pop("time"), UTC)
    return Copy.of(
        {
            "mp_event_name": read["event"],
            "distinct_id": members.pop("distinct_id"),
            "mp_insert_id": members.pop("$insert_id"),
            "time": time,
            "mp_processing_time_ms": members.pop("mp_processing_time_ms"),
            "properties": json.dumps(members),
            "partition_date": time.date(),
            "loaded_at": loaded_at,
        }
    )
