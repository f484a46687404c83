"""The tables do not depend on the order of arrival, the landings, the order of days, concurrency or reruns."""

from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.oracle.oracle import Copy, deduplicate
from tests.property.streams import (
    Row,
    Rules,
    deliver,
    deliveries,
    examples_on,
    many_streams_for,
    on_both,
    published,
    run,
)
from tests.property.test_oracle_agrees import RULES, OnEngine, use


@pytest.mark.parametrize(("engine", "rules"), on_both(RULES[::5]), ids=str)
def test_any_delivery_gives_the_same_tables(project_on: OnEngine, engine: str, rules: Rules) -> None:
    project = project_on(engine)
    use(project, rules)
    key, keep, missing = rules

    @examples_on(engine, 3)
    @given(st.data())
    def holds(data: st.DataObject) -> None:
        stream: list[Row] = data.draw(many_streams_for(engine))
        delivery = data.draw(deliveries(stream))
        deliver(project, delivery)
        events, rejected = deduplicate(map(Copy.of, stream), key=key, keep=keep, missing=missing)
        assert published(project) == (Counter(events), Counter(rejected))
        before = project.everything()
        run(project, delivery, "all")
        assert project.everything() == before
        last = {row["partition_date"]: row["status"] for row in project.ledger()}
        assert set(last.values()) == {"unchanged"}

    holds()


@pytest.mark.parametrize(("engine", "missing"), [("duckdb", "reject"), ("duckdb", "keep"), ("bigquery", "reject")])
def test_a_copy_that_was_rejected_keeps_its_first_mark(project_on: OnEngine, engine: str, missing: str) -> None:
    """Unless it became the winner meanwhile, or an equal copy did."""
    project = project_on(engine)
    use(project, ("insert_id_time", "first", missing))

    @examples_on(engine, 3)
    @given(st.data())
    def holds(data: st.DataObject) -> None:
        stream: list[Row] = data.draw(many_streams_for(engine))
        delivery = data.draw(deliveries(stream))
        deliver(project, delivery)
        before = Counter({mark: rows for mark, rows in project.marks().items() if mark[1] is not None})
        # Later copies of the same, so that no winner changes.
        again = [
            {**row, "mp_processing_time_ms": int((row["time"] + timedelta(days=9)).timestamp() * 1000)}
            for row in stream
            if row["time"] is not None
        ]
        if again:
            project.add(again)
            run(project, delivery)
        gone = before - project.marks()
        # A copy of unknown arrival yields to any that is known: only it can stop being the winner.
        assert sum(gone.values()) == 0

    holds()
