"""What is written to a published day, and that each statement names that one day for every table it reads or writes."""

import re

import pytest
from sqlglot import exp, parse_one

from mixflows.model import Run
from tests.bigquery_engine.place import Place
from tests.spec.engines import LANDED
from tests.spec.project import LetAll, Project

BY_DAY = ("mp_master_event", "mp_events", "mp_rejected_events")
WRITES = {"replace_events", "replace_rejected", "merge_events"}
COPIES = """
    id | time  | arrival | properties
    a  | 10:00 | 10:05   | {"n": 1}
    a  | 10:00 | 10:06   | {"n": 2}
    b  | 11:00 | 11:01   | {"n": 3}
    -  | 11:00 | 11:01   | {}
"""
EVENTS = """
    id | arrival | properties
    a  | 10:05   | {"n": 1}
    b  | 11:01   | {"n": 3}
"""


def unpruned(sql: str, day: str) -> list[str]:
    """Tables with a partition a day that a statement does not hold to that one day by a constant.

    A target is held by a condition of ON, or by those of every WHEN that reads rows without a match; each table that is
    read, by its own WHERE. The staged tables hold one day alone.
    """
    tree = parse_one(sql, dialect="bigquery")
    found: list[str] = []
    for table in tree.find_all(exp.Table):
        if table.name not in BY_DAY:
            continue
        merge = table.parent if isinstance(table.parent, exp.Merge) and table.arg_key == "this" else None
        if merge is not None:
            by_source = [when for when in merge.find_all(exp.When) if when.args.get("source")]
            conditions = [merge.args["on"]] if not by_source else [when.args.get("condition") for when in by_source]
        else:
            select = table.find_ancestor(exp.Select)
            where = select.args.get("where") if select else None
            conditions = [where.this if where else None]
        if not all(condition is not None and _names(condition, table.alias, day) for condition in conditions):
            found.append(table.name)
    return found


def _names(condition: exp.Expression, alias: str, day: str) -> bool:
    """Whether a condition that must hold compares the table's day with this constant."""
    parts = condition.flatten() if isinstance(condition, exp.And) else [condition]
    wanted = f"{alias}.partition_date = CAST('{day}' AS DATE)"
    return any(part.sql("bigquery").replace("`", "") == wanted for part in parts)


MERGE = (
    "MERGE INTO `p.d.mp_events` AS t USING (SELECT s.id FROM `p.d.stg` AS s) AS s"
    " ON {} WHEN NOT MATCHED THEN INSERT (id) VALUES (s.id)"
)
SELECT = "SELECT 1 FROM `p.d.mp_master_event` AS s WHERE {}"


@pytest.mark.parametrize(
    ("sql", "refused"),
    [
        (MERGE.format("t.partition_date = DATE '2026-03-10' AND t.id = s.id"), []),
        (MERGE.format("t.partition_date = s.partition_date AND t.id = s.id"), ["mp_events"]),
        (MERGE.format("t.partition_date = DATE '2026-03-11' AND t.id = s.id"), ["mp_events"]),
        (MERGE.format("t.partition_date = DATE '2026-03-10' OR t.id = s.id"), ["mp_events"]),
        (MERGE.format("t.id = s.id"), ["mp_events"]),
        (SELECT.format("s.partition_date = DATE '2026-03-10'"), []),
        (SELECT.format("s.partition_date = (SELECT MAX(x.d) FROM `p.d.days` AS x)"), ["mp_master_event"]),
        (SELECT.format("s.partition_date = @day"), ["mp_master_event"]),
        (SELECT.format("DATE(s.time) = DATE '2026-03-10'"), ["mp_master_event"]),
    ],
)
def test_a_statement_without_the_day_as_a_constant_is_refused(sql: str, refused: list[str]) -> None:
    assert unpruned(sql, "2026-03-10") == refused


def written(place: Place, run: Run) -> list[str]:
    return [job.labels["step"] for job in place.jobs(run.run_id) if job.labels["step"] in WRITES]


def test_every_statement_of_a_day_names_that_day_alone(project: Project, place: Place) -> None:
    """A new day, a changed one, an unchanged one, a damaged one: each writes what it must, and repairs what it can."""
    runs = [Run(f"{number}{place.dataset}") for number in range(4)]
    project.deliver(COPIES)
    project.run(run=runs[0], auditor=LetAll())
    project.has_events(EVENTS)
    assert written(place, runs[0]) == ["replace_rejected", "replace_events"]

    project.deliver("""
        id | time  | arrival | properties
        c  | 12:00 | 12:01   | {"n": 4}
    """)
    project.run(run=runs[1], auditor=LetAll())
    assert written(place, runs[1]) == ["merge_events"]
    now = EVENTS + '    c | 12:01 | {"n": 4}'
    project.has_events(now)

    project.run("all", run=runs[2], auditor=LetAll())
    assert project.status() == "unchanged"
    assert written(place, runs[2]) == []

    table = place.table("mp_events")
    place.sql(f"INSERT INTO `{table}` SELECT * FROM `{table}` WHERE mp_insert_id = 'a'")
    place.sql(f"DELETE FROM `{table}` WHERE mp_insert_id = 'b'")
    project.run("all", run=runs[3], auditor=LetAll())
    assert written(place, runs[3]) == ["replace_events"]
    project.has_events(now)

    for run in runs:
        jobs = [job for job in place.jobs(run.run_id) if "day" in job.labels]
        assert jobs
        for job in jobs:
            assert job.labels["day"] == "2026-03-10"
            if job.statement_type == "SELECT":
                found = job.result()
                assert not {field.name for field in found.schema} & set(LANDED), "no event comes back"
                assert found.total_rows == 1 or job.labels["step"] == "profile"
            if not job.labels["step"].startswith("append_"):
                assert unpruned(job.query, "2026-03-10") == [], job.query
                assert not re.search(r"@(?!run_id)\w+", re.sub(r"--.*", "", job.query)), job.query


def test_deletions_in_the_source_are_applied_where_that_is_asked(project: Project) -> None:
    project.deliver(COPIES)
    project.run(auditor=LetAll())
    project.delete("""
        id | arrival
        b  | 11:01
    """)
    project.set(pipeline={"source_deletes": "keep"})
    project.run("all", auditor=LetAll())
    project.has_events(EVENTS)
    project.set(pipeline={"source_deletes": "apply"})
    project.run("all", auditor=LetAll(), accept_rules=True)
    project.has_events("""
        id | arrival | properties
        a  | 10:05   | {"n": 1}
    """)
