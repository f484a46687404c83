"""Copies vanish from the source while others arrive: `apply` forgets them, `keep` loses nothing."""

import json
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.oracle.oracle import KEYS, Copy, deduplicate, milliseconds
from tests.property.streams import CONTENTS, Row, Rules, clear, examples_on, on_both, published, streams_for
from tests.property.test_oracle_agrees import RULES, OnEngine
from tests.spec.project import Project


def change(project: Project, engine: str, data: st.DataObject, key: str) -> tuple[Counter[Copy], Counter[Copy]]:
    """Delivers a stream and runs it, then takes some copies away, lands some again, adds others or not, and runs again.

    Those that are landed again have their members in another order. Where no others are added, copies of one key and one
    instant may have different content.

    Returns:
        What was delivered first, and what the source has in the end.
    """
    streams = streams_for(engine)
    stream: list[Row] = data.draw(streams)
    conflicting = data.draw(st.one_of(st.just([]), st.lists(st.sampled_from(CONTENTS), min_size=2, max_size=4)))
    stream = [*(stream[0] | {"properties": content} for content in conflicting), *stream]
    numbers = range(len(stream))
    gone = data.draw(st.sets(st.sampled_from(numbers), min_size=1))
    again = data.draw(st.one_of(st.sets(st.sampled_from(numbers)), st.just(set(numbers)))) - gone
    later: list[Row] = data.draw(st.one_of(st.just([]), streams))
    if later:
        stream, later = [told_apart(row, key) for row in stream], [told_apart(row, key) for row in later]
    clear(project)
    project.add([row | {"source_file": str(number)} for number, row in enumerate(stream)])
    project.run()
    for number in gone | again:
        assert project.engine.delete("mp_master_event", {"source_file": str(number)}) == 1
    reordered = [stream[number] | {"properties": members_reversed(stream[number]["properties"])} for number in again]
    project.add([row | {"loaded_at": row["loaded_at"] + timedelta(days=1)} for row in (*later, *reordered)])
    assert project.run().exit_code == 0
    if engine == "bigquery":
        # The API server does not tell when a partition changed: a day with as many rows as before looks the same.
        assert project.run("all").exit_code == 0
    return Counter(map(Copy.of, stream)), Counter(map(Copy.of, project.engine.rows("mp_master_event")))


def members_reversed(properties: str) -> str:
    """The same object, with its members in the other order."""
    return json.dumps(dict(reversed(json.loads(properties).items())))


def told_apart(row: Row, key: str) -> Row:
    """The row, with its content and its distinct id decided by the rest of its key and its arrival.

    A copy that goes while another of its key and its instant comes is one whose content was restated.
    """
    arrival = row["mp_processing_time_ms"]
    if arrival is None and key == "mixpanel_day":
        arrival = milliseconds(row["time"]) if row["time"] else 0
    decided = {"mp_processing_time_ms": arrival, "properties": CONTENTS[(arrival or 0) // 1000 % len(CONTENTS)]}
    return row | decided | {"distinct_id": "u1"} | ({"mp_event_name": "Open"} if key == "insert_id_time" else {})


def unversioned(copies: Counter[Copy]) -> Counter[Copy]:
    return Counter(replace(copy, loaded_at=None) for copy in copies.elements())


def changes_nothing_again(project: Project) -> None:
    """But for the files of equal copies that were landed at one instant: only a full run looks at them."""
    content = project.content()
    assert project.run("all").exit_code == 0
    assert project.content() == content
    before = project.everything()
    assert project.run("all").exit_code == 0
    assert project.everything() == before
    last = {row["partition_date"]: row["status"] for row in project.ledger()}
    assert set(last.values()) <= {"unchanged"}


@pytest.mark.parametrize(("engine", "rules"), on_both(RULES[::5]), ids=str)
def test_apply_gives_what_the_source_has_now(project_on: OnEngine, engine: str, rules: Rules) -> None:
    project = project_on(engine)
    key, keep, missing = rules
    project.set(pipeline={"key": key, "keep": keep, "missing_insert_id": missing, "source_deletes": "apply"})

    @examples_on(engine, 5)
    @given(st.data())
    def holds(data: st.DataObject) -> None:
        _, source = change(project, engine, data, key)
        events, rejected = deduplicate(source.elements(), key=key, keep=keep, missing=missing)
        assert published(project) == (Counter(events), Counter(rejected))
        changes_nothing_again(project)

    holds()


@pytest.mark.parametrize(("engine", "rules"), on_both(RULES[1::5]), ids=str)
def test_keep_has_every_copy_that_ever_was(project_on: OnEngine, engine: str, rules: Rules) -> None:
    project = project_on(engine)
    key, keep, missing = rules
    project.set(pipeline={"key": key, "keep": keep, "missing_insert_id": missing, "source_deletes": "keep"})

    @examples_on(engine, 5)
    @given(st.data())
    def holds(data: st.DataObject) -> None:
        before, source = change(project, engine, data, key)
        # Equal content under another version is the same copy.
        events, rejected = published(project, versions=False)
        found = events + Counter({r.copy: 0 for r in rejected})
        for r, rows in rejected.items():
            found[r.copy] += rows
        assert found == unversioned(before) | unversioned(source)
        keys = Counter((c.day, *(getattr(c, part) for part in KEYS[key])) for c in events.elements() if c.id)
        assert max(keys.values(), default=1) == 1
        changes_nothing_again(project)

    holds()
