"""Rows that cannot be an event by themselves, and rows without insert id where the policy keeps them."""

from collections import Counter

import pytest

from mixflows.model import Run
from mixflows.pipeline.stage import discard_batch, sampled, stage_batch
from tests.spec.project import Project
from tests.spec.tables import DAY, rows


def test_each_invalid_row_is_rejected_with_its_own_reason(project: Project) -> None:
    project.deliver("""
        id | time  | arrival  | day
        a  | 10:00 | 10:01    | 0d
        -  | 10:00 | 10:01    | 0d
        '' | 10:00 | 10:01    | 0d
        b  | -     | 10:01    | 0d
        -  | -     | 10:01    | 0d
        c  | 10:00 | 08:00    | 0d
        -  | 10:00 | 08:00    | 0d
    """)
    project.run()
    project.has_events("""
        id
        a
    """)
    project.has_rejected("""
        id | time  | arrival | num | reason                   | exact
        -  | 10:00 | 10:01   | -   | Missing insert id        | -
        '' | 10:00 | 10:01   | -   | Missing insert id        | -
        b  | -     | 10:01   | -   | Missing event time       | -
        -  | -     | 10:01   | -   | Missing event time       | -
        c  | 10:00 | 08:00   | -   | Event time in the future | -
        -  | 10:00 | 08:00   | -   | Missing insert id        | -
    """)
    assert project.ledger()[-1]["duplicate_rows"] == 0


def test_the_future_begins_after_the_tolerance_of_the_copys_own_arrival(project: Project) -> None:
    project.set(pipeline={"future_tolerance_seconds": 60})
    project.deliver("""
        id | time  | arrival
        a  | 10:01 | 10:00
        b  | 10:01 | 09:59:59.999
        c  | 10:01 | -
        d  | 2199-01-01T00:00:00Z | 2199-01-01T00:00:00Z
    """)
    project.run()
    project.has_events("""
        id
        a
        c
        d
    """)
    project.has_rejected("""
        id | reason
        b  | Event time in the future
    """)


def test_an_invalid_copy_never_stands_in_the_way_of_a_valid_one(project: Project) -> None:
    project.deliver("""
        id | time  | arrival
        a  | 10:00 | 08:00
        a  | 10:00 | 10:01
    """)
    project.run()
    project.has_events("""
        id | arrival
        a  | 10:01
    """)
    project.has_rejected("""
        id | arrival | num | reason
        a  | 08:00   | -   | Event time in the future
    """)


def test_rows_without_insert_id_are_kept_each_by_itself_where_the_policy_says_so(project: Project) -> None:
    project.set(pipeline={"missing_insert_id": "keep"})
    project.deliver("""
        id | time  | arrival | properties
        -  | 10:00 | 10:01   | {"n": 1}
        -  | 10:00 | 10:01   | {"n": 1}
        -  | 10:00 | 10:02   | {"n": 1}
        -  | 10:00 | 10:01   | {"n": 2}
        '' | 10:00 | 10:01   | {"n": 1}
        a  | 10:00 | 10:01   | {}
        a  | 10:00 | 10:02   | {}
        -  | -     | 10:01   | {}
        -  | 10:00 | 08:00   | {}
    """)
    project.run()
    project.has_events("""
        id | arrival | properties
        -  | 10:01   | {"n": 1}
        -  | 10:01   | {"n": 1}
        -  | 10:02   | {"n": 1}
        -  | 10:01   | {"n": 2}
        '' | 10:01   | {"n": 1}
        a  | 10:01   | {}
    """)
    project.has_rejected("""
        id | arrival | num | reason
        a  | 10:02   | 2   | Duplicate event
        -  | 10:01   | -   | Missing event time
        -  | 08:00   | -   | Event time in the future
    """)
    before = project.everything()
    for _ in range(2):
        project.run("all")
        assert (project.status(), project.everything()) == ("unchanged", before)


@pytest.mark.parametrize("key", ["insert_id_time", "mixpanel_day"])
def test_a_further_identical_row_without_insert_id_adds_one(project: Project, key: str) -> None:
    project.set(pipeline={"missing_insert_id": "keep", "key": key})
    row = """
        id | time  | arrival
        -  | 10:00 | 10:01
    """
    project.deliver(row)
    project.run()
    project.deliver(row)
    project.run()
    assert (len(project.events()), project.status(), project.ledger()[-1]["inserted_rows"]) == (2, "published", 1)
    project.run("all")
    assert (len(project.events()), project.status()) == (2, "unchanged")
    project.has_no_rejected()


def test_the_policy_for_missing_ids_can_change_once_accepted(project: Project) -> None:
    project.deliver("""
        id | time  | arrival
        -  | 10:00 | 10:01
        a  | 10:00 | 10:01
    """)
    project.run()
    assert (len(project.events()), len(project.rejected())) == (1, 1)
    project.set(pipeline={"missing_insert_id": "keep"})
    project.run(accept_rules=True)
    assert (len(project.events()), len(project.rejected()), project.status()) == (2, 0, "published")
    project.set(pipeline={"missing_insert_id": "reject"})
    project.run(accept_rules=True)
    assert (len(project.events()), len(project.rejected()), project.status()) == (1, 1, "published")


def test_rows_that_belong_to_no_day_are_counted_by_the_plan(project: Project) -> None:
    project.deliver("""
        id | time  | arrival | day
        a  | 10:00 | 10:01   | 0d
        b  | -     | 10:01   | -
        c  | 2200-01-01T00:00:00Z | 10:01 | 2200-01-01
        d  | 1899-12-31T23:59:59Z | 10:01 | 1899-12-31
    """)
    assert project.plan().rows_without_day == 3
    project.run()
    assert (len(project.events()), len(project.rejected())) == (1, 0)


def test_of_many_equal_rows_a_few_are_shown(project: Project) -> None:
    invalid, copy = rows("id | time | arrival\n- | 10:00 | 10:05\na | 10:00 | 10:05")
    project.add([*[invalid] * 12, *[copy] * 12])
    context = project.context(Run("samples"))
    batch = stage_batch(context, project.plan().days)
    shown = sampled(context, batch, [DAY])[DAY]
    discard_batch(context, batch)
    assert Counter(sample["reason"] for sample in shown) == {"Missing insert id": 5, "Duplicate event": 2}
