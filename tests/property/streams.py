"""Random streams of copies in which keys collide often, and the ways in which they can be delivered."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import hypothesis
from hypothesis import strategies as st

from tests.oracle.oracle import Copy, Rejected
from tests.spec.project import Project
from tests.spec.tables import DAY, instant
from tests.support.examples import examples

Row = dict[str, Any]

TEN = instant("10:00")
TIMES = [TEN, TEN, TEN, instant("00:00"), instant("23:59:59.999999"), instant("+1d 00:00"), None]
DELAYS_S = [0, 0, 1, None, -3600, -3601, 4 * 86400]
"""From a copy's time to its arrival: unknown, as early as may be, too early, and as late as what counts as late."""
LANDED_AT = [datetime(2026, 6, 1, hour, tzinfo=UTC) for hour in (1, 2, 2)]
"""A copy's version does not depend on the order in which copies are delivered."""
CONTENTS = [
    "{}",
    '{"a": 1, "b": {"c": [1, null], "d": 2}}',
    '{"b": {"d": 2, "c": [1, null]}, "a": 1, "e": null}',
    '{"a": 2}',
]


@st.composite
def copies(draw: st.DrawFn) -> Row:
    """One row of the source."""
    time = draw(st.sampled_from(TIMES))
    delay = draw(st.sampled_from(DELAYS_S))
    arrived = None if delay is None else (time or instant("12:00")) + timedelta(seconds=delay)
    return {
        "mp_event_name": draw(st.sampled_from(["Open", "Open", "Open", None])),
        "distinct_id": draw(st.sampled_from(["u1", "u1", "u1", "", None])),
        "mp_insert_id": draw(st.sampled_from(["a", "a", "a", "b", "", None])),
        "time": time,
        "mp_processing_time_ms": None if arrived is None else int(arrived.timestamp() * 1000),
        "properties": draw(st.sampled_from(CONTENTS)),
        "partition_date": DAY if time is None else time.date(),
        "loaded_at": draw(st.sampled_from(LANDED_AT)),
    }


long_streams = st.lists(copies(), min_size=12, max_size=30)
streams = st.one_of(st.lists(copies(), min_size=1, max_size=4), long_streams)

APART = timedelta(days=10)
"""From one stream's days to the next one's: nothing of one is late in another."""


def days_apart(several: Sequence[Sequence[Row]]) -> list[Row]:
    """Several streams as one, each on days of its own: a run of many days costs little more than a run of one."""
    return [moved(row, number * APART) for number, stream in enumerate(several) for row in stream]


def moved(row: Row, by: timedelta) -> Row:
    """The same copy of a later day."""
    time, arrived = row["time"], row["mp_processing_time_ms"]
    return row | {
        "time": time and time + by,
        "mp_processing_time_ms": arrived and arrived + by // timedelta(milliseconds=1),
        "partition_date": row["partition_date"] + by,
    }


many_streams = st.lists(streams, min_size=4, max_size=6).map(days_apart)

Rules = tuple[str, str, str]
"""Key, keep, and what becomes of rows without insert id."""


def on_both(rules: Sequence[Rules]) -> list[tuple[str, Rules]]:
    """Rules with the engine that they are tried on: all on DuckDB, every fifth on BigQuery."""
    return [("duckdb", rule) for rule in rules] + [("bigquery", rule) for rule in rules[::5]]


def examples_on(engine: str, on_duckdb: int) -> hypothesis.settings:
    """How many examples: on BigQuery, where one takes half a minute, one, and twenty in `make test-long`."""
    return examples(on_duckdb if engine == "duckdb" else 1)


def streams_for(engine: str) -> st.SearchStrategy[list[Row]]:
    """Streams of any length or, where examples are few, long ones."""
    return streams if engine == "duckdb" else long_streams


@dataclass(frozen=True)
class Delivery:
    """How a stream is delivered: its rows in an order, in several landings, each followed by a run or not."""

    landings: tuple[tuple[Row, ...], ...]
    runs: tuple[bool, ...]
    batch_days: int
    newest_first: bool


@st.composite
def deliveries(draw: st.DrawFn, stream: list[Row]) -> Delivery:
    """One way to deliver a stream."""
    order = draw(st.permutations(stream))
    cuts = sorted(draw(st.sets(st.integers(1, max(1, len(order) - 1)), max_size=3)))
    landings = tuple(tuple(order[start:end]) for start, end in zip([0, *cuts], [*cuts, len(order)], strict=True))
    runs = tuple(draw(st.lists(st.booleans(), min_size=len(landings), max_size=len(landings))))
    days = len({row["partition_date"] for row in stream})
    batch_days = draw(st.sampled_from([max(1, days // 3), days]))
    return Delivery(landings, runs, batch_days, draw(st.booleans()))


def many_streams_for(engine: str) -> st.SearchStrategy[list[Row]]:
    """Several streams, days apart, for a test whose runs cost more than its rows; on BigQuery one."""
    return many_streams if engine == "duckdb" else long_streams


def deliver(project: Project, delivery: Delivery) -> None:
    """Empties the project, delivers the stream and runs it to its end."""
    clear(project)
    for landing, runs in zip(delivery.landings, delivery.runs, strict=True):
        if landing:
            project.add(landing)
        if runs:
            run(project, delivery)
    run(project, delivery)


def run(project: Project, delivery: Delivery, mode: str = "due") -> None:
    """Runs what is due, the way the delivery does; nothing may fail."""
    project.set(backfill={"batch_days": delivery.batch_days})
    result = project.run(mode, newest_first=delivery.newest_first)
    assert result.exit_code == 0, [outcome.row.error for outcome in result.outcomes]


def clear(project: Project) -> None:
    """Empties the source, the published tables and the ledger."""
    for table in ("source", "events", "rejected", "ledger", "quality", "landings"):
        project.engine.delete(getattr(project.settings.tables, table), {})


def published(project: Project, *, versions: bool = True) -> tuple[Counter[Copy], Counter[Rejected]]:
    """Both published tables as the oracle writes them.

    Args:
        versions: Whether copies have `loaded_at`.
    """
    only = {} if versions else {"loaded_at": None}
    events = Counter(Copy.of(row | only) for row in project.events())
    rejected = Counter(
        Rejected(Copy.of(row | only), row["row_num"], row["rejection_reason"], row["is_exact_copy"])
        for row in project.rejected()
    )
    return events, rejected
