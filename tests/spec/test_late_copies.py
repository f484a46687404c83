"""What a copy that lands later changes, and what a rerun does not."""

import pytest

from tests.spec.project import Project
from tests.spec.tables import DAY, rows

TWO_COPIES = """
    id | time  | arrival | properties
    a  | 10:00 | 10:05   | {"n": 5}
    a  | 10:00 | 10:07   | {"n": 7}
    b  | 10:00 | 10:01   | {}
"""


def test_a_rerun_writes_nothing(project: Project) -> None:
    project.deliver(TWO_COPIES)
    project.run()
    before = project.everything()
    for _ in range(2):
        project.run("all")
        row = project.ledger()[-1]
        assert (row["status"], row["inserted_rows"], row["updated_rows"], row["deleted_rows"]) == ("unchanged", 0, 0, 0)
        assert (row["source_rows"], row["kept_rows"], row["rejected_rows"]) == (3, 2, 1)
        assert project.everything() == before


def test_the_day_that_has_not_changed_is_not_taken_again(project: Project) -> None:
    project.deliver(TWO_COPIES)
    project.run()
    assert project.run().outcomes == ()
    assert len(project.ledger()) == 1


@pytest.mark.parametrize(("keep", "arrival"), [("first", "10:03"), ("latest", "10:09")])
def test_when_the_winner_is_another_copy_now_the_loser_moves_and_the_others_stay(
    project: Project, keep: str, arrival: str
) -> None:
    project.set(pipeline={"keep": keep})
    project.deliver(TWO_COPIES)
    project.run()
    (before,) = project.marks()
    project.deliver(f"""
        event | user | id | time  | arrival   | properties
        Again | u9   | a  | 10:00 | {arrival} | {{"n": 3}}
    """)
    project.run()
    project.has_events(f"""
        event | user | id | arrival   | properties
        Again | u9   | a  | {arrival} | {{"n": 3}}
        Open  | u1   | b  | 10:01     | {{}}
    """)
    first, second = ("10:05", "10:07") if keep == "first" else ("10:07", "10:05")
    project.has_rejected(f"""
        id | arrival  | num | reason          | exact
        a  | {first}  | 2   | Duplicate event | no
        a  | {second} | 3   | Duplicate event | no
    """)
    after = sorted(project.marks(), key=lambda mark: mark[2])
    assert after[0] == before
    assert after[1][2] > before[2]
    assert after[1][3] == project.ledger()[-1]["run_id"] != before[3]
    row = project.ledger()[-1]
    assert (row["plan_reason"], row["status"], row["inserted_rows"], row["updated_rows"]) == (
        "changed",
        "published",
        0,
        1,
    )


def test_a_copy_that_wins_nothing_leaves_the_events_untouched(project: Project) -> None:
    project.deliver(TWO_COPIES)
    project.run()
    events, marks = sorted(project.events(), key=str), project.marks()
    project.deliver("""
        id | time  | arrival
        a  | 10:00 | +900d 10:00
        b  | 10:00 | +900d 10:00
    """)
    project.run()
    assert sorted(project.events(), key=str) == events
    assert len(project.rejected()) == 3
    assert marks - project.marks() == {}
    assert (project.ledger()[-1]["updated_rows"], project.ledger()[-1]["inserted_rows"]) == (0, 0)


def test_the_winner_by_content_changes_when_a_copy_of_the_same_instant_lands_later(project: Project) -> None:
    for number in range(4):
        project.deliver(f"""
            id | time  | arrival | properties
            a  | 10:00 | 10:01   | {{"n": {number}}}
            b  | 10:00 | -       | {{"n": {number}}}
        """)
        project.run()
    landed_apart = project.content()
    source = project.engine.rows(project.settings.tables.source)
    for table in ("mp_events", "mp_rejected_events", "mp_partition_runs"):
        project.engine.delete(table, {})
    project.create_source()
    project.add(source)
    project.run()
    assert project.content() == landed_apart
    assert (len(project.events()), len(project.rejected())) == (2, 6)


def test_a_day_without_a_ledger_row_is_planned_again_and_found_unchanged(project: Project) -> None:
    project.deliver(TWO_COPIES)
    project.run()
    before = project.everything()
    project.engine.delete(project.settings.tables.ledger, {})
    assert project.planned() == {DAY: "new"}
    project.run()
    assert (project.status(), project.everything()) == ("unchanged", before)


def test_equal_copies_stay_as_many_and_keep_their_marks(project: Project) -> None:
    (copy,) = rows("id | time | arrival\na | 10:00 | 10:05")
    project.add([copy] * 4)
    project.run()
    marks = project.marks()
    assert marks.total() == 3
    project.deliver("id | time | arrival\na | 10:00 | 10:09")
    project.run()
    assert (project.marks() & marks, project.marks().total()) == (marks, 4)
    assert sorted(row["row_num"] for row in project.rejected()) == [2, 3, 4, 5]
