"""What happens when the source no longer has what was published: `block`, `keep` or `apply`."""

import json
from datetime import timedelta

import pytest

from mixflows.pipeline.totals import read_totals
from tests.spec.project import Project
from tests.spec.tables import DAY, rows

DELIVERED = """
    id | time  | arrival | properties
    a  | 10:00 | 10:01   | {"n": 1}
    a  | 10:00 | 10:02   | {"n": 2}
    a  | 10:00 | 10:03   | {"n": 3}
    b  | 10:00 | 10:01   | {"n": 4}
    c  | 10:00 | 10:01   | {"n": 5}
"""

WINNER, LOSER, ONLY = (
    f"id | arrival\n{row}" for row in ("a | 10:01", "a | 10:02", "b | 10:01")
)  # of the delivered copies


@pytest.fixture
def published(project: Project) -> Project:
    project.deliver(DELIVERED)
    project.run()
    return project


def under(project: Project, policy: str) -> None:
    project.set(pipeline={"source_deletes": policy})


@pytest.fixture
def three_days(project: Project) -> Project:
    """The same copies on three days; then the source loses a winner, a loser and the only copy of a key, one a day."""
    for number in range(3):
        project.deliver(on_day(number, DELIVERED))
    project.run()
    return project


def on_day(number: int, table: str) -> str:
    return table.replace("10:", f"+{number}d 10:")


def lose_a_copy_a_day(project: Project) -> None:
    for number, gone in enumerate((WINNER, LOSER, ONLY)):
        project.delete(on_day(number, gone))


def test_block_keeps_the_days_as_they_were_and_says_how_many(three_days: Project) -> None:
    before = three_days.everything()
    lose_a_copy_a_day(three_days)
    assert three_days.run_judged().exit_code == 3
    assert three_days.everything() == before
    last = three_days.ledger()[-3:]
    assert {(row["status"], row["note"]) for row in last} == {
        ("blocked", "published copies are no longer in the source (1, limit 0)")
    }
    assert three_days.planned() == {}


def test_apply_makes_the_days_as_if_the_copies_had_never_been(three_days: Project) -> None:
    under(three_days, "apply")
    lose_a_copy_a_day(three_days)
    three_days.run()
    left = (("2 4 5", {2: 3}), ("1 4 5", {2: 3}), ("1 5", {2: 2, 3: 3}))
    for number, (events, rejected) in enumerate(left):
        day = DAY + timedelta(days=number)
        kept = [row["properties"] for row in three_days.events() if row["partition_date"] == day]
        assert sorted(kept) == [f'{{"n": {n}}}' for n in events.split()]
        found = {row["row_num"]: row["properties"] for row in three_days.rejected() if row["partition_date"] == day}
        assert found == {num: f'{{"n": {n}}}' for num, n in rejected.items()}
    assert {(row["status"], row["deleted_rows"]) for row in three_days.ledger()[-3:]} == {("published", 1)}
    three_days.run("all")
    assert {row["status"] for row in three_days.ledger()[-3:]} == {"unchanged"}


def test_apply_takes_a_winner_away_that_only_its_content_tells_from_the_copy_that_stays(project: Project) -> None:
    under(project, "apply")
    copies = rows("""
        id | time  | arrival | properties
        a  | 10:00 | 10:01   | {"n": 1}
        a  | 10:00 | 10:01   | {"n": 2}
    """)
    project.add(copies)
    project.run()
    (winner,) = project.events()
    (loser,) = project.rejected()
    assert project.engine.delete(project.settings.tables.source, {"properties": winner["properties"]}) == 1
    project.run()
    assert [row["properties"] for row in project.events()] == [loser["properties"]]
    project.has_no_rejected()
    project.run("all")
    assert project.status() == "unchanged"


def test_keep_leaves_an_event_that_the_source_no_longer_has(published: Project) -> None:
    under(published, "keep")
    before = published.everything()
    published.delete(ONLY)
    published.run()
    assert (published.status(), published.everything()) == ("unchanged", before)


def test_keep_leaves_a_rejected_copy_that_the_source_no_longer_has(published: Project) -> None:
    under(published, "keep")
    marks = published.marks()
    published.delete("id | arrival\na  | 10:03")
    published.run()
    assert (published.status(), published.marks()) == ("unchanged", marks)
    assert published.run("all").exit_code == 0
    assert (published.status(), published.marks()) == ("unchanged", marks)


def test_keep_lets_a_copy_that_is_there_win_over_one_that_is_gone_and_loses_neither(published: Project) -> None:
    under(published, "keep")
    published.delete(WINNER)
    published.run()
    published.has_events("""
        id | arrival | properties
        a  | 10:02   | {"n": 2}
        b  | 10:01   | {"n": 4}
        c  | 10:01   | {"n": 5}
    """)
    published.has_rejected("""
        id | arrival | reason          | properties
        a  | 10:01   | Duplicate event | {"n": 1}
        a  | 10:03   | Duplicate event | {"n": 3}
    """)
    before = published.everything()
    for _ in range(2):
        published.run("all")
        assert (published.status(), published.everything()) == ("unchanged", before)
    assert published.ledger()[-1]["deleted_rows"] == 0


def test_keep_goes_on_taking_new_copies_beside_those_that_are_gone(published: Project) -> None:
    under(published, "keep")
    published.delete(ONLY)
    published.delete(LOSER)
    published.run()
    published.deliver("""
        id | time  | arrival | properties
        d  | 10:00 | 10:01   | {"n": 6}
        c  | 10:00 | 09:59   | {"n": 7}
        a  | 10:00 | 10:09   | {"n": 8}
    """)
    published.run()
    published.has_events("""
        id | properties
        a  | {"n": 1}
        b  | {"n": 4}
        c  | {"n": 7}
        d  | {"n": 6}
    """)
    published.has_rejected("""
        id | reason          | properties
        a  | Duplicate event | {"n": 2}
        a  | Duplicate event | {"n": 3}
        a  | Duplicate event | {"n": 8}
        c  | Duplicate event | {"n": 5}
    """)
    before = published.everything()
    published.run("all")
    assert (published.status(), published.everything()) == ("unchanged", before)


def test_keep_and_a_copy_that_comes_back(published: Project) -> None:
    under(published, "keep")
    before = published.content()
    for gone in (WINNER, ONLY):
        published.delete(gone)
    published.run()
    published.deliver("""
        id | time  | arrival | properties
        a  | 10:00 | 10:01   | {"n": 1}
        b  | 10:00 | 10:01   | {"n": 4}
    """)
    published.run()
    assert published.content() == before


@pytest.mark.parametrize("policy", ["block", "keep", "apply"])
def test_a_whole_day_that_vanished_is_planned_and_treated_by_the_policy(published: Project, policy: str) -> None:
    under(published, policy)
    published.deliver("""
        id | time      | arrival
        z  | +1d 10:00 | +1d 10:01
    """)
    published.run_judged()
    before = published.everything()
    assert published.engine.delete(published.settings.tables.source, {"partition_date": DAY}) == 5
    assert published.planned() == {DAY: "changed"}
    published.run_judged()
    assert published.status() == {"block": "blocked", "keep": "unchanged", "apply": "published"}[policy]
    if policy == "apply":
        assert ([row["mp_insert_id"] for row in published.events()], published.rejected()) == (["z"], [])
        assert published.ledger()[-1]["deleted_rows"] == 5
    else:
        assert published.everything() == before
    assert published.planned() == {}
    published.deliver(DELIVERED)
    assert published.planned() == {DAY: "changed"}
    published.run_judged()
    assert published.status() == "published"  # the copies are back, by another delivery
    assert (len(published.events()), len(published.rejected())) == (4, 2)


def test_a_day_blocked_by_deletions_goes_on_once_the_policy_is_another(published: Project) -> None:
    published.delete(ONLY)
    published.run_judged()
    assert published.planned() == {}
    under(published, "apply")
    assert published.planned() == {DAY: "thresholds_changed"}
    published.run_judged()
    assert (published.status(), len(published.events())) == ("published", 2)


SOURCE_OF_FIVE_DAYS = """
    id | time      | arrival
    a  | 10:00     | 10:01
    a  | 10:00     | 10:02
    a  | +1d 10:00 | +1d 10:01
    a  | +2d 10:00 | +2d 10:01
    a  | +3d 10:00 | +3d 10:01
    a  | +4d 10:00 | +4d 10:01
"""


def test_days_that_the_source_keeps_no_longer_stay_published(project: Project) -> None:
    """A day that vanishes before its time, or only in part, is a deletion like any other."""
    project.set(pipeline={"source_keeps_days": 4})
    project.deliver(SOURCE_OF_FIVE_DAYS)
    project.run()
    before = project.everything()
    project.delete("id | arrival\na | 10:01\na | 10:02\na | +1d 10:01")
    for mode in ("due", "all"):
        assert not {DAY, DAY + timedelta(days=1)} & project.planned(mode).keys()
    assert project.run().exit_code == 0
    assert project.everything() == before
    totals = read_totals(project.warehouse, project.settings)
    assert (totals.holds, totals.delivered, totals.retained, totals.waiting) == (True, 3, 3, 0)

    project.set(pipeline={"source_keeps_days": 6})
    assert project.planned().keys() == {DAY, DAY + timedelta(days=1)}


def test_a_day_of_which_the_source_lost_a_part_has_not_expired(project: Project) -> None:
    project.set(pipeline={"source_keeps_days": 2})
    project.deliver(SOURCE_OF_FIVE_DAYS)
    project.run()
    project.delete("id | arrival\na | 10:02")
    assert project.run_judged().exit_code == 3
    assert project.status() == "blocked"


THREE_CONTENTS = """
    id | time  | arrival | properties
    a  | 10:00 | 10:01   | {"n": 1}
    a  | 10:00 | 10:01   | {"n": 2}
    a  | 10:00 | 10:01   | {"n": 3}
"""


@pytest.mark.parametrize("lost", ["winner", "loser"])
def test_keep_keeps_the_copy_that_is_gone_where_only_its_content_tells_it_from_those_that_are_there(
    project: Project, lost: str
) -> None:
    under(project, "keep")
    project.deliver(THREE_CONTENTS)
    project.run()
    gone = (project.events() if lost == "winner" else project.rejected())[0]["properties"]
    assert project.engine.delete(project.settings.tables.source, {"properties": gone}) == 1
    project.run()
    assert contents(project) == ['{"n": 1}', '{"n": 2}', '{"n": 3}']
    project.run("all")
    assert project.status() == "unchanged"


def test_keep_keeps_the_copy_that_is_gone_also_where_an_identity_merge_rewrote_those_that_are_there(
    project: Project,
) -> None:
    under(project, "keep")
    project.deliver(THREE_CONTENTS)
    project.run()
    for copy in rows(THREE_CONTENTS):
        assert project.engine.delete(project.settings.tables.source, {"properties": copy["properties"]}) == 1
    project.add([copy | {"distinct_id": "merged"} for copy in rows(THREE_CONTENTS)[1:]])
    project.run()
    assert contents(project) == ['{"n": 1}', '{"n": 2}', '{"n": 3}']
    assert sorted(row["distinct_id"] for row in project.rejected() + project.events()) == ["merged", "merged", "u1"]


@pytest.mark.parametrize("lost", [1, 2, 3])
def test_keep_keeps_the_copy_that_is_gone_also_where_those_that_are_there_were_landed_in_another_form(
    project: Project, lost: int
) -> None:
    """One with its members in another order, one with a member in a column of its own."""
    under(project, "keep")
    (copy,) = rows("id | time  | arrival\na  | 10:00 | 10:01")
    copies = {n: copy | {"properties": f'{{"a": {{"b": 1, "c": {n}}}, "plan": "{n}"}}'} for n in (1, 2, 3)}
    project.add(list(copies.values()))
    project.run()
    for properties in copies.values():
        assert project.engine.delete(project.settings.tables.source, {"properties": properties["properties"]}) == 1
    project.engine.add_column(project.settings.tables.source, "plan", "STRING")
    other, own = (n for n in copies if n != lost)
    project.add([copy | {"properties": f'{{"plan": "{other}", "a": {{"c": {other}, "b": 1}}}}', "plan": None}])
    project.add([copy | {"properties": f'{{"a": {{"b": 1, "c": {own}}}}}', "plan": f"{own}"}])
    project.run()
    kept = sorted(json.loads(row["properties"])["a"]["c"] for row in (*project.events(), *project.rejected()))
    assert kept == [1, 2, 3]
    project.run("all")
    assert project.status() == "unchanged"


def test_keep_counts_copies_that_nothing_tells_apart(project: Project) -> None:
    under(project, "keep")
    copies = rows(THREE_CONTENTS)
    project.add([*copies, copies[-1]])
    project.run()
    project.engine.delete(project.settings.tables.source, {"properties": '{"n": 3}'})
    project.run()
    assert contents(project) == ['{"n": 1}', '{"n": 2}', '{"n": 3}', '{"n": 3}']
    project.run("all")
    assert project.status() == "unchanged"


def test_keep_has_new_contents_take_the_place_of_as_many_others(project: Project) -> None:
    under(project, "keep")
    project.deliver(THREE_CONTENTS)
    project.run()
    for copy in rows(THREE_CONTENTS):
        assert project.engine.delete(project.settings.tables.source, {"properties": copy["properties"]}) == 1
    project.add([copy | {"properties": f'{{"n": {n}}}'} for n, copy in enumerate(rows(THREE_CONTENTS)[:2], start=4)])
    project.run()
    gone, *there = contents(project)
    assert (gone in {'{"n": 1}', '{"n": 2}', '{"n": 3}'}, there) == (True, ['{"n": 4}', '{"n": 5}'])
    assert sorted(row["row_num"] for row in project.rejected()) == [2, 3]


def contents(project: Project) -> list[str]:
    """Of all published copies."""
    return sorted(row["properties"] for row in (*project.events(), *project.rejected()))
