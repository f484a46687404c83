"""Each fault of the dbt design that this system replaces, shown absent."""

import random
from datetime import timedelta

from mixflows.days import DayRange
from mixflows.model import Run
from mixflows.pipeline.publish import publish_batch
from mixflows.pipeline.stage import discard_batch, stage_batch
from mixflows.verdict import Verdict
from tests.spec.project import Project
from tests.spec.tables import DAY, rows

NEXT = DAY + timedelta(days=1)

TWO_DAYS = """
    id | time      | arrival
    a  | 10:00     | 10:01
    a  | 10:00     | 10:02
    b  | 10:00     | 10:01
    a  | +1d 10:00 | +1d 10:01
"""


def test_staging_rebuilt_over_the_whole_history_every_day(project: Project) -> None:
    """Only the planned days are read."""
    project.deliver(TWO_DAYS)
    project.run()
    project.deliver("""
        id | time      | arrival
        b  | +1d 10:00 | +1d 10:01
    """)
    (planned,) = project.plan().days
    assert planned.day == NEXT
    run = Run("looking")
    batch = stage_batch(project.context(run), [planned])
    discard_batch(project.context(run), batch)
    (staged,) = batch.days
    assert (staged.figures.source_rows, staged.difference.inserted_events) == (2, 1)
    project.run()
    assert sorted(row["partition_date"] for row in project.ledger()) == [DAY, NEXT, NEXT]


def test_order_by_the_partition_key_lets_any_copy_win(project: Project) -> None:
    """A total order: arrival, then content; the same winner on shuffled input."""
    copies = rows(
        "id | time | arrival | properties\n" + "\n".join(f'a | 10:00 | 10:0{n // 3} | {{"n": {n}}}' for n in range(9))
    )
    random.Random(1).shuffle(copies)
    project.add(copies)
    project.run()
    before = project.content()
    (event,) = project.events()
    assert event["properties"] in ('{"n": 0}', '{"n": 1}', '{"n": 2}')
    project.engine.delete(project.settings.tables.source, {})
    project.add(copies[::-1])
    project.run("all")
    assert project.content() == before
    assert project.ledger()[-1]["restated_rows"] == 0


def test_rows_without_insert_id_collapse_and_are_inserted_again_by_every_merge(project: Project) -> None:
    """They are rejected with their own reason, or kept one by one; a rerun adds none either way."""
    missing = """
        id | time  | arrival | properties
        -  | 10:00 | 10:01   | {"n": 1}
        -  | 10:00 | 10:01   | {"n": 2}
        -  | 10:00 | 10:01   | {"n": 2}
    """
    project.deliver(missing)
    project.run()
    project.run("all")
    assert (project.events(), [row["rejection_reason"] for row in project.rejected()]) == (
        [],
        ["Missing insert id"] * 3,
    )
    assert project.ledger()[-1]["duplicate_rows"] == 0
    project.set(pipeline={"missing_insert_id": "keep"})
    for _ in range(2):
        project.run("all", accept_rules=True)
        assert (len(project.events()), project.rejected()) == (3, [])


def test_the_merge_joins_the_whole_target(project: Project) -> None:
    """The same key on another day is another event, and stays untouched."""
    project.set(pipeline={"key": "mixpanel_day"})
    project.deliver(TWO_DAYS)
    project.run()
    of_the_day = [row for row in project.events() if row["partition_date"] == DAY]
    project.deliver("""
        id | time      | arrival
        a  | +1d 09:00 | +1d 09:01
    """)
    project.run()
    assert project.ledger()[-1]["updated_rows"] == 1
    assert [row for row in project.events() if row["partition_date"] == DAY] == of_the_day


def test_the_update_branch_is_dead(project: Project) -> None:
    """A matched row is updated, in every column, if its winner is another copy now; and only then."""
    project.deliver(TWO_DAYS)
    project.run()
    before = project.events()
    project.deliver("""
        event | user | id | time  | arrival  | properties
        Other | u9   | b  | 10:00 | 10:00:30 | {"n": 1}
    """)
    project.run()
    project.has_events("""
        event | user | id | time      | arrival   | properties
        Open  | u1   | a  | 10:00     | 10:01     | {}
        Other | u9   | b  | 10:00     | 10:00:30  | {"n": 1}
        Open  | u1   | a  | +1d 10:00 | +1d 10:01 | {}
    """)
    changed = [row for row in project.events() if row not in before]
    assert [(row["mp_insert_id"], row["mp_event_name"]) for row in changed] == [("b", "Other")]
    assert changed[0]["source_file"] != before[0]["source_file"]
    assert (project.ledger()[-1]["updated_rows"], project.ledger()[-1]["inserted_rows"]) == (1, 0)


def test_a_late_duplicate_is_never_looked_at_and_a_late_event_is_never_loaded(project: Project) -> None:
    """Changed days are found at any lateness."""
    project.deliver(TWO_DAYS)
    project.deliver("""
        id | time        | arrival
        z  | +400d 10:00 | +400d 10:01
    """)
    project.run()
    project.deliver("""
        id | time  | arrival
        b  | 10:00 | +400d 10:00
        c  | 10:00 | +400d 10:00
    """)
    assert project.planned() == {DAY: "changed"}
    project.run()
    of_the_day = sorted(row["mp_insert_id"] for row in project.events() if row["partition_date"] == DAY)
    assert of_the_day == ["a", "b", "c"]
    project.has_rejected("""
        id | arrival
        a  | 10:02
        b  | +400d 10:00
    """)


def test_n_copies_make_n_times_n_minus_one_rejected_rows_and_history_is_erased(project: Project) -> None:
    """Exactly n - 1 rows, never the kept one; the first rejection_timestamp stays."""
    project.deliver("id | time | arrival\n" + "\n".join(f"a | 10:00 | 10:0{n}" for n in range(5)))
    project.run()
    assert [row["mp_processing_time_ms"] for row in project.events()] == [
        min(row["mp_processing_time_ms"] for row in project.engine.rows("mp_master_event"))
    ]
    assert sorted(row["row_num"] for row in project.rejected()) == [2, 3, 4, 5]
    marks = project.marks()
    project.deliver("id | time | arrival\na | 10:00 | 10:09")
    project.run()
    assert (marks - project.marks(), (project.marks() - marks).total()) == ({}, 1)


def test_a_crash_between_two_statements_reloads_the_day_and_two_runs_race(project: Project) -> None:
    """A day that was left at any point is finished by the next run; two runs never have the same day."""
    project.deliver(TWO_DAYS)
    crashed = Run("crashed")
    planned = project.plan().days[0]
    stage_batch(project.context(crashed), [planned])  # and no more
    assert (project.events(), project.rejected()) == ([], [])
    project.run()
    before = project.everything()
    # Published, and killed before it was recorded.
    project.engine.delete(project.settings.tables.ledger, {})
    project.run()
    assert project.everything() == before
    assert {row["status"] for row in project.ledger()} == {"unchanged"}
    # A second run, while the first holds the days.
    project.set(pipeline={"wait_minutes": 0})
    assert project.warehouse.claim([DAY, NEXT], "first") == {}
    second = project.run("all", days=DayRange(DAY, NEXT))
    assert (second.outcomes, set(second.held)) == ((), {DAY, NEXT})
    project.warehouse.release([DAY, NEXT], "first")


def test_two_runs_that_staged_the_same_day_publish_it_once(project: Project) -> None:
    """Even without the claim, what was staged before another run published it is not inserted again."""
    project.deliver(TWO_DAYS)
    planned = project.plan().days[0]
    contexts = [project.context(Run(name)) for name in ("one", "two")]
    staged = [stage_batch(context, [planned]) for context in contexts]
    statuses = [
        publish_batch(context, batch, {planned.day: Verdict()})[0].row.status
        for context, batch in zip(contexts, staged, strict=True)
    ]
    assert statuses[0] == "published"
    of_the_day = [row for row in project.events() if row["partition_date"] == DAY]
    assert (sorted(row["mp_insert_id"] for row in of_the_day), len(project.rejected())) == (["a", "b"], 1)
