"""What is written to published days, and that each statement names the batch's days for every table it reads or writes."""

import re
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlglot import exp, parse_one

from mixflows.days import DayRange
from mixflows.model import Run
from tests.bigquery_engine.place import Place
from tests.conformance.days import Days, check
from tests.spec.engines import LANDED
from tests.spec.project import Project
from tests.spec.tables import DAY

BY_DAY = ("mp_master_event", "mp_events", "mp_rejected_events")
COPIES = """
    id | time  | arrival | properties
    a  | 10:00 | 10:05   | {"n": 1}
    a  | 10:00 | 10:06   | {"n": 2}
    b  | 11:00 | 11:01   | {"n": 3}
    -  | 11:00 | 11:01   | {}
    d  | 12:00 | 12:05   | {"n": 5}
    e  | 12:00 | 12:05   | {"n": 6}
    f  | 12:00 | 12:05   | {"n": 7}
"""
EVENTS = """
    id | arrival | properties
    a  | 10:05   | {"n": 1}
    b  | 11:01   | {"n": 3}
    d  | 12:05   | {"n": 5}
    e  | 12:05   | {"n": 6}
    f  | 12:05   | {"n": 7}
"""


def names_its_days(place: Place, sql: str, *days: date) -> None:
    """Every table that is partitioned by day is held to these days, by constants."""
    partitioned = {place.table(name): "partition_date" for name in BY_DAY}
    check(parse_one(sql, dialect="bigquery"), partitioned, Days(days, ZoneInfo("UTC")))


def snapshots_of(place: Place, sql: str) -> list[str | None]:
    """The instants at which a statement reads the source; None for now."""
    mentions = parse_one(sql, dialect="bigquery").find_all(exp.Table)
    versions = [table.args.get("version") for table in mentions if table.name == "mp_master_event"]
    return [version.sql("bigquery") if version else None for version in versions]


def written(place: Place, run: Run) -> list[str]:
    return [
        job.labels["step"]
        for job in place.jobs(run.run_id)
        if job.labels["step"].startswith(("added_", "delta_", "replace_"))
    ]


def test_every_statement_of_a_day_names_that_day_alone(project: Project, place: Place) -> None:
    """A new day, a changed one, an unchanged one, a damaged one: each writes what it must, and repairs what it can."""
    runs = [Run(f"{number}{place.dataset}") for number in range(4)]
    project.deliver(COPIES)
    project.run(run=runs[0])
    project.has_events(EVENTS)
    assert (place.copied(runs[0].run_id), written(place, runs[0])) == (["mp_events$20260310"], ["replace_rejected"])

    project.deliver("""
        id | time  | arrival | properties
        c  | 12:00 | 12:01   | {"n": 4}
    """)
    project.run(run=runs[1])
    assert written(place, runs[1]) == ["added_events", "delta_rejected"]
    now = EVENTS + '    c | 12:01 | {"n": 4}'
    project.has_events(now)

    project.run("all", run=runs[2])
    assert project.status() == "unchanged"
    assert written(place, runs[2]) == []

    table = place.table("mp_events")
    place.sql(f"INSERT INTO `{table}` SELECT * FROM `{table}` WHERE mp_insert_id = 'a'")
    place.sql(f"DELETE FROM `{table}` WHERE mp_insert_id = 'b'")
    project.run("all", run=runs[3])
    assert (place.copied(runs[3].run_id), written(place, runs[3])) == (["mp_events$20260310"], ["replace_rejected"])
    project.has_events(now)

    for run in runs:
        jobs = [job for job in place.jobs(run.run_id) if "day" in job.labels]
        assert jobs
        for job in jobs:
            assert (job.labels["day"], job.labels["days"]) == ("2026-03-10", "1")
            if job.statement_type == "SELECT":
                found = job.result()
                assert not {field.name for field in found.schema} & set(LANDED), "no event comes back"
                assert found.total_rows <= 1 or job.labels["step"] == "profile"
            if not job.labels["step"].startswith("append_"):
                names_its_days(place, job.query, DAY)
                assert not re.search(r"@(?!run_id|now)\w+", re.sub(r"--.*", "", job.query)), job.query
        snapshots = Counter(at for job in jobs for at in snapshots_of(place, job.query))
        assert len(snapshots) == 1, "one instant for a batch"
        assert None not in snapshots


def test_a_batch_is_as_many_jobs_as_a_day_and_names_all_its_days(project: Project, place: Place) -> None:
    """New days, then days of which a little changed."""
    statements: list[list[Counter[str]]] = []
    for first, number in ((DAY, 1), (DAY + timedelta(days=100), 12)):
        days = [first + timedelta(days=2 * n) for n in range(number)]
        copies = [
            {"mp_insert_id": name, "time": datetime(day.year, day.month, day.day, 10, tzinfo=UTC)}
            for day in days
            for name in "aabcdef"
        ]
        statements.append([])
        for kind, delivered in (("new", copies), ("changed", copies[::7])):
            project.add([copy | {"mp_processing_time_ms": 1_800_000_000_000 - len(kind)} for copy in delivered])
            run = Run(f"{kind}{number}{place.dataset}")
            project.run(run=run, days=DayRange(days[0], days[-1]))
            jobs = [job for job in place.jobs(run.run_id) if "day" in job.labels]
            for job in jobs:
                assert (job.labels["day"], job.labels["days"]) == (str(first), str(number))
                if not job.labels["step"].startswith("append_"):
                    names_its_days(place, job.query, *days)
            assert len(place.copied(run.run_id)) == (number if kind == "new" else 0)
            statements[-1].append(Counter(job.labels["step"] for job in jobs))
    one_day, twelve_days = statements
    assert one_day == twelve_days
    assert {"events_next", "replace_rejected"} <= one_day[0].keys()
    assert {"delta_events", "delta_rejected"} <= one_day[1].keys()
    assert [row["mp_processing_time_ms"] for row in project.events() if row["mp_insert_id"] == "a"] == [
        1_799_999_999_993
    ] * 13


def test_deletions_in_the_source_are_applied_where_that_is_asked(project: Project) -> None:
    project.deliver(COPIES)
    project.run()
    project.delete("""
        id | arrival
        b  | 11:01
    """)
    project.set(pipeline={"source_deletes": "keep"})
    project.run("all")
    project.has_events(EVENTS)
    project.set(pipeline={"source_deletes": "apply"})
    project.run("all", accept_rules=True)
    project.has_events("""
        id | arrival | properties
        a  | 10:05   | {"n": 1}
        d  | 12:05   | {"n": 5}
        e  | 12:05   | {"n": 6}
        f  | 12:05   | {"n": 7}
    """)
