"""Which copy of a key is kept, and what becomes of the others."""

import random
from datetime import UTC, datetime

import pytest

from tests.spec.project import Project
from tests.spec.tables import DAY, rows

LANDED_AT = datetime(2026, 6, 1, tzinfo=UTC)
COPIES = """
    event | user | id | time  | arrival  | properties
    Open  | u1   | a  | 10:00 | 10:00:03 | {"n": 3}
    Open  | u1   | a  | 10:00 | 10:00:01 | {"n": 1}
    Open  | u1   | a  | 10:00 | -        | {"n": 9}
    Open  | u2   | a  | 10:00 | 10:00:02 | {"n": 2}
    Open  | u1   | a  | 10:30 | 10:30:01 | {"n": 4}
    Close | u1   | a  | 10:00 | 10:00:05 | {"n": 5}
    Open  | u1   | b  | 10:00 | 10:00:06 | {"n": 6}
"""
"""Copies that every key takes together differently; the one without arrival was landed after all others arrived."""

KEPT = {
    ("insert_id_time", "first"): "1 4 6",
    ("insert_id_time", "latest"): "9 4 6",
    ("mixpanel", "first"): "1 2 4 5 6",
    ("mixpanel", "latest"): "9 2 4 5 6",
    ("mixpanel_day", "first"): "1 2 5 6",
    ("mixpanel_day", "latest"): "9 2 5 6",
}


@pytest.mark.parametrize(("key", "keep"), KEPT)
def test_the_key_says_what_a_copy_is_and_keep_which_one_wins(project: Project, key: str, keep: str) -> None:
    project.set(pipeline={"key": key, "keep": keep})
    project.deliver(COPIES)
    project.run()
    kept = KEPT[key, keep].split()
    assert sorted(row["properties"] for row in project.events()) == sorted(f'{{"n": {n}}}' for n in kept)
    assert len(project.rejected()) == 7 - len(kept)
    assert project.status() == "published"


@pytest.mark.parametrize(("keep", "winner", "loser"), [("first", "10:01", "-"), ("latest", "-", "10:01")])
def test_a_copy_without_arrival_arrived_when_it_was_landed(
    project: Project, keep: str, winner: str, loser: str
) -> None:
    project.set(pipeline={"keep": keep})
    project.deliver("""
        id | time  | arrival | properties
        a  | 10:00 | -       | {"n": 0}
        a  | 10:00 | 10:01   | {"n": 1}
        b  | 10:00 | -       | {}
    """)
    project.run()
    project.has_events(f"""
        id | arrival
        a  | {winner}
        b  | -
    """)
    project.has_rejected(f"""
        id | arrival | num | reason          | exact
        a  | {loser} | 2   | Duplicate event | no
    """)


def test_of_copies_that_arrived_together_the_newest_version_wins(project: Project) -> None:
    winners: list[str] = []
    for name, order in (("a", (1, 2)), ("b", (2, 1))):
        for n in order:
            project.deliver(f"""
                id | time | arrival | properties
                {name} | 10:00 | 10:01 | {{"n": {n}}}
                new {name}{n} | 10:00 | 10:01 | {{}}
            """)
            project.run()
        winners += [row["properties"] for row in project.events() if row["mp_insert_id"] == name]
    assert winners == ['{"n": 2}', '{"n": 1}']


@pytest.mark.parametrize("keep", ["first", "latest"])
def test_ties_are_decided_by_content_whatever_the_order_of_rows(project: Project, keep: str) -> None:
    project.set(pipeline={"keep": keep})
    copies = rows("""
        id | time  | arrival | properties
        a  | 10:00 | 10:01   | {"n": 1}
        a  | 10:00 | 10:01   | {"n": 2}
        a  | 10:00 | 10:01   | {"n": 3}
        b  | 10:00 | -       | {"n": 4}
        b  | 10:00 | -       | {"n": 5}
    """)
    random.Random(1).shuffle(copies)
    statuses: list[str] = []
    for _ in range(2):
        copies.reverse()  # whatever decides by the order decides otherwise
        project.create_source()
        for copy in copies:  # one delivery each, so that no place in the table can decide
            project.add([copy | {"loaded_at": LANDED_AT, "source_file": "export.jsonl"}])
        project.run("all")
        statuses.append(project.status())
    assert statuses == ["published", "unchanged"]
    assert (len(project.events()), len(project.rejected())) == (2, 3)


def test_byte_identical_copies_are_as_many_rows_as_were_delivered(project: Project) -> None:
    project.deliver("""
        id | time  | arrival
        a  | 10:00 | 10:01
        a  | 10:00 | 10:01
        a  | 10:00 | 10:01
        a  | 10:00 | 10:01
    """)
    project.run()
    project.has_events("""
        id | arrival
        a  | 10:01
    """)
    project.has_rejected("""
        id | num | reason          | exact
        a  | 2   | Duplicate event | yes
        a  | 3   | Duplicate event | yes
        a  | 4   | Duplicate event | yes
    """)


def test_a_conflicting_copy_is_told_from_an_exact_one(project: Project) -> None:
    project.deliver("""
        event | id | time  | arrival | properties
        Open  | a  | 10:00 | 10:01   | {"n": 1}
        Open  | a  | 10:00 | 10:02   | {"n": 1}
        Open  | a  | 10:00 | 10:03   | {"n": 2}
        Close | a  | 10:00 | 10:04   | {"n": 1}
    """)
    project.run()
    project.has_rejected("""
        event | id | arrival | num | exact
        Open  | a  | 10:02   | 2   | yes
        Open  | a  | 10:03   | 3   | no
        Close | a  | 10:04   | 4   | no
    """)


SAME_OR_NOT = [
    ('{"a": 1, "b": [1, {"c": 2, "d": 3}]}', '{"b": [1, {"d": 3, "c": 2}], "a": 1}', "yes"),
    ('{"a": 1, "b": null}', '{"a": 1}', "yes"),
    ('{"a": 1}', '{ "a" :  1 }', "yes"),
    ('{"a": [1, 2]}', '{"a": [2, 1]}', "no"),
    ('{"a": 1}', '{"a": "1"}', "no"),
    ('{"a": ""}', "{}", "no"),
    ('{"ä": "é \\ud83d\\ude42"}', '{"\\u00e4": "\\u00e9 \\ud83d\\ude42"}', "yes"),
]


def test_json_is_compared_by_what_it_says(project: Project) -> None:
    """Two copies of one key each."""
    delivered = ["id | time | arrival | properties"]
    expected = ["id | arrival | exact"]
    for number, (first, second, exact) in enumerate(SAME_OR_NOT):
        delivered += [f"p{number} | 10:00 | 10:01 | {first}", f"p{number} | 10:00 | 10:02 | {second}"]
        expected.append(f"p{number} | 10:02 | {exact}")
    project.deliver("\n".join(delivered))
    project.run()
    project.has_rejected("\n".join(expected))


@pytest.mark.parametrize("key", ["mixpanel", "mixpanel_day"])
def test_unknown_users_and_names_are_equal_to_each_other_and_to_nothing_else(project: Project, key: str) -> None:
    project.set(pipeline={"key": key})
    project.deliver("""
        event | user | id | time  | arrival
        Open  | -    | a  | 10:00 | 10:01
        Open  | -    | a  | 10:00 | 10:02
        Open  | ''   | a  | 10:00 | 10:03
        -     | -    | a  | 10:00 | 10:04
        -     | -    | a  | 10:00 | 10:05
    """)
    project.run()
    project.run("all")
    project.has_events("""
        event | user | id | arrival
        Open  | -    | a  | 10:01
        Open  | ''   | a  | 10:03
        -     | -    | a  | 10:04
    """)
    project.has_rejected("""
        event | user | id | arrival | num | exact
        Open  | -    | a  | 10:02   | 2   | yes
        -     | -    | a  | 10:05   | 2   | yes
    """)
    assert project.status() == "unchanged"


def test_by_mixpanels_compaction_rule_times_of_one_day_are_one_event(project: Project) -> None:
    project.set(pipeline={"key": "mixpanel_day"})
    project.deliver("""
        id | time      | arrival
        a  | 09:00     | 12:02
        a  | 12:00     | 12:01
        a  | +1d 00:00 | +1d 00:01
    """)
    project.run()
    project.has_events("""
        id | time      | day
        a  | 12:00     | 0d
        a  | +1d 00:00 | 1d
    """)
    project.has_rejected("""
        id | time  | day | num | exact
        a  | 09:00 | 0d  | 2   | no
    """)


def test_late_copies_are_counted_from_the_end_of_the_window(project: Project) -> None:
    project.deliver("""
        id | time  | arrival
        a  | 10:00 | +3d 23:59:59.999
        b  | 10:00 | +4d 00:00
        c  | 10:00 | +400d 00:00
        d  | 10:00 | -
    """)
    outcome = project.run().outcomes[0]
    assert (outcome.row.partition_date, outcome.row.late_rows, outcome.row.kept_rows) == (DAY, 3, 4)
