"""The views that `init` makes for analysts, on every engine."""

from mixflows.model import Run, Status
from mixflows.pipeline.release import release_day
from tests.spec.project import Project
from tests.spec.tables import DAY


def test_tell_each_days_duplicate_rate_then_and_now_and_why_copies_were_rejected(project: Project) -> None:
    project.set(quality={"min_rows": 1, "row_checks": "never"})
    project.deliver("""
        id | time  | arrival | day
        a  | 10:00 | 10:01   | 0d
        b  | 11:00 | 11:01   | 0d
        -  | 12:00 | 12:01   | 0d
        c  | 10:00 | 10:01   | 1d
    """)
    project.run()
    views = project.settings.tables
    reasons = [(r["partition_date"], r["rejection_reason"], r["rejected_rows"], r["exact_copies"])
               for r in project.engine.rows(views.reasons_view)]  # fmt: skip
    assert reasons == [(DAY, "Missing insert id", 1, 0)]

    project.deliver("""
        id | time  | arrival | properties
        a  | 10:00 | 10:02   | {}
        a  | 10:00 | 10:03   | {"n": 2}
    """)
    assert project.run_judged().exit_code == 3
    blocked = {row["partition_date"]: row for row in project.engine.rows(views.duplicates_view)}[DAY]
    assert (blocked["duplicate_rate"], blocked["times_taken"]) == (0.0, 1)

    release_day(project.context(Run("release")), DAY, "looked at", project.auditor())
    rates = {row["partition_date"]: row for row in project.engine.rows(views.duplicates_view)}
    assert len(rates) == 2
    now = rates[DAY]
    counts = ("source_rows", "kept_rows", "rejected_rows", "duplicate_rows", "times_taken")
    assert [now[name] for name in counts] == [5, 2, 3, 2, 2]
    assert (now["first_duplicate_rate"], now["duplicate_rate"]) == (0.0, 0.4)
    assert now["first_published_at"] < now["last_published_at"]
    found = {row["rejection_reason"]: row for row in project.engine.rows(views.reasons_view)}
    assert {reason: (row["rejected_rows"], row["exact_copies"]) for reason, row in found.items()} == {
        "Missing insert id": (1, 0),
        "Duplicate event": (2, 1),
    }
    assert found["Duplicate event"]["first_rejected_at"] > found["Missing insert id"]["last_rejected_at"]


def test_read_the_tables_that_the_settings_name_now(project: Project) -> None:
    project.set(quality={"row_checks": "never"})
    project.deliver("""
        id | time  | arrival
        -  | 12:00 | 12:01
    """)
    project.run()
    project.deliver("""
        id | time  | arrival
        -  | 13:00 | 13:01
    """)
    names = {"events": "mp_events_2", "rejected": "mp_rejected_2", "ledger": "mp_runs_2"}
    project.set(tables=names, quality={"row_checks": "never"})
    assert project.run().days(Status.PUBLISHED)
    views = project.settings.tables
    assert [row["rejected_rows"] for row in project.engine.rows(views.reasons_view)] == [2]
    assert [row["times_taken"] for row in project.engine.rows(views.duplicates_view)] == [1]
